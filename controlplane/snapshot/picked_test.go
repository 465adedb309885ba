package snapshot

import (
	"testing"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

func hashRule(namespace, host, header string) store.Change {
	r := &v1alpha1.DestinationRule{}
	r.Namespace, r.Name, r.Spec.Host = namespace, "hash", host
	r.Spec.TrafficPolicy = &v1alpha1.TrafficPolicy{LoadBalancer: &v1alpha1.LoadBalancer{
		ConsistentHash: &v1alpha1.ConsistentHash{HTTPHeaderName: &header},
	}}
	return store.Change{Ref: model.ObjectRef{Kind: "DestinationRule", Namespace: namespace, Name: "hash"}, Object: r}
}

// Hash keys stand in routes: a rule that changes them re-sends the routes of the
// clients that it is for, and of no others; what else it says does not.
func TestHashKeysReachTheRoutes(t *testing.T) {
	h, st := newHub(t, service("reviews"), endpointSlice("reviews", "r-1", "eu-1", "10.0.0.1"))
	near, far := join(t, h, sidecar("a", "eu-1")), sidecar("b", "eu-1")
	far.ID, far.Namespace = "web/b", "web"
	other := join(t, h, far)
	routes := func(m *Member) string { return version(m, envoy.RouteType, envoy.RouteName) }
	apply := func(c store.Change) {
		st.Apply([]store.Change{c})
		h.Publish(time.Now())
	}

	plain, plainOther := routes(near), routes(other)
	apply(hashRule("default", "reviews", "x-user"))
	hashed, hashedOther := routes(near), routes(other)
	if hashed == plain || hashedOther == plainOther {
		t.Error("the routes lack the key of a rule in the service's namespace")
	}
	apply(hashRule("web", "reviews.default", "x-web"))
	if routes(near) != hashed || routes(other) == hashedOther {
		t.Error("the key of a rule in a client's namespace is not in its clients' routes alone")
	}
	limited := hashRule("default", "reviews", "x-user")
	one := int32(1)
	limited.Object.(*v1alpha1.DestinationRule).Spec.TrafficPolicy.ConnectionPool = &v1alpha1.ConnectionPool{TCP: &v1alpha1.TCPSettings{MaxConnections: &one}}
	apply(limited)
	if routes(near) != hashed {
		t.Error("a limit changes the routes")
	}
	apply(gone(limited))
	if routes(near) != plain {
		t.Error("the key stays after its rule")
	}
}

// A rule with a workloadSelector puts its key into the routes of the clients that
// it picks, and of no others of the same scope.
func TestHashKeysOfAWorkloadSelector(t *testing.T) {
	h, st := newHub(t, service("reviews"), endpointSlice("reviews", "r-1", "eu-1", "10.0.0.1"))
	labelled := sidecar("b", "eu-1")
	labelled.Labels = map[string]string{"app": "web"}
	plain, picked := join(t, h, sidecar("a", "eu-1")), join(t, h, labelled)
	routes := func(m *Member) string { return version(m, envoy.RouteType, envoy.RouteName) }
	before := routes(picked)
	rule := hashRule("default", "reviews", "x-user")
	rule.Object.(*v1alpha1.DestinationRule).Spec.WorkloadSelector = &v1alpha1.WorkloadSelector{MatchLabels: labelled.Labels}
	st.Apply([]store.Change{rule})
	h.Publish(time.Now())
	if routes(picked) == before {
		t.Error("the picked client's routes lack the key")
	}
	if routes(plain) != before {
		t.Error("the key is in the routes of a client that is not picked")
	}
}

// A tunnel is in the listener of the clients that its rule is for, and closes their
// routes; those of others stay as they are.
func TestTunnelsOfAWorkloadSelector(t *testing.T) {
	h, st := newHub(t, listening("db", "80=18080", "tcp"), endpointSlice("db", "d-1", "eu-1", "10.0.0.1"))
	labelled := sidecar("b", "eu-1")
	labelled.Labels = map[string]string{"app": "web"}
	plain, picked := join(t, h, sidecar("a", "eu-1")), join(t, h, labelled)
	held := func(m *Member) [2]string {
		return [2]string{version(m, envoy.RouteType, envoy.RouteName), version(m, envoy.ListenerType, "listen|18080")}
	}
	before := held(picked)
	rule := hashRule("default", "db", "x")
	spec := &rule.Object.(*v1alpha1.DestinationRule).Spec
	spec.WorkloadSelector = &v1alpha1.WorkloadSelector{MatchLabels: labelled.Labels}
	spec.TrafficPolicy = &v1alpha1.TrafficPolicy{Tunnel: &v1alpha1.Tunnel{TargetHost: "target.example", TargetPort: 443}}
	apply := func(c store.Change) {
		st.Apply([]store.Change{c})
		h.Publish(time.Now())
	}
	apply(rule)
	tunnelled := held(picked)
	if held(plain) != before || tunnelled[0] == before[0] || tunnelled[1] == before[1] {
		t.Errorf("before %q; picked %q, others %q", before, tunnelled, held(plain))
	}
	other := hashRule("default", "db", "x")
	moved := *spec
	moved.TrafficPolicy = &v1alpha1.TrafficPolicy{Tunnel: &v1alpha1.Tunnel{TargetHost: "target.example", TargetPort: 444}}
	other.Object.(*v1alpha1.DestinationRule).Spec = moved
	apply(other)
	if now := held(picked); now[0] != tunnelled[0] || now[1] == tunnelled[1] {
		t.Errorf("another target: %q, was %q", now, tunnelled)
	}
	apply(gone(other))
	if held(picked) != before {
		t.Error("the tunnel stays after its rule")
	}
}
