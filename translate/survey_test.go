package translate_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/worldtest"
)

// surveyed is a random mesh.
type surveyed struct {
	services []*model.Service
	nodes    *ingest.Nodes
	scopes   map[string]string
}

func drawSurveyed(t *rapid.T) surveyed {
	st := store.New()
	for _, e := range worldtest.Draw(t).Events() {
		st.Apply([]store.Change{{Ref: e.Ref, Object: e.Object, Fence: e.Fence}})
	}
	out := surveyed{nodes: st.Nodes(), scopes: map[string]string{}}
	for _, key := range st.Keys() {
		if s, _ := ingest.Service(st.Objects(key)); s != nil {
			out.services = append(out.services, s)
		}
	}
	for _, name := range st.Namespaces() {
		out.scopes[name] = translate.NamespaceScope(st.Namespace(name))
	}
	return out
}

// TestLawSurvey: what any client that stands at an endpoint is told, the survey tells.
func TestLawSurvey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawSurveyed(t)
		all := translate.Survey(m.services, m.nodes, m.scopes, true)
		p := worldtest.DrawProxy(t, "p")
		p.Kind = rapid.SampledFrom([]model.Kind{model.Sidecar, model.Gateway, model.Waypoint, model.GRPC}).Draw(t, "kind")
		p.Scope = ""
		if p.Kind == model.Waypoint && rapid.Bool().Draw(t, "of the waypoint's Gateway") {
			p.Namespace, p.Gateway = "a", "a/wp"
		}
		var visible []*model.Service
		for _, s := range m.services {
			if translate.Visible(s, p, m.scopes[p.Namespace]) {
				visible = append(visible, s)
			}
		}
		owners, problems := translate.Owners(p.Namespace, visible)
		_, clashes := translate.Listeners(owners)
		problems = append(problems, clashes...)
		entrance := owners
		if p.Kind == model.Waypoint {
			entrance = translate.Attached(owners, p.Gateway)
		}
		_, vips := translate.Chains(entrance, p.Kind != model.Waypoint, func(*model.Service, uint32) model.PolicyID { return 0 })
		problems = append(problems, vips...)
		for _, s := range owners {
			problems = append(problems, toldAtEndpoints(t, m, s, p)...)
		}
		for _, problem := range problems {
			if !slices.Contains(all, problem) {
				t.Fatalf("the survey has no %+v", problem)
			}
		}
	})
}

// toldAtEndpoints are the problems of a service for a client at one of its endpoints.
func toldAtEndpoints(t *rapid.T, m surveyed, s *model.Service, p model.Proxy) []model.Problem {
	var out []model.Problem
	for _, port := range s.Ports {
		if len(port.Endpoints) == 0 {
			continue
		}
		e := rapid.SampledFrom(port.Endpoints).Draw(t, "at")
		p.Node, p.Locality = e.Node, e.Locality
		if n, known := m.nodes.ByName[e.Node]; known {
			p.Locality = n.Locality
		}
		subsets := s.SubsetsOf(p.Kind, p.Namespace, func(sel model.Selector) bool { return sel.Matches(p.Labels) })
		for _, subset := range append([]string{""}, subsets...) {
			b, err := translate.Build(s, s.Select(p, port.Number, subset))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b.Problems...)
		}
	}
	return out
}
