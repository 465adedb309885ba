package store

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

func toService(namespace, name string) gatewayv1.ParentReference {
	ref := toGateway(namespace, name)
	ref.Group, ref.Kind = ptr.To[gatewayv1.Group](""), ptr.To[gatewayv1.Kind]("Service")
	return ref
}

// toGateway leaves out the namespace where it is "".
func toGateway(namespace, name string) gatewayv1.ParentReference {
	ref := gatewayv1.ParentReference{Name: gatewayv1.ObjectName(name)}
	if namespace != "" {
		ref.Namespace = ptr.To(gatewayv1.Namespace(namespace))
	}
	return ref
}

func backend(namespace, name string) gatewayv1.BackendObjectReference {
	ref := gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(name), Port: ptr.To[gatewayv1.PortNumber](80)}
	if namespace != "" {
		ref.Namespace = ptr.To(gatewayv1.Namespace(namespace))
	}
	return ref
}

// httpRoute has the backends, and the last as a mirror too.
func httpRoute(namespace, name string, parents []gatewayv1.ParentReference, backends ...gatewayv1.BackendObjectReference) Change {
	route := &gatewayv1.HTTPRoute{ObjectMeta: meta(namespace, name)}
	route.Spec.ParentRefs = parents
	route.Spec.Rules = []gatewayv1.HTTPRouteRule{{}}
	rule := &route.Spec.Rules[0]
	for i, b := range backends {
		if i == len(backends)-1 {
			rule.Filters = []gatewayv1.HTTPRouteFilter{{RequestMirror: &gatewayv1.HTTPRequestMirrorFilter{BackendRef: b}}}
			continue
		}
		rule.BackendRefs = append(rule.BackendRefs, gatewayv1.HTTPBackendRef{BackendRef: gatewayv1.BackendRef{BackendObjectReference: b}})
	}
	return Change{Ref: model.ObjectRef{Kind: ingest.KindHTTPRoute, Namespace: namespace, Name: name}, Object: route}
}

// grpcRoute has the backends, and the last as a mirror of the one before.
func grpcRoute(namespace, name string, parents []gatewayv1.ParentReference, backends ...gatewayv1.BackendObjectReference) Change {
	route := &gatewayv1.GRPCRoute{ObjectMeta: meta(namespace, name)}
	route.Spec.ParentRefs = parents
	route.Spec.Rules = []gatewayv1.GRPCRouteRule{{}}
	for i, b := range backends {
		refs := &route.Spec.Rules[0].BackendRefs
		if n := len(*refs); i == len(backends)-1 && n > 0 {
			(*refs)[n-1].Filters = []gatewayv1.GRPCRouteFilter{{RequestMirror: &gatewayv1.HTTPRequestMirrorFilter{BackendRef: b}}}
			continue
		}
		*refs = append(*refs, gatewayv1.GRPCBackendRef{BackendRef: gatewayv1.BackendRef{BackendObjectReference: b}})
	}
	return Change{Ref: model.ObjectRef{Kind: ingest.KindGRPCRoute, Namespace: namespace, Name: name}, Object: route}
}

// gateway has one certificate of another namespace, unless that is "".
func gateway(namespace, name, class, secrets string) Change {
	g := &gatewayv1.Gateway{ObjectMeta: meta(namespace, name)}
	g.Spec.GatewayClassName = gatewayv1.ObjectName(class)
	if secrets != "" {
		g.Spec.Listeners = []gatewayv1.Listener{{TLS: &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{
			{Name: "s", Namespace: ptr.To(gatewayv1.Namespace(secrets))},
		}}}}
	}
	return Change{Ref: model.ObjectRef{Kind: ingest.KindGateway, Namespace: namespace, Name: name}, Object: g}
}

func class(name, controller string) Change {
	c := &gatewayv1.GatewayClass{ObjectMeta: meta("", name)}
	c.Spec.ControllerName = gatewayv1.GatewayController(controller)
	return Change{Ref: model.ObjectRef{Kind: ingest.KindGatewayClass, Name: name}, Object: c}
}

func grant(namespace, name, from string) Change {
	g := &gatewayv1.ReferenceGrant{ObjectMeta: meta(namespace, name)}
	g.Spec.From = []gatewayv1.ReferenceGrantFrom{{Namespace: gatewayv1.Namespace(from)}}
	return Change{Ref: model.ObjectRef{Kind: ingest.KindReferenceGrant, Namespace: namespace, Name: name}, Object: g}
}

// withLabels changes the labels of an object that was just made.
func withLabels(c Change, labels map[string]string) Change {
	switch o := c.Object.(type) {
	case *corev1.Service:
		o.Labels = labels
	case *v1alpha1.ServiceEntry:
		o.Labels = labels
	case *corev1.Namespace:
		o.Labels = labels
	}
	return c
}

// someLabels are such as name waypoints, and the Gateway that a Service leads to.
func someLabels(t *rapid.T) map[string]string {
	out := map[string]string{}
	for _, label := range [][]string{
		{model.UseWaypoint, "", "", "x", "y", "none"},
		{model.UseWaypointNamespace, "", "a", "b"},
		{model.UseWaypointIstio, "", "", "x"},
		{gatewayv1.GatewayNameLabelKey, "", "x", "y"},
	} {
		if value := rapid.SampledFrom(label[1:]).Draw(t, label[0]); value != "" {
			out[label[0]] = value
		}
	}
	return out
}

// someRouting draws a change of a kind of the Gateway API.
func someRouting(t *rapid.T, namespace, name string) Change {
	other := rapid.SampledFrom([]string{"", "a", "b"})
	parents := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) gatewayv1.ParentReference {
		if rapid.Bool().Draw(t, "a Gateway") {
			return toGateway(other.Draw(t, "its namespace"), someNames.Draw(t, "its name"))
		}
		return toService(other.Draw(t, "its namespace"), someNames.Draw(t, "its name"))
	}), 0, 3)
	backends := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) gatewayv1.BackendObjectReference {
		return backend(other.Draw(t, "its namespace"), someNames.Draw(t, "its name"))
	}), 0, 3)
	switch rapid.IntRange(0, 5).Draw(t, "which") {
	case 0:
		return class(rapid.SampledFrom([]string{"c1", "c2"}).Draw(t, "class"), someNames.Draw(t, "controller"))
	case 1:
		return gateway(namespace, name, rapid.SampledFrom([]string{"c1", "c2"}).Draw(t, "class"), other.Draw(t, "secrets"))
	case 2:
		return grant(namespace, name, someNamespaces.Draw(t, "from"))
	case 3:
		return grpcRoute(namespace, name, parents.Draw(t, "parents"), backends.Draw(t, "backends")...)
	}
	return httpRoute(namespace, name, parents.Draw(t, "parents"), backends.Draw(t, "backends")...)
}

// routingReads is the part of a Routing that ingest reads: of Services their spec, labels
// and annotations, of Namespaces their labels.
func routingReads(r ingest.Routing) map[string]any {
	specs, labels := map[model.Key]any{}, map[string]string{}
	for key, service := range r.Backends {
		specs[key] = []any{service.Spec, fmt.Sprint(service.Labels), fmt.Sprint(service.Annotations)}
	}
	for name, namespace := range r.Namespaces {
		labels[name] = fmt.Sprint(namespace.Labels)
	}
	return map[string]any{"http": r.HTTP, "grpc": r.GRPC, "backends": specs, "grants": r.Grants, "namespaces": labels}
}

// someGateways are all that random changes may name.
var someGateways = []model.GatewayName{{Namespace: "a", Name: "x"}, {Namespace: "a", Name: "y"}, {Namespace: "b", Name: "x"}, {Namespace: "b", Name: "y"}}

func gatewayReads(s *Store) map[model.GatewayName]map[string]any {
	all := map[model.GatewayName]map[string]any{}
	for _, name := range someGateways {
		o := s.GatewayObjects(name)
		all[name] = map[string]any{"gateway": o.Gateway, "class": o.Class, "services": o.Services, "routing": routingReads(o.Routing)}
	}
	return all
}

// TestLawOfGatewayMarks: a Gateway whose objects differ after a batch is marked.
func TestLawOfGatewayMarks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		s.Apply(populated(t))
		for range 4 {
			s.Apply([]Change{someRouting(t, someNamespaces.Draw(t, "namespace"), someNames.Draw(t, "name"))})
		}
		s.Take()
		before := gatewayReads(s)
		for range rapid.IntRange(1, 12).Draw(t, "batches") {
			s.Apply(rapid.SliceOfN(rapid.Custom(someChange), 1, 2).Draw(t, "batch"))
			after, marked := gatewayReads(s), s.Take().Gateways
			for _, name := range someGateways {
				if !slices.Contains(marked, name) && !reflect.DeepEqual(before[name], after[name]) {
					t.Fatalf("%v changed without a mark:\n%s", name, cmp.Diff(before[name], after[name]))
				}
			}
			before = after
		}
	})
}

// TestRoutingObjects: what a service and a Gateway get agrees with a scan of everything.
func TestRoutingObjects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		last := map[model.ObjectRef]Change{}
		for _, c := range rapid.SliceOfN(rapid.Custom(someChange), 0, 40).Draw(t, "changes") {
			s.Apply([]Change{c})
			last[c.Ref] = c
		}
		for _, key := range s.Keys() {
			o := s.Objects(key)
			want, got := scanRouting(last, func(p gatewayv1.ParentReference, in string) bool {
				k, ok := ingest.ParentService(in, &p)
				return ok && k == key
			}), routesOf(o.Routing)
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("routes of %v (-scan +got):\n%s", key, d)
			}
			name, _, _ := o.WaypointName()
			g, _ := last[model.ObjectRef{Kind: ingest.KindGateway, Namespace: name.Namespace, Name: name.Name}].Object.(*gatewayv1.Gateway)
			if !reflect.DeepEqual(o.Gateways[name], g) {
				t.Fatalf("%v has %v as waypoint, want %v", key, o.Gateways, g)
			}
		}
		for _, name := range someGateways {
			want := scanRouting(last, func(p gatewayv1.ParentReference, in string) bool {
				n, ok := ingest.ParentGateway(in, &p)
				return ok && n == name
			})
			want = append(want, scanCertificates(last, name)...)
			want = slices.Compact(slices.Sorted(slices.Values(want)))
			if d := cmp.Diff(want, routesOf(s.GatewayObjects(name).Routing)); d != "" {
				t.Fatalf("routes of Gateway %v (-scan +got):\n%s", name, d)
			}
		}
	})
}

// scanRouting lists routes with a parent, their backends and grants the slow way.
func scanRouting(world map[model.ObjectRef]Change, parent func(gatewayv1.ParentReference, string) bool) []string {
	found := map[string]bool{}
	for _, c := range world {
		var parents []gatewayv1.ParentReference
		var backends []*gatewayv1.BackendObjectReference
		switch route := c.Object.(type) {
		case *gatewayv1.HTTPRoute:
			parents, backends = route.Spec.ParentRefs, ingest.HTTPBackends(route)
		case *gatewayv1.GRPCRoute:
			parents, backends = route.Spec.ParentRefs, ingest.GRPCBackends(route)
		}
		if !slices.ContainsFunc(parents, func(p gatewayv1.ParentReference) bool { return parent(p, c.Ref.Namespace) }) {
			continue
		}
		found[c.Ref.String()] = true
		for _, ref := range backends {
			in, key, _ := ingest.BackendService(c.Ref.Namespace, ref)
			for other, o := range world {
				if g, ok := o.Object.(*gatewayv1.ReferenceGrant); ok && g.Namespace == in && in != c.Ref.Namespace {
					found[other.String()] = true
				}
				if service, ok := o.Object.(*corev1.Service); ok && model.ServiceKey(service.Namespace, service.Name) == key {
					found[other.String()] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// scanCertificates lists the grants of other namespaces in which a Gateway's certificates are.
func scanCertificates(world map[model.ObjectRef]Change, name model.GatewayName) (all []string) {
	g, ok := world[model.ObjectRef{Kind: ingest.KindGateway, Namespace: name.Namespace, Name: name.Name}].Object.(*gatewayv1.Gateway)
	if !ok || len(g.Spec.Listeners) == 0 {
		return nil
	}
	in := string(*g.Spec.Listeners[0].TLS.CertificateRefs[0].Namespace)
	for ref, c := range world {
		if _, ok := c.Object.(*gatewayv1.ReferenceGrant); ok && ref.Namespace == in && in != name.Namespace {
			all = append(all, ref.String())
		}
	}
	return all
}

func routesOf(r ingest.Routing) []string {
	var all []string
	for _, route := range r.HTTP {
		all = append(all, fmt.Sprintf("HTTPRoute %s/%s", route.Namespace, route.Name))
	}
	for _, route := range r.GRPC {
		all = append(all, fmt.Sprintf("GRPCRoute %s/%s", route.Namespace, route.Name))
	}
	for _, service := range r.Backends {
		all = append(all, fmt.Sprintf("Service %s/%s", service.Namespace, service.Name))
	}
	for _, g := range r.Grants {
		all = append(all, fmt.Sprintf("ReferenceGrant %s/%s", g.Namespace, g.Name))
	}
	slices.Sort(all)
	return all
}
