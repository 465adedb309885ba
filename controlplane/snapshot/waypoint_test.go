package snapshot

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// withWaypoint is a Service with a virtual IP, attached to default/wp.
func withWaypoint(name, vip string) store.Change {
	c := service(name)
	s := c.Object.(*corev1.Service)
	s.Spec.ClusterIP = vip
	s.Labels = map[string]string{model.UseWaypoint: "wp"}
	return c
}

func gatewayOf(protocol string, port int32) store.Change {
	g := &gatewayv1.Gateway{}
	g.Namespace, g.Name = "default", "wp"
	g.Spec.GatewayClassName = model.WaypointClass
	g.Spec.Listeners = []gatewayv1.Listener{{Name: "mesh", Protocol: gatewayv1.ProtocolType(protocol), Port: port}}
	return store.Change{Ref: model.ObjectRef{Kind: "Gateway", Namespace: "default", Name: "wp"}, Object: g}
}

// routeTo sends requests for one service to another.
func routeTo(parent, backend string) store.Change {
	r := &gatewayv1.HTTPRoute{}
	r.Namespace, r.Name = "default", parent
	none, kind, port, prefix, path := gatewayv1.Group(""), gatewayv1.Kind("Service"), gatewayv1.PortNumber(80), gatewayv1.PathMatchPathPrefix, "/"
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Group: &none, Kind: &kind, Name: gatewayv1.ObjectName(parent)}}
	b := gatewayv1.HTTPBackendRef{}
	b.Group, b.Kind, b.Name, b.Port = &none, &kind, gatewayv1.ObjectName(backend), &port
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{{
		Matches:     []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: &prefix, Value: &path}}},
		BackendRefs: []gatewayv1.HTTPBackendRef{b},
	}}
	return store.Change{Ref: model.ObjectRef{Kind: "HTTPRoute", Namespace: "default", Name: parent}, Object: r}
}

func waypointProxy(id string) model.Proxy {
	return model.Proxy{
		ID: "default/" + id, Kind: model.Waypoint, Namespace: "default", Gateway: "default/wp", Bind: "127.0.0.1", Internal: true,
		Locality: model.Locality{Region: "eu", Zone: "a"},
	}
}

func apply(h *Hub, st *store.Store, changes ...store.Change) {
	st.Apply(changes)
	h.Publish(time.Now())
}

// A waypoint receives exactly the services attached to its Gateway, and those that their
// routes name.
func TestWaypointSeesWhatIsAttached(t *testing.T) {
	h, st := newHub(t, gatewayOf(model.ProtocolPROXY, model.PortPROXY), withWaypoint("one", "10.96.0.1"), withWaypoint("two", "10.96.0.2"),
		service("other"), service("canary"), endpointSlice("other", "other-x", "a", "10.0.0.1"))
	m := join(t, h, waypointProxy("wp-0"))
	clusters := func() string { return strings.Join(m.Take().View.Names(envoy.ClusterType), " ") }
	if got, want := clusters(), cluster("one")+" "+cluster("two"); got != want {
		t.Fatalf("clusters %s, want %s", got, want)
	}
	apply(h, st, routeTo("one", "canary"))
	if got, want := clusters(), strings.Join([]string{cluster("canary"), cluster("one"), cluster("two")}, " "); got != want {
		t.Fatalf("with a route: clusters %s, want %s", got, want)
	}
	if version(m, envoy.RouteType, cluster("one")) == "" {
		t.Error("no routes of an attached service's port")
	}
	if l := version(m, envoy.ListenerType, envoy.WaypointListener); l == "" {
		t.Error("no listener")
	}
	apply(h, st, endpointSlice("canary", "canary-x", "a", "10.0.0.7"))
	if u := take(m); !slices.Contains(u.Names, cluster("canary")) {
		t.Errorf("an endpoint of a backend woke it for %v", u.Names)
	}
	apply(h, st, gone(routeTo("one", "canary")))
	if got, want := clusters(), cluster("one")+" "+cluster("two"); got != want {
		t.Fatalf("without the route: clusters %s, want %s", got, want)
	}
	plain := service("two")
	apply(h, st, plain)
	if got, want := clusters(), cluster("one"); got != want {
		t.Fatalf("without the label: clusters %s, want %s", got, want)
	}
}

// The listener hangs on the Gateway, and an endpoint does not touch it.
func TestWaypointListenerFollowsItsGateway(t *testing.T) {
	h, st := newHub(t, withWaypoint("one", "10.96.0.1"))
	m := join(t, h, waypointProxy("wp-0"))
	listeners := func() string { return strings.Join(m.Take().View.Names(envoy.ListenerType), " ") }
	if got := listeners(); got != "" {
		t.Fatalf("without a Gateway: %q", got)
	}
	if !slices.ContainsFunc(h.Problems(), func(p model.Problem) bool {
		return p.Object.Kind == "Proxy" && p.Reason == model.TargetNotFound
	}) {
		t.Error("nobody is told that the Gateway is missing")
	}
	apply(h, st, gatewayOf(model.ProtocolPROXY, model.PortPROXY))
	if got := listeners(); got != envoy.WaypointListener {
		t.Fatalf("with a Gateway: %q", got)
	}
	before := version(m, envoy.ListenerType, envoy.WaypointListener)
	apply(h, st, endpointSlice("one", "one-x", "a", "10.0.0.1"))
	if version(m, envoy.ListenerType, envoy.WaypointListener) != before {
		t.Error("an endpoint changed the listener")
	}
	take(m)
	apply(h, st, withWaypoint("two", "10.96.0.2"))
	if u := take(m); !u.Scope || version(m, envoy.ListenerType, envoy.WaypointListener) == before {
		t.Error("a new service has no chain")
	}
	apply(h, st, gatewayOf(model.ProtocolPROXY, 80))
	if got := listeners(); got != "" {
		t.Fatalf("with a wrong port: %q", got)
	}
	apply(h, st, gone(gatewayOf(model.ProtocolPROXY, 80)))
	if got := m.Take().View.Names(envoy.ClusterType); len(got) > 0 {
		t.Fatalf("without the Gateway nothing is attached: %q", got)
	}
}

// Of two services with one virtual IP and port the first has it, the other is told.
func TestOverlappingVirtualIPs(t *testing.T) {
	h, st := newHub(t, gatewayOf(model.ProtocolPROXY, model.PortPROXY), withWaypoint("one", "10.96.0.1"), withWaypoint("two", "10.96.0.1"))
	m := join(t, h, waypointProxy("wp-0"))
	told := func() (out []string) {
		for _, p := range h.Problems() {
			if p.Reason == model.Conflicted {
				out = append(out, p.Object.Name+" "+p.Field)
			}
		}
		return out
	}
	if got := strings.Join(told(), ", "); got != "two spec.clusterIPs" {
		t.Errorf("told: %s", got)
	}
	if len(m.Take().View.Names(envoy.ClusterType)) != 2 {
		t.Error("the loser lost its cluster too")
	}
	apply(h, st, withWaypoint("one", "10.96.0.9"))
	if got := told(); len(got) > 0 {
		t.Errorf("mended, and told: %v", got)
	}
}
