package locality_test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// law checks one sentence about every world.
func law(t *testing.T, holds func(t *rapid.T, w world)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) { holds(t, drawWorld(t)) })
}

func mustEqual(t *rapid.T, want, got any) {
	t.Helper()
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("-want +got\n%s", diff)
	}
}

func TestLawOrderDoesNotMatter(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		shuffled := w
		shuffled.Endpoints = rapid.Permutation(w.Endpoints).Draw(t, "shuffled")
		mustEqual(t, w.assign(), shuffled.assign())
	})
}

func TestLawArgumentsAreNotModified(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		before := slices.Clone(w.Endpoints)
		w.assign()
		mustEqual(t, before, w.Endpoints)
	})
}

func TestLawForbiddenRegionIsNeverSent(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		w.Policy.Allowed = &model.Allowed{Regions: []string{"eu"}}
		allowed := map[string]bool{}
		for _, e := range w.Endpoints {
			if e.Region == "eu" {
				allowed[id(e.Address, e.Port)] = true
			}
		}
		for _, s := range sent(w.assign(), -1, false) {
			if !allowed[s] {
				t.Fatalf("%s was sent", s)
			}
		}
	})
}

func TestLawWellFormed(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		a := w.assign()
		if a.Weighted != (w.Policy.Mode == model.Levels && len(w.Policy.Distribute) > 0) || a.OverprovisioningFactor < 100 {
			t.Fatalf("weighted %v, factor %d", a.Weighted, a.OverprovisioningFactor)
		}
		listed := uint32(0)
		for i, g := range a.Groups {
			switch {
			case len(g.Endpoints) == 0:
				t.Fatalf("group %d is empty", i)
			case i == 0 && g.Priority != 0:
				t.Fatalf("the first priority is %d", g.Priority)
			case i > 0 && cmp.Or(cmp.Compare(a.Groups[i-1].Priority, g.Priority), a.Groups[i-1].Locality.Compare(g.Locality)) >= 0:
				t.Fatalf("group %d is not above the one before", i)
			case i > 0 && g.Priority-a.Groups[i-1].Priority > 1:
				t.Fatalf("priority gap before %d", g.Priority)
			}
			var sum uint32
			for j, e := range g.Endpoints {
				sum += e.Weight
				if j > 0 && cmp.Or(cmp.Compare(g.Endpoints[j-1].Address, e.Address), cmp.Compare(g.Endpoints[j-1].Port, e.Port)) >= 0 {
					t.Fatalf("group %d is not sorted", i)
				}
			}
			switch {
			case g.Reason == locality.Listed && g.Priority == 0:
				listed += g.Weight
			case sum != g.Weight:
				t.Fatalf("group %d weighs %d, its endpoints %d", i, g.Weight, sum)
			}
		}
		if listed != 0 && listed != 10_000 {
			t.Fatalf("the listed localities weigh %d", listed)
		}
	})
}

func TestLawEachEndpointStandsOnce(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		a := w.assign()
		seen := map[string]int{}
		for _, s := range sent(a, -1, false) {
			seen[s]++
		}
		for i, l := range a.LeftOut {
			seen[id(l.Address, l.Port)]++
			if i > 0 && cmp.Or(cmp.Compare(a.LeftOut[i-1].Address, l.Address), cmp.Compare(a.LeftOut[i-1].Port, l.Port)) >= 0 {
				t.Fatalf("leftOut is not sorted at %d", i)
			}
		}
		want := map[string]int{}
		for _, e := range w.Endpoints {
			want[id(e.Address, e.Port)] = 1
		}
		mustEqual(t, want, seen)
	})
}

// A place that nobody knows is as good as Other, messages included: clients
// cannot make answers multiply by inventing places.
func TestLawPlaceUnknownToAllIsOther(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		invented, projected := w, w
		swap := func(s string) (string, string) {
			if s == "elsewhere" || s == model.Other {
				return "elsewhere", model.Other
			}
			return s, s
		}
		invented.View.Locality.Region, projected.View.Locality.Region = swap(w.View.Locality.Region)
		invented.View.Locality.Zone, projected.View.Locality.Zone = swap(w.View.Locality.Zone)
		invented.View.Locality.SubZone, projected.View.Locality.SubZone = swap(w.View.Locality.SubZone)
		invented.View.Node, projected.View.Node = swap(w.View.Node)
		invented.View.Network, projected.View.Network = swap(w.View.Network)
		invented.View.Labels = strings.ReplaceAll(w.View.Labels, model.Other, "elsewhere")
		projected.View.Labels = strings.ReplaceAll(w.View.Labels, "elsewhere", model.Other)
		mustEqual(t, invented.assign(), projected.assign())
	})
}

func TestLawFlatLooksAtNoPlace(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		w.Policy.Mode, w.Policy.Local = model.Flat, false
		a := w.assign()
		w.View = drawView(t)
		mustEqual(t, a, w.assign())
	})
}

func TestLawPassthroughIsEmpty(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		w.Policy.Algorithm, w.Policy.OverprovisioningFactor = model.Passthrough, 200
		mustEqual(t, locality.Assignment{OverprovisioningFactor: 200}, w.assign())
	})
}

// What joins below does not disturb the first priority: a farther endpoint, at
// once or in a region of its own.
func TestLawFartherEndpointLeavesFirstPriorityAlone(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		w.Policy.Mode, w.Policy.Local, w.Policy.Allowed, w.Policy.SubsetLabels = model.Levels, false, nil, nil
		w.Policy.Distribute, w.Policy.FailoverPriority = nil, nil
		w.View.Locality = model.Locality{Region: "eu", Zone: "z1"}
		w.Endpoints = append(w.Endpoints, model.Endpoint{Address: "10.0.0.90", Port: 80, Weight: 1, Locality: model.Locality{Region: "eu", Zone: "z1"}})
		first := sent(w.assign(), 0, false)
		w.Endpoints = append(w.Endpoints, model.Endpoint{Address: "10.0.0.99", Port: 80, Weight: 1, Locality: model.Locality{Region: "us", Zone: "z1"}})
		mustEqual(t, first, sent(w.assign(), 0, false))
	})
}

// An unready endpoint, with hints or without, changes no group (kubernetes.md 2).
func TestLawUnreadyEndpointsCountForNoHint(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		w.Policy.Mode = model.Hints
		w.Endpoints = append(w.Endpoints, model.Endpoint{Address: "10.0.0.98", Port: 80, Weight: 1, Region: "eu", Node: "n1", Labels: map[string]string{"v": "1"}})
		with := w
		with.Endpoints = append(slices.Clone(w.Endpoints), model.Endpoint{Address: "10.0.0.99", Port: 80, Weight: 1, State: model.Unready})
		mustEqual(t, w.assign().Groups, with.assign().Groups)
	})
}

func TestLawNothingUnreadyWherePanicCouldReachIt(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		w.Policy.MinHealthPercent = 1
		mustEqual(t, sent(w.assign(), -1, true), sent(w.assign(), -1, false))
	})
}

// usable is what the constraints leave, said once more.
func usable(w world) (out []model.Endpoint) {
	byID := map[string]model.Endpoint{}
	for _, e := range join(w.Endpoints) {
		in := e.Weight > 0 && (w.Policy.Allowed == nil || slices.Contains(w.Policy.Allowed.Regions, e.Region)) &&
			(!w.Policy.Local || w.View.Node != "" && e.Node == w.View.Node)
		for k, v := range w.Policy.SubsetLabels {
			in = in && e.Labels[k] == v
		}
		if in {
			byID[id(e.Address, e.Port)] = e
		}
	}
	for _, k := range slices.Sorted(maps.Keys(byID)) {
		out = append(out, byID[k])
	}
	return out
}

func ids(es []model.Endpoint) (out []string) {
	for _, e := range es {
		out = append(out, id(e.Address, e.Port))
	}
	slices.Sort(out)
	return out
}

// kubernetes.md 5, the parity rule: the first priority under hints.
func TestLawHintsAreKubeProxys(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		w.Policy.Mode, w.Policy.Local = model.Hints, false
		set, _ := kubeProxy(usable(w), w.View.Node, w.View.Locality.Zone)
		mustEqual(t, ids(set), sent(w.assign(), 0, false))
	})
}

// The parity rule for Local: what takes traffic is ready on n, else serving and
// terminating on n, else nothing.
func TestLawLocalIsKubeProxys(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		w.Policy.Local, w.Policy.Distribute = true, nil // which may be strict
		left := usable(w)
		want := ids(inState(left, model.Ready))
		if want == nil {
			want = ids(inState(left, model.Serving))
		}
		mustEqual(t, want, sent(w.assign(), -1, true))
	})
}

// Whoever takes traffic at all does so in every mode.
func TestLawModesServeTheSameEndpoints(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		w.Policy.Mode, w.Policy.Distribute = model.Flat, nil // which may be strict
		flat := sent(w.assign(), -1, true)
		for _, m := range []model.Mode{model.Hints, model.Levels, "no such mode"} {
			w.Policy.Mode = m
			mustEqual(t, flat, sent(w.assign(), -1, true))
		}
	})
}

func TestLawReasonsFollowPriorities(t *testing.T) {
	law(t, func(t *rapid.T, w world) {
		reasons := map[uint32]locality.Reason{}
		taken := map[locality.Reason]uint32{}
		for _, g := range w.assign().Groups {
			if r, ok := reasons[g.Priority]; ok && r != g.Reason {
				t.Fatalf("priority %d is both %q and %q", g.Priority, r, g.Reason)
			}
			if p, ok := taken[g.Reason]; ok && p != g.Priority {
				t.Fatalf("%q stands at %d and %d", g.Reason, p, g.Priority)
			}
			reasons[g.Priority], taken[g.Reason] = g.Reason, g.Priority
		}
	})
}
