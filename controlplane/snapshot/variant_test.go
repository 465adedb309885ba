package snapshot

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
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
		p, _ := translate.Client(claims, st.Nodes(), st.Pod(podOf(claims.ID)))
		for _, key := range st.Keys() {
			s, _ := ingest.Service(st.Objects(key))
			if s == nil {
				continue
			}
			for _, port := range s.Ports {
				built, err := translate.Build(s, s.Select(p, port.Number, ""))
				if err != nil {
					t.Fatalf("%s: %v", key.Host, err)
				}
				cluster, endpoints := byWholeProxy(t, s, p, port)
				if built.Cluster.Version != cluster.Version {
					t.Errorf("%s: cluster differs", key.Host)
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
func byWholeProxy(t *rapid.T, s *model.Service, p model.Proxy, port model.Port) (cluster, endpoints envoy.Resource) {
	id, ok := s.Lookup[model.PolicyKey{Namespace: p.Namespace, Port: port.Number}]
	if !ok {
		id = s.Lookup[model.PolicyKey{Port: port.Number}]
	}
	policy := s.Policies[id]
	everything := model.Variant{Port: port.Number, PolicyID: id, View: model.View{
		Locality: p.Locality, Node: p.Node, Network: p.Network, Labels: model.FormatLabels(p.Labels),
	}}
	cluster, err := envoy.Cluster(s, everything)
	if err != nil {
		t.Fatal(err)
	}
	if policy.Algorithm == model.Passthrough {
		return cluster, endpoints
	}
	endpoints, err = envoy.LoadAssignment(s, everything, locality.Assign(everything.View, policy, port.Endpoints))
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
