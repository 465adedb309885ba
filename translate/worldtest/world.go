package worldtest

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// World is a set of admitted objects and of the fences of refused ones, by name.
type World struct {
	Objects map[model.ObjectRef]any
	Fences  map[model.ObjectRef]*model.Fence
}

// Event is one object's new truth: an object, a fence, or neither: it is gone.
type Event struct {
	Ref    model.ObjectRef
	Object any
	Fence  *model.Fence
}

// New is an empty world.
func New() World {
	return World{Objects: map[model.ObjectRef]any{}, Fences: map[model.ObjectRef]*model.Fence{}}
}

// Apply puts an event into the world.
func (w World) Apply(e Event) {
	delete(w.Objects, e.Ref)
	delete(w.Fences, e.Ref)
	switch {
	case e.Object != nil:
		w.Objects[e.Ref] = e.Object
	case e.Fence != nil:
		w.Fences[e.Ref] = e.Fence
	}
}

// Events is the world as events, sorted by object.
func (w World) Events() []Event {
	var out []Event
	for _, ref := range slices.SortedFunc(maps.Keys(w.Objects), model.ObjectRef.Compare) {
		out = append(out, Event{Ref: ref, Object: w.Objects[ref]})
	}
	for _, ref := range slices.SortedFunc(maps.Keys(w.Fences), model.ObjectRef.Compare) {
		out = append(out, Event{Ref: ref, Fence: w.Fences[ref]})
	}
	return out
}

// Draw makes a world of some events.
func Draw(t *rapid.T) World {
	w := New()
	for range rapid.IntRange(5, 40).Draw(t, "objects") {
		w.Apply(DrawEvent(t))
	}
	return w
}

// The names that worlds are made of. The zone z1 stands in two regions.
var (
	regions    = []string{"r1", "r2", "r3"}
	zones      = []string{"z1", "z2", "z3"}
	nodes      = []string{"n1", "n2", "n3", "n4", "n5", "n6"}
	namespaces = []string{"a", "b"}
	services   = []string{"s1", "s2"}
)

// Namespaces are those in which services and clients live.
func Namespaces() []string { return slices.Clone(namespaces) }

// DrawEvent draws one change of one object. Objects of one name are drawn again
// and again, so that they are edited, deleted and made anew.
func DrawEvent(t *rapid.T) Event {
	kind := rapid.SampledFrom([]string{
		"Service", "EndpointSlice", "EndpointSlice", "EndpointSlice", "EndpointSlice",
		"Node", "Node", "Pod", "DestinationRule", "DestinationRule", "MeshConfig", "Namespace",
		"ServiceEntry", "ServiceEntry", "WorkloadEntry", "Gateway", "HTTPRoute",
	}).Draw(t, "kind")
	e := event(t, kind)
	if rapid.IntRange(0, 7).Draw(t, "gone") == 0 {
		e.Object, e.Fence = nil, nil
	}
	return e
}

func event(t *rapid.T, kind string) Event {
	ns := rapid.SampledFrom(namespaces).Draw(t, "namespace")
	switch kind {
	case "Service":
		return service(t, ns)
	case "EndpointSlice":
		return slice(t, ns)
	case "Node":
		return node(t)
	case "Pod":
		return pod(t, ns)
	case "ServiceEntry":
		return serviceEntry(t, ns)
	case "WorkloadEntry":
		return workloadEntry(t, ns)
	case "Namespace":
		n := &corev1.Namespace{}
		n.Name = ns
		if rapid.Bool().Draw(t, "narrow") {
			n.Annotations = map[string]string{"networking.coastwise.dev/scope": rapid.SampledFrom([]string{"a/*", "b/s1,a/s1"}).Draw(t, "scope")}
		}
		n.Annotations = withDistribution(t, n.Annotations)
		return Event{Ref: model.ObjectRef{Kind: kind, Name: ns}, Object: n}
	case "MeshConfig":
		return mesh(t)
	case "Gateway":
		return gateway(t)
	case "HTTPRoute":
		return httpRoute(t, ns)
	default:
		return rule(t)
	}
}

func service(t *rapid.T, ns string) Event {
	s := &corev1.Service{}
	s.Namespace, s.Name = ns, rapid.SampledFrom(services).Draw(t, "service")
	s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	if rapid.Bool().Draw(t, "second port") {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: "grpc", Port: 90})
	}
	if rapid.IntRange(0, 2).Draw(t, "distribution") == 0 {
		s.Spec.TrafficDistribution = ptr(rapid.SampledFrom([]string{"PreferClose", "PreferSameZone", "PreferSameNode"}).Draw(t, "trafficDistribution"))
	}
	if rapid.IntRange(0, 5).Draw(t, "local") == 0 {
		s.Spec.InternalTrafficPolicy = ptr(corev1.ServiceInternalTrafficPolicyLocal)
	}
	if rapid.IntRange(0, 5).Draw(t, "affine") == 0 {
		s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	}
	s.Annotations = map[string]string{}
	if rapid.IntRange(0, 5).Draw(t, "private") == 0 {
		s.Annotations["networking.coastwise.dev/export-to"] = "."
	}
	if rapid.IntRange(0, 7).Draw(t, "auto") == 0 {
		s.Annotations["service.kubernetes.io/topology-mode"] = "Auto"
	}
	s.Annotations = withDistribution(t, s.Annotations)
	listen(t, s)
	attached(t, s)
	external(t, s)
	return Event{Ref: model.ObjectRef{Kind: "Service", Namespace: ns, Name: s.Name}, Object: s}
}

func slice(t *rapid.T, ns string) Event {
	s := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
	of := rapid.SampledFrom(services).Draw(t, "of")
	s.Namespace, s.Name = ns, of+rapid.SampledFrom([]string{"-x", "-y"}).Draw(t, "slice")
	s.Labels = map[string]string{discoveryv1.LabelServiceName: of}
	if rapid.IntRange(0, 3).Draw(t, "managed") == 0 {
		s.Labels[discoveryv1.LabelManagedBy] = "endpointslice-controller.k8s.io"
	}
	s.Ports = []discoveryv1.EndpointPort{
		{Name: ptr("http"), Port: ptr(int32(8080))}, {Name: ptr("grpc"), Port: ptr(int32(9090))},
	}
	hinted := rapid.IntRange(0, 2).Draw(t, "hinted") == 0
	for i := range rapid.IntRange(0, 5).Draw(t, "endpoints") {
		s.Endpoints = append(s.Endpoints, endpoint(t, i, hinted))
	}
	return Event{Ref: model.ObjectRef{Kind: "EndpointSlice", Namespace: ns, Name: s.Name}, Object: s}
}

func endpoint(t *rapid.T, i int, hinted bool) discoveryv1.Endpoint {
	e := discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("10.0.%d.%d", rapid.IntRange(0, 1).Draw(t, "net"), i)}}
	e.NodeName = ptr(rapid.SampledFrom(nodes).Draw(t, "node"))
	if rapid.Bool().Draw(t, "zoned") {
		e.Zone = ptr(rapid.SampledFrom(zones).Draw(t, "zone"))
	}
	switch rapid.IntRange(0, 5).Draw(t, "state") {
	case 0:
		e.Conditions.Ready = ptr(false)
	case 1:
		e.Conditions = discoveryv1.EndpointConditions{Ready: ptr(false), Serving: ptr(true), Terminating: ptr(true)}
	}
	if rapid.IntRange(0, 3).Draw(t, "target") > 1 {
		e.TargetRef = &corev1.ObjectReference{
			Kind: "Pod", Namespace: rapid.SampledFrom(namespaces).Draw(t, "target namespace"),
			Name: rapid.SampledFrom([]string{"p1", "p2"}).Draw(t, "pod"),
		}
	}
	if hinted && rapid.IntRange(0, 9).Draw(t, "unhinted") > 0 {
		e.Hints = &discoveryv1.EndpointHints{ForZones: []discoveryv1.ForZone{{Name: rapid.SampledFrom(zones).Draw(t, "hint")}}}
	}
	return e
}

func node(t *rapid.T) Event {
	n := &corev1.Node{}
	n.Name = rapid.SampledFrom(nodes).Draw(t, "name")
	n.Labels = map[string]string{}
	if rapid.IntRange(0, 5).Draw(t, "labelled") > 0 {
		n.Labels["topology.kubernetes.io/region"] = rapid.SampledFrom(regions).Draw(t, "region")
		n.Labels["topology.kubernetes.io/zone"] = rapid.SampledFrom(zones).Draw(t, "zone")
		if rapid.IntRange(0, 3).Draw(t, "sub-zone") == 0 {
			n.Labels["topology.istio.io/subzone"] = rapid.SampledFrom([]string{"rack", "rick"}).Draw(t, "name of the sub-zone")
		}
	}
	return Event{Ref: model.ObjectRef{Kind: "Node", Name: n.Name}, Object: n}
}

func pod(t *rapid.T, ns string) Event {
	p := &corev1.Pod{}
	p.Namespace, p.Name = ns, rapid.SampledFrom([]string{"p1", "p2", "client"}).Draw(t, "name")
	p.Spec.NodeName = rapid.SampledFrom(nodes).Draw(t, "node")
	if rapid.IntRange(0, 3).Draw(t, "label") == 0 {
		p.Labels = map[string]string{"topology.istio.io/locality": rapid.SampledFrom(regions).Draw(t, "region") + ".z1"}
	}
	p.Labels = tunnelled(t, versioned(t, withLabels(t, p.Labels)))
	running(t, p)
	return Event{Ref: model.ObjectRef{Kind: "Pod", Namespace: ns, Name: p.Name}, Object: p}
}

func mesh(t *rapid.T) Event {
	ref := model.ObjectRef{Kind: "MeshConfig", Name: "default"}
	if rapid.IntRange(0, 5).Draw(t, "refused") == 0 {
		return Event{Ref: ref, Fence: &model.Fence{Object: ref, Field: "spec.localityLbSetting.allowedRegions", AllowedRegions: []string{"r1", "r2"}}}
	}
	m := &v1alpha1.MeshConfig{}
	m.Name = "default"
	m.Spec.Suspend = rapid.IntRange(0, 4).Draw(t, "suspend") == 0
	m.Spec.LocalityLbSetting = setting(t)
	meshSettings(t, &m.Spec)
	return Event{Ref: ref, Object: m}
}

func rule(t *rapid.T) Event {
	ns := rapid.SampledFrom([]string{"a", "b", "coastwise-system"}).Draw(t, "of")
	version := apiVersion(t)
	ref := model.ObjectRef{
		Kind: v1alpha1.KindOf(version, v1alpha1.KindDestinationRule), Namespace: ns,
		Name: rapid.SampledFrom([]string{"d1", "d2"}).Draw(t, "name"),
	}
	host := rapid.SampledFrom([]string{
		"s1", "s1.a.svc.cluster.local", "s2.b", "s1.b.svc", "*.a.svc.cluster.local", "*.a", "*", "nothing.example.com",
		"db.example.com", "*.example.com", "s1.a",
	}).Draw(t, "host")
	if rapid.IntRange(0, 6).Draw(t, "refused") == 0 {
		return Event{Ref: ref, Fence: &model.Fence{
			Object: ref, Host: host, AllowedRegions: []string{"r1"},
			Field: "spec.trafficPolicy.loadBalancer.localityLbSetting.allowedRegions",
		}}
	}
	r := &v1alpha1.DestinationRule{}
	r.APIVersion, r.Namespace, r.Name, r.Spec.Host = version, ns, ref.Name, host
	r.Spec.TrafficPolicy = policy(t)
	forSome(t, r)
	r.Spec.Subsets = subsets(t)
	return Event{Ref: ref, Object: r}
}

// apiVersion is "" for ours, or Istio's.
func apiVersion(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", v1alpha1.IstioAPIVersion}).Draw(t, "group")
}

func setting(t *rapid.T) *v1alpha1.LocalityLbSetting {
	if rapid.IntRange(0, 2).Draw(t, "no setting") == 0 {
		return nil
	}
	s := &v1alpha1.LocalityLbSetting{}
	if rapid.Bool().Draw(t, "says enabled") {
		s.Enabled = ptr(rapid.Bool().Draw(t, "enabled"))
	}
	if rapid.Bool().Draw(t, "failover") {
		s.Failover = []v1alpha1.Failover{{From: "r1", To: rapid.SampledFrom([]string{"r2", "r3"}).Draw(t, "to")}}
	}
	s.Distribute, s.FailoverPriority = drawDistribute(t), drawFailoverPriority(t)
	if rapid.IntRange(0, 2).Draw(t, "fence") == 0 {
		s.AllowedRegions = rapid.SampledFrom([][]string{{"r1"}, {"r1", "r2"}, {"r3"}}).Draw(t, "allowedRegions")
	}
	if rapid.IntRange(0, 3).Draw(t, "threshold") == 0 {
		s.FailoverThreshold = ptr(int32(rapid.IntRange(1, 100).Draw(t, "failoverThreshold")))
	}
	return s
}

// DrawProxy draws the claims of one client; id makes it unique.
func DrawProxy(t *rapid.T, id string) model.Proxy {
	ns := rapid.SampledFrom(namespaces).Draw(t, "client namespace")
	p := model.Proxy{
		ID: ns + "/" + id, Kind: rapid.SampledFrom([]model.Kind{model.Sidecar, model.Gateway, model.Waypoint}).Draw(t, "client kind"),
		Namespace: ns, Bind: "127.0.0.1", HTTPProxyPort: 15080,
	}
	entrances(t, &p)
	if rapid.Bool().Draw(t, "claims a node") {
		p.Node = rapid.SampledFrom(append([]string{"elsewhere"}, nodes...)).Draw(t, "client node")
	}
	if rapid.IntRange(0, 4).Draw(t, "claims a place") > 0 {
		p.Locality.Zone = rapid.SampledFrom(append([]string{"nowhere", "z9"}, zones...)).Draw(t, "client zone")
		if rapid.IntRange(0, 4).Draw(t, "claims a region") > 0 {
			p.Locality.Region = rapid.SampledFrom(append([]string{"nowhere"}, regions...)).Draw(t, "client region")
		}
	}
	if p.Locality.Region != "" && rapid.IntRange(0, 2).Draw(t, "claims a sub-zone") == 0 {
		p.Locality.SubZone = "rack"
	}
	if rapid.IntRange(0, 4).Draw(t, "narrow") == 0 {
		p.Scope = rapid.SampledFrom([]string{"a/*", "b/s2"}).Draw(t, "client scope")
	}
	p.Labels = withLabels(t, workload(t))
	p.Network = p.Labels["topology.istio.io/network"]
	return p
}

func ptr[T any](v T) *T { return &v }
