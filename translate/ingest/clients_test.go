package ingest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

func selecting(dr *v1alpha1.DestinationRule, labels map[string]string) *v1alpha1.DestinationRule {
	dr.Spec.WorkloadSelector = &v1alpha1.WorkloadSelector{MatchLabels: labels}
	return dr
}

func exporting(dr *v1alpha1.DestinationRule, to ...string) *v1alpha1.DestinationRule {
	dr.Spec.ExportTo = to
	return dr
}

// Rules that no client sees together are in no conflict.
func TestConflictsAreAmongRulesThatMeet(t *testing.T) {
	x, y := map[string]string{"app": "x"}, map[string]string{"app": "y"}
	for _, c := range []struct {
		name string
		a, b *v1alpha1.DestinationRule
		want bool
	}{
		{"for all", rule("default/a", nil), rule("default/b", nil), true},
		{"one selector", selecting(rule("default/a", nil), x), selecting(rule("default/b", nil), x), true},
		{"two selectors", selecting(rule("default/a", nil), x), selecting(rule("default/b", nil), y), false},
		{"a selector and none", selecting(rule("default/a", nil), x), rule("default/b", nil), false},
		{"all and some", rule("default/a", nil), exporting(rule("default/b", nil), "web"), true},
		{"apart", exporting(rule("default/a", nil), "shop"), exporting(rule("default/b", nil), "web"), false},
		{"a dot is its own namespace", exporting(rule("default/a", nil), "."), exporting(rule("default/b", nil), "default"), true},
		{"a dot is no other", exporting(rule("default/a", nil), "."), exporting(rule("default/b", nil), "web"), false},
		{"one wildcard", hosted(rule("default/a", nil), "*.default"), hosted(rule("default/b", nil), "*.default.svc"), true},
		{"two wildcards", hosted(rule("default/a", nil), "*"), hosted(rule("default/b", nil), "*.default.svc"), false},
		{"a wildcard and the host", rule("default/a", nil), hosted(rule("default/b", nil), "*"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := world()
			o.Rules = []*v1alpha1.DestinationRule{c.b, c.a}
			_, ps := ingest.Service(o)
			got := slices.ContainsFunc(ps, func(p model.Problem) bool { return p.Reason == model.Conflicted && p.Object.Name == "b" })
			equal(t, got, c.want)
		})
	}
}

// Independent selectors could make a class for each of their combinations; those
// that are too many forbid for their whole namespace, and do nothing else.
func TestTooManySelectors(t *testing.T) {
	o := world()
	for i := range 20 {
		dr := selecting(rule(fmt.Sprintf("default/r%02d", i), allow("eu")), map[string]string{fmt.Sprintf("k%02d", i): "v"})
		o.Rules = append(o.Rules, dr)
	}
	s, ps := ingest.Service(o)
	if len(s.Lookup) > 2*256+2 {
		t.Errorf("%d classes", len(s.Lookup))
	}
	told := 0
	for _, p := range ps {
		if p.Field == "spec.workloadSelector" && p.Reason == model.NotHonoured {
			told++
		}
	}
	equal(t, told, 20-8)
	equal(t, policy(s, "default").Allowed.Has("us"), false) // by the surplus
	equal(t, policy(s, "web").Allowed.Has("us"), true)
}

// A class of clients is made only if a client can be in it.
func TestSelectorsThatImplyOthers(t *testing.T) {
	o := world()
	o.Rules = []*v1alpha1.DestinationRule{
		selecting(rule("default/a", on()), map[string]string{"app": "x"}),
		selecting(rule("default/b", on()), map[string]string{"app": "x", "tier": "1"}),
	}
	s := served(t, o)
	for _, never := range []string{"app=x,tier=1"} { // who matches it matches app=x too
		if _, ok := s.Lookup[model.PolicyKey{Namespace: "default", Port: 80, Selectors: never}]; ok {
			t.Errorf("a class for just %s", never)
		}
	}
	equal(t, len(s.Lookup), 2+2*3) // clients of other namespaces, and three sets, each for waypoints too
}

// Selectors that exclude each other do not multiply.
func TestManyTeams(t *testing.T) {
	o := world()
	for i := range 200 {
		o.Rules = append(o.Rules, selecting(rule(fmt.Sprintf("default/r%03d", i), on()), map[string]string{"app": fmt.Sprint("team-", i)}))
	}
	s, ps := ingest.Service(o)
	equal(t, lines(ps), []string(nil))
	p := model.Proxy{Kind: model.Sidecar, Namespace: "default", Labels: map[string]string{"app": "team-77"}}
	equal(t, s.Policies[s.Select(p, 80, "").PolicyID].Rule.Name, "r077")
}
