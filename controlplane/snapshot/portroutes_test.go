package snapshot

import (
	"testing"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// routeOfOne is HTTPRoute default/r of Service one, which sends all to a backend.
func routeOfOne(t *testing.T, backend string) store.Change {
	t.Helper()
	r := &gatewayv1.HTTPRoute{}
	text := `{parentRefs: [{group: "", kind: Service, name: one}], rules: [{backendRefs: [{name: ` + backend + `, port: 80}]}]}`
	if err := yaml.UnmarshalStrict([]byte(text), &r.Spec); err != nil {
		t.Fatal(err)
	}
	r.Namespace, r.Name = "default", "r"
	return store.Change{Ref: model.ObjectRef{Kind: "HTTPRoute", Namespace: "default", Name: "r"}, Object: r}
}

// A changed route re-sends the routes of the proxy port and of the port, and no cluster.
func TestRouteChanges(t *testing.T) {
	h, st := newHub(t, service("one"), service("two"), service("three"), routeOfOne(t, "two"))
	m := join(t, h, sidecar("c", "a"))
	versions := func() map[string]string {
		view, out := m.Take().View, map[string]string{}
		for _, n := range []envoy.ResourceName{of(envoy.RouteType, envoy.RouteName), of(envoy.RouteType, cluster("one")), of(envoy.RouteType, cluster("two")), of(envoy.ClusterType, cluster("one"))} {
			r := view.Get(n.TypeURL, n.Name)
			if r == nil {
				t.Fatalf("there is no %v", n)
			}
			out[n.TypeURL+" "+n.Name] = r.Version
		}
		return out
	}
	before := versions()
	st.Apply([]store.Change{routeOfOne(t, "three")})
	h.Publish(time.Now())
	if u := take(m); !u.Scope || len(u.Names) > 0 {
		t.Errorf("woken for %v, the scope %v", u.Names, u.Scope)
	}
	after := versions()
	for name, differs := range map[string]bool{
		envoy.RouteType + " " + envoy.RouteName: true, envoy.RouteType + " " + cluster("one"): true,
		envoy.RouteType + " " + cluster("two"): false, envoy.ClusterType + " " + cluster("one"): false,
	} {
		if (before[name] != after[name]) != differs {
			t.Errorf("%s: %s, then %s", name, before[name], after[name])
		}
	}
	if after[envoy.RouteType+" "+cluster("one")] == after[envoy.RouteType+" "+cluster("two")] {
		t.Error("the routes of two services are one")
	}
}

// A route counts in the rollout of every proxy that has it, and a refusal of any table
// that carries it is one of it.
func TestRolloutOfAttachedRoutes(t *testing.T) {
	h, _ := newHub(t, service("one"), service("two"), routeOfOne(t, "two"))
	ref := routeOfOne(t, "two").Ref
	var p Progress
	m := observed(t, h, sidecar("c", "a"), &p)
	m.Take()
	if got, _ := h.Rollouts(); got[ref] != (model.Rollout{Proxies: 1, Programmed: 1}) {
		t.Errorf("%+v", got)
	}
	for name, refuses := range map[string]bool{envoy.RouteName: true, cluster("one"): true, cluster("two"): false} {
		p = Progress{Refused: map[envoy.ResourceName]string{of(envoy.RouteType, name): "no"}}
		got, _ := h.Rollouts()
		want := model.Rollout{Proxies: 1, Programmed: 1}
		if refuses {
			want = model.Rollout{Proxies: 1, Refused: 1, Proxy: "default/c", Resource: name, Message: "no"}
		}
		if got[ref] != want {
			t.Errorf("%s refused: %+v, want %+v", name, got[ref], want)
		}
	}
	h.Refuse(Refusal{ProxyID: "default/c", TypeURL: envoy.RouteType, Name: cluster("one"), Message: "no"})
	found := false
	for _, problem := range h.Problems() {
		found = found || problem.Reason == model.ProxyRejected && problem.Object == ref
	}
	if !found {
		t.Errorf("nobody tells the route of its refusal: %v", h.Problems())
	}
}

// gRPC clients have no routes, and do not count for them.
func TestNoRolloutOfRoutesAtGRPC(t *testing.T) {
	h, _ := newHub(t, service("one"), service("two"), routeOfOne(t, "two"))
	var p Progress
	observed(t, h, model.Proxy{ID: "default/g", Kind: model.GRPC, Namespace: "default"}, &p, cluster("one")).Take()
	if got, _ := h.Rollouts(); got[routeOfOne(t, "two").Ref] != (model.Rollout{}) {
		t.Errorf("%+v", got)
	}
}
