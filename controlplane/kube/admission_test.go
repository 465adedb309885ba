package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/model"
)

func rule(name string) model.ObjectRef {
	return model.ObjectRef{Kind: "DestinationRule", Namespace: "a", Name: name}
}

// good is an admitted object, bad a refused one that has a fence if regions are given.
func good(name, uid string, generation int64, form string) observed {
	return observed{ref: rule(name), uid: types.UID(uid), generation: generation, result: admit.Result{Ref: rule(name), Object: form}}
}

func bad(name, uid string, generation int64, regions ...string) observed {
	o := observed{ref: rule(name), uid: types.UID(uid), generation: generation, result: admit.Result{Ref: rule(name)}}
	o.problems = []model.Problem{{Object: o.ref, Severity: model.Error, Reason: model.Invalid}}
	if len(regions) > 0 {
		o.result.Fence = &model.Fence{Object: o.ref, AllowedRegions: regions}
	}
	return o
}

// TestAdmissions says for one object x what each step writes to the store, and what
// acts after it.
func TestAdmissions(t *testing.T) {
	put := func(form string) []store.Change { return []store.Change{{Ref: rule("x"), Object: form}} }
	fenced := func(regions ...string) []store.Change {
		return []store.Change{{Ref: rule("x"), Fence: &model.Fence{Object: rule("x"), AllowedRegions: regions}}}
	}
	gone := []store.Change{{Ref: rule("x")}}
	type step struct {
		now    *observed // nil: gone
		want   []store.Change
		state  State
		acting int64
	}
	at := func(o observed) *observed { return &o }
	for name, steps := range map[string][]step{
		"comes, changes, goes": {
			{at(good("x", "u", 1, "1")), put("1"), Admitted, 1},
			{at(good("x", "u", 2, "2")), put("2"), Admitted, 2},
			{at(good("x", "u", 2, "2")), nil, Admitted, 2},
			{nil, gone, "", 0},
			{nil, nil, "", 0},
		},
		"a refused edit changes nothing": {
			{at(good("x", "u", 1, "1")), put("1"), Admitted, 1},
			{at(bad("x", "u", 2, "eu")), nil, Held, 1},
			{at(bad("x", "u", 3)), nil, Held, 1},
			{at(good("x", "u", 4, "4")), put("4"), Admitted, 4},
		},
		"never admitted: its fence": {
			{at(bad("x", "u", 1, "eu")), fenced("eu"), Absent, 0},
			{at(bad("x", "u", 2, "us")), fenced("us"), Absent, 0},
			{at(bad("x", "u", 3)), gone, Absent, 0},
			{at(bad("x", "u", 4, "eu")), fenced("eu"), Absent, 0},
			{at(good("x", "u", 5, "5")), put("5"), Admitted, 5},
		},
		"a fence goes with its object":       {{at(bad("x", "u", 1, "eu")), fenced("eu"), Absent, 0}, {nil, gone, "", 0}},
		"without a fence nothing is written": {{at(bad("x", "u", 1)), nil, Absent, 0}, {nil, nil, "", 0}},
		"deleted and made again: the former form does not act": {
			{at(good("x", "u", 1, "1")), put("1"), Admitted, 1}, {nil, gone, "", 0}, {at(bad("x", "v", 1, "eu")), fenced("eu"), Absent, 0},
		},
		"made again between two looks": {
			{at(good("x", "u", 1, "1")), put("1"), Admitted, 1}, {at(bad("x", "v", 1, "eu")), fenced("eu"), Absent, 0},
		},
		"made again without a fence": {
			{at(good("x", "u", 1, "1")), put("1"), Admitted, 1}, {at(bad("x", "u", 2)), nil, Held, 1}, {at(bad("x", "v", 1)), gone, Absent, 0},
		},
		"restored from a backup": {
			{at(good("x", "u", 7, "7")), put("7"), Admitted, 7}, {at(good("x", "u", 3, "3")), put("3"), Admitted, 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAdmissions()
			for i, s := range steps {
				var got []store.Change
				if s.now == nil {
					_, got = a.gone(rule("x"))
				} else {
					_, got = a.put(*s.now)
				}
				if d := cmp.Diff(s.want, got); d != "" {
					t.Fatalf("step %d (-want +got):\n%s", i, d)
				}
				r := a.records["DestinationRule"][rule("x")]
				if (r == nil) != (s.now == nil) || r != nil && (r.state() != s.state || r.acting != s.acting) {
					t.Fatalf("step %d: %+v, want %s acting %d", i, r, s.state, s.acting)
				}
			}
		})
	}
}

// TestVerdicts: what is told of an object is what is wrong with it now.
func TestVerdicts(t *testing.T) {
	a := newAdmissions()
	a.put(good("x", "u", 1, "1"), bad("y", "u", 1))
	verdicts, changes := a.replace("DestinationRule", []observed{bad("x", "u", 2)})
	want := []verdict{{ref: rule("x"), problems: bad("x", "u", 2).problems, refused: true, held: true}, {ref: rule("y")}}
	if d := cmp.Diff(want, verdicts, cmp.AllowUnexported(verdict{})); d != "" || changes != nil {
		t.Fatal(d, changes)
	}
}

// TestReplaceIsSteps: a whole read does what the events in between would have done,
// whatever was missed, except that an object made again is not seen to go.
func TestReplaceIsSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.Custom(func(t *rapid.T) observed {
			name, uid := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "name"), rapid.SampledFrom([]string{"u", "v"}).Draw(t, "uid")
			generation := rapid.Int64Range(1, 3).Draw(t, "generation")
			if rapid.Bool().Draw(t, "refused") {
				return bad(name, uid, generation, rapid.SliceOfN(rapid.SampledFrom([]string{"eu", "us"}), 0, 1).Draw(t, "regions")...)
			}
			return good(name, uid, generation, rapid.SampledFrom([]string{"1", "2"}).Draw(t, "form"))
		})
		whole, events := newAdmissions(), newAdmissions()
		before := rapid.SliceOfNDistinct(some, 0, 3, func(o observed) string { return o.ref.Name }).Draw(t, "before")
		whole.replace("DestinationRule", before)
		events.put(before...)
		after := rapid.SliceOfNDistinct(some, 0, 3, func(o observed) string { return o.ref.Name }).Draw(t, "after")
		_, got := whole.replace("DestinationRule", after)
		there := map[model.ObjectRef]bool{}
		for _, o := range after {
			there[o.ref] = true
		}
		_, want := events.put(after...)
		for _, name := range []string{"x", "y", "z"} {
			if !there[rule(name)] {
				_, c := events.gone(rule(name))
				want = append(want, c...)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		if d := cmp.Diff(events.records, whole.records, cmp.AllowUnexported(record{}, observed{}, form{})); d != "" {
			t.Fatal(d)
		}
	})
}
