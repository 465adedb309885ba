package snapshot

import (
	"testing"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// named is a rule whose name is its host.
func named(c store.Change) store.Change {
	r := c.Object.(*v1alpha1.DestinationRule)
	r.Name, c.Ref.Name = r.Spec.Host, r.Spec.Host
	return c
}

// TestRolloutOfRoutes: listeners and routes count for the rules of which they carry
// something, and for no other.
func TestRolloutOfRoutes(t *testing.T) {
	h, _ := newHub(t, service("hashed"), service("plain"), listening("http", "80=8001", "http"), listening("tcp", "80=8002", "tcp"),
		named(hashRule("default", "hashed", "x-user")), named(idleRule("plain", "10s", nil)), named(hashRule("default", "http", "x-user")), named(idleRule("tcp", "10s", nil)))
	var p Progress
	m := observed(t, h, sidecar("c", "a"), &p)
	views := m.Take().View
	shared := of(envoy.RouteType, envoy.RouteName)
	routes := of(envoy.RouteType, "listen|8001|http.default.svc.cluster.local")
	bind, tcp := of(envoy.ListenerType, "listen|8001"), of(envoy.ListenerType, "listen|8002")
	for _, n := range []envoy.ResourceName{shared, routes, bind, tcp} {
		if views.Get(n.TypeURL, n.Name) == nil {
			t.Fatalf("there is no %v", n)
		}
	}
	for _, c := range []struct {
		refused envoy.ResourceName
		want    []string
	}{
		{shared, []string{"hashed", "http"}},
		{routes, []string{"http"}},
		{tcp, []string{"tcp"}},
		{bind, nil},
		{of(envoy.ListenerType, envoy.RouteName), nil},
		{of(envoy.RouteType, "unheard of"), nil},
	} {
		p = Progress{Refused: map[envoy.ResourceName]string{c.refused: "no"}}
		want := rollouts{}
		for _, name := range []string{"hashed", "plain", "http", "tcp"} {
			want[ruleFor(name, nil).Ref] = model.Rollout{Proxies: 1, Programmed: 1}
		}
		for _, name := range c.want {
			want[ruleFor(name, nil).Ref] = model.Rollout{Proxies: 1, Refused: 1, Proxy: "default/c", Resource: c.refused.Name, Message: "no"}
		}
		rolls(t, h, c.refused.Name, want)
	}
	p = Progress{}
	m.mark(nil, true, false, time.Time{})
	got, _ := h.Rollouts()
	for name, want := range map[string]int{"hashed": 0, "plain": 1, "http": 0, "tcp": 0} {
		if n := got[ruleFor(name, nil).Ref].Programmed; n != want {
			t.Errorf("routes and listeners may differ: %s is programmed on %d", name, n)
		}
	}
}

// TestRolloutOfTargets: the routes of a gRPC client are those of one rule.
func TestRolloutOfTargets(t *testing.T) {
	h, _ := newHub(t, service("hashed"), service("plain"), named(hashRule("default", "hashed", "x-user")), ruleFor("plain", nil))
	p := Progress{Refused: map[envoy.ResourceName]string{
		of(envoy.RouteType, "hashed.default.svc.cluster.local:80"): "no", of(envoy.RouteType, "plain.default.svc.cluster.local:80"): "no",
	}}
	observed(t, h, model.Proxy{ID: "default/g", Kind: model.GRPC, Namespace: "default"}, &p, cluster("hashed"), cluster("plain"))
	rolls(t, h, "both refused", rollouts{
		ruleFor("hashed", nil).Ref: {Proxies: 1, Refused: 1, Proxy: "default/g", Resource: "hashed.default.svc.cluster.local:80", Message: "no"},
		ruleFor("plain", nil).Ref:  {Proxies: 1, Programmed: 1},
	})
}

// TestNoRolloutOfWithheldClusters: what gRPC clients do not get they do not hold.
func TestNoRolloutOfWithheldClusters(t *testing.T) {
	rule := ruleFor("one", nil)
	rule.Object.(*v1alpha1.DestinationRule).Spec.TrafficPolicy.TLS = &v1alpha1.TLS{Mode: "SIMPLE"}
	h, _ := newHub(t, service("one"), rule)
	var p Progress
	m := observed(t, h, model.Proxy{ID: "default/g", Kind: model.GRPC, Namespace: "default"}, &p, cluster("one"))
	if m.Take().View.Get(envoy.ClusterType, cluster("one")) != nil {
		t.Fatal("it has the cluster")
	}
	rolls(t, h, "withheld", rollouts{ruleOne: {}})
}
