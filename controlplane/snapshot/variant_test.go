package snapshot

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/predict"
	"github.com/coastwise/coastwise/translate/worldtest"
)

// The Variant law: what is built from a Variant equals, byte for byte, what an
// oracle makes that sees the whole proxy and never calls Select. It fails when
// View drops something that an answer depends on.
func TestBytesByVariantEqualThoseByWholeProxy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := store.New()
		world := worldtest.Draw
		if rapid.Bool().Draw(t, "focused") {
			world = worldtest.DrawFocused
		}
		st.Apply(changes(world(t).Events()))
		claims := worldtest.DrawProxy(t, "client")
		if rapid.IntRange(0, 3).Draw(t, "grpc") == 0 {
			claims = worldtest.AsGRPC(claims)
		}
		p, _ := translate.Client(claims, st.Nodes(), st.Pod(podOf(claims.ID)))
		for _, key := range st.Keys() {
			s, _ := ingest.Service(st.Objects(key))
			if s == nil {
				continue
			}
			if rapid.Bool().Draw(t, "resolved by DNS") { // then the cluster holds the endpoints
				s.Resolution, s.DNSRefreshRate = model.DNS, time.Minute
			}
			for _, at := range clustersOf(&Entry{Service: s}) {
				port, _ := s.Port(at.port)
				if !s.HasSubset(p, at.subset) {
					continue
				}
				built, err := translate.Build(s, s.Select(p, port.Number, at.subset))
				if err != nil {
					t.Fatalf("%s: %v", key.Host, err)
				}
				cluster, endpoints := byWholeProxy(t, s, p, port, at.subset, slices.Concat(st.Objects(key).Rules, st.Objects(key).Shadowed))
				if built.Cluster.Version != cluster.Version {
					t.Errorf("%s for %+v: cluster differs:\nby variant %q\nby proxy   %q",
						key.Host, p, built.Cluster.Body, cluster.Body)
				}
				if built.Endpoints.Version != endpoints.Version {
					t.Errorf("%s for %+v: endpoints differ:\nby variant %q\nby proxy   %q",
						key.Host, p, built.Endpoints.Body, endpoints.Body)
				}
			}
		}
	})
}

// byWholeProxy looks the policy up by itself and hides nothing of the proxy.
func byWholeProxy(t *rapid.T, s *model.Service, p model.Proxy, port model.Port, subset string, rules []*v1alpha1.DestinationRule) (cluster, endpoints envoy.Resource) {
	var matched []string
	for _, r := range rules {
		if w := r.Spec.WorkloadSelector; r.Namespace == p.Namespace && w != nil && model.NewSelector(w.MatchLabels).Matches(p.Labels) {
			matched = append(matched, model.NewSelector(w.MatchLabels).Text)
		}
	}
	var id model.PolicyID
	for _, key := range []model.PolicyKey{
		{},
		{Waypoint: p.Kind == model.Waypoint},
		{Namespace: p.Namespace, Waypoint: p.Kind == model.Waypoint, Selectors: model.JoinSelectors(matched)},
	} {
		key.Port = port.Number
		if _, ok := s.Lookup[key]; ok { // the last that there is
			key.Subset = subset
			if id, ok = s.Lookup[key]; !ok {
				id = model.NoPolicy
			}
		}
	}
	form := model.Plain
	if p.Kind == model.GRPC {
		form = model.GRPCForm
	}
	if _, what := s.Withheld(s.Policies[id], form); what != "" {
		return cluster, endpoints
	}
	policy := s.Policies[id].For(form)
	everything := model.Variant{Port: port.Number, Subset: subset, PolicyID: id, View: model.View{
		Form: form, Locality: p.Locality, Node: p.Node, Network: p.Network, Labels: model.FormatLabels(p.Labels),
	}}
	a := locality.Assign(everything.View, policy, port.Endpoints)
	cluster, err := envoy.Cluster(s, everything, a)
	if err != nil {
		t.Fatal(err)
	}
	if form == model.GRPCForm {
		a = predict.Hard(a)
	}
	endpoints, err = envoy.LoadAssignment(s, everything, a)
	if err != nil {
		t.Fatal(err)
	}
	return cluster, endpoints
}

func changes(events []worldtest.Event) []store.Change {
	var out []store.Change
	for _, e := range events {
		out = append(out, store.Change{Ref: e.Ref, Object: e.Object, Fence: e.Fence})
	}
	return out
}
