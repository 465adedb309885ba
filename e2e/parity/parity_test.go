package parity

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/proxy"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// mesh is one Service with its slices, and the Nodes.
type mesh struct {
	service *corev1.Service
	slices  []*discoveryv1.EndpointSlice
	nodes   []*corev1.Node
}

// draw makes a Service with up to three slices of each family. Of an address that
// stands twice one endpoint is terminating: which of two others kube-proxy takes is
// not defined.
func draw(t *rapid.T) mesh {
	m := mesh{service: &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "reviews"},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.96.0.1", ClusterIPs: []string{"10.96.0.1"}, IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
			Ports: []corev1.ServicePort{
				{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(8080)},
				{Name: "admin", Port: 90, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(9090)},
			},
		},
	}}
	if rapid.IntRange(0, 4).Draw(t, "local") == 0 {
		local := corev1.ServiceInternalTrafficPolicyLocal
		m.service.Spec.InternalTrafficPolicy = &local
	}
	for _, name := range []string{"n1", "n2", "n3", "n4"} {
		labels := map[string]string{corev1.LabelTopologyRegion: "r"}
		if zone := rapid.SampledFrom([]string{"z1", "z2", "z3", ""}).Draw(t, "zone of "+name); zone != "" {
			labels[corev1.LabelTopologyZone] = zone
		}
		m.nodes = append(m.nodes, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
	}
	hinted := rapid.IntRange(0, 3).Draw(t, "hinted")
	for i := range rapid.IntRange(1, 4).Draw(t, "slices") {
		m.slices = append(m.slices, drawSlice(t, i, hinted))
		if i == 1 {
			moves(t, m.slices[0], m.slices[1])
		}
	}
	return m
}

// moves lets an endpoint stand in two slices of a family: in one of them terminating.
func moves(t *rapid.T, from, to *discoveryv1.EndpointSlice) {
	if from.AddressType != to.AddressType || len(from.Endpoints) == 0 || len(to.Endpoints) == 0 || rapid.IntRange(0, 2).Draw(t, "moves") > 0 {
		return
	}
	stays, leaves := &from.Endpoints[0], &to.Endpoints[len(to.Endpoints)-1]
	no, yes := false, true
	stays.Conditions.Terminating, leaves.Conditions.Terminating = &no, &yes
	leaves.Addresses = stays.Addresses
	if rapid.Bool().Draw(t, "the other way") {
		stays.Conditions, leaves.Conditions = leaves.Conditions, stays.Conditions
	}
}

func drawSlice(t *rapid.T, i, hinted int) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("reviews-%d", i), Labels: map[string]string{
			discoveryv1.LabelServiceName: "reviews", discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io",
		}},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	six := rapid.IntRange(0, 3).Draw(t, "IPv6") == 0
	if six {
		s.AddressType = discoveryv1.AddressTypeIPv6
	}
	for _, p := range []struct {
		name string
		port int32
	}{{"http", 8080}, {"admin", 9090}} {
		if rapid.IntRange(0, 4).Draw(t, "port "+p.name) > 0 {
			tcp := corev1.ProtocolTCP
			s.Ports = append(s.Ports, discoveryv1.EndpointPort{Name: &p.name, Port: &p.port, Protocol: &tcp})
		}
	}
	for j := range rapid.IntRange(0, 5).Draw(t, "endpoints") {
		address := fmt.Sprintf("10.0.%d.%d", i, j)
		if six {
			address = fmt.Sprintf("fd00::%d:%d", i, j)
		}
		e := drawEndpoint(t, hinted)
		e.Addresses = []string{address}
		s.Endpoints = append(s.Endpoints, e)
	}
	return s
}

func drawEndpoint(t *rapid.T, hinted int) discoveryv1.Endpoint {
	condition := func(name string, mostly bool) *bool {
		switch rapid.IntRange(0, 5).Draw(t, name) {
		case 0:
			return nil
		case 1:
			other := !mostly
			return &other
		}
		return &mostly
	}
	node := rapid.SampledFrom([]string{"n1", "n2", "n3", "n4"}).Draw(t, "node")
	e := discoveryv1.Endpoint{NodeName: &node, Conditions: discoveryv1.EndpointConditions{
		Ready: condition("ready", true), Serving: condition("serving", true), Terminating: condition("terminating", false),
	}}
	zone := rapid.SampledFrom([]string{"z1", "z2", "z3"}).Draw(t, "zone")
	e.Zone = &zone
	if hinted == 0 || hinted < 3 && rapid.IntRange(0, 9).Draw(t, "no hint") == 0 {
		return e
	}
	e.Hints = &discoveryv1.EndpointHints{}
	for _, z := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"z1", "z2", "z3"}), 1, 2, rapid.ID).Draw(t, "zones") {
		e.Hints.ForZones = append(e.Hints.ForZones, discoveryv1.ForZone{Name: z})
	}
	if hinted == 2 {
		e.Hints.ForNodes = []discoveryv1.ForNode{{Name: node}}
	}
	return e
}

// kubeProxy is what kube-proxy on a Node would use for a port: its own code, from
// slices to the choice.
func (m mesh) kubeProxy(node *corev1.Node, port string) []string {
	tracker := proxy.NewEndpointsChangeTracker(corev1.IPv4Protocol, node.Name, nil, nil)
	for _, s := range m.slices {
		tracker.EndpointSliceUpdate(s, false)
	}
	endpoints := proxy.EndpointsMap{}
	endpoints.Update(tracker)
	services := proxy.NewServiceChangeTracker(corev1.IPv4Protocol, nil, nil)
	services.Update(nil, m.service)
	ports := proxy.ServicePortMap{}
	ports.Update(services)
	name := proxy.ServicePortName{
		NamespacedName: types.NamespacedName{Namespace: m.service.Namespace, Name: m.service.Name}, Port: port, Protocol: corev1.ProtocolTCP,
	}
	_, _, reachable, _ := proxy.CategorizeEndpoints(endpoints[name], ports[name], node.Name, node.Labels)
	out := []string{}
	for _, e := range reachable {
		out = append(out, e.String())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ours is priority 0 of a sidecar on the Node; under internalTrafficPolicy: Local
// there is no other.
func (m mesh) ours(t *rapid.T, node *corev1.Node, port uint32) []string {
	st := m.store()
	service, _ := ingest.Service(st.Objects(model.ServiceKey("default", "reviews")))
	client, _ := translate.Client(model.Proxy{ID: "default/c", Kind: model.Sidecar, Namespace: "default", Node: node.Name}, st.Nodes(), nil)
	built, err := translate.Build(service, service.Select(client, port, ""))
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, g := range built.Assignment.Groups {
		if g.Priority > 0 {
			if m.service.Spec.InternalTrafficPolicy != nil {
				t.Fatalf("internalTrafficPolicy Local has a priority %d", g.Priority)
			}
			continue
		}
		for _, e := range g.Endpoints {
			out = append(out, fmt.Sprintf("%s:%d", e.Address, e.Port))
		}
	}
	slices.Sort(out)
	return out
}

// TestKubeProxy: on every Node and port priority 0 is the set that kube-proxy would
// use (semantics 5.1, 4.2; reference/kubernetes.md 5), whatever the slices look like.
func TestKubeProxy(t *testing.T) {
	filtered, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		m := draw(t)
		for _, node := range m.nodes {
			for _, port := range m.service.Spec.Ports {
				want, got := m.kubeProxy(node, port.Name), m.ours(t, node, uint32(port.Port))
				if !slices.Equal(want, got) {
					t.Fatalf("on %s (%v) port %s kube-proxy uses\n%s\nand coastwise\n%s", node.Name, node.Labels, port.Name,
						strings.Join(want, "\n"), strings.Join(got, "\n"))
				}
				all++
				if len(want) > 0 && len(want) < len(m.kubeProxy(&corev1.Node{}, port.Name)) {
					filtered++
				}
			}
		}
	})
	t.Logf("%d sets compared, %d of them smaller than for a client on no Node", all, filtered)
	if filtered < all/50 {
		t.Errorf("only %d of %d sets were chosen by topology: the draw is too tame", filtered, all)
	}
}
