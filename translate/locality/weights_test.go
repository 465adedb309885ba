package locality_test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// weighted is a world of one region with these weights; odd ones in another zone.
func weighted(weights ...uint32) []model.Endpoint {
	es := make([]model.Endpoint, len(weights))
	for i, w := range weights {
		es[i] = model.Endpoint{
			Address: fmt.Sprintf("10.0.%03d.%03d", i/200, i%200), Port: 80, Weight: w,
			Locality: model.Locality{Region: "eu", Zone: []string{"z1", "z2"}[i%2]},
		}
	}
	return es
}

// scaled is the weights by address, in the order of weighted.
func scaled(a locality.Assignment, n int) []uint32 {
	byAddress := map[string]uint32{}
	for _, g := range a.Groups {
		for _, e := range g.Endpoints {
			byAddress[e.Address] = e.Weight
		}
	}
	out := make([]uint32, 0, n)
	for i := range n {
		out = append(out, byAddress[fmt.Sprintf("10.0.%03d.%03d", i/200, i%200)])
	}
	return out
}

func TestWeightsOverflow(t *testing.T) {
	const most = math.MaxUint32
	for _, tc := range []struct {
		name          string
		weights, want []uint32
	}{
		{"one that just fits", []uint32{most}, []uint32{most}},
		{"two that just fit", []uint32{most - 1, 1}, []uint32{most - 1, 1}},
		{"one above", []uint32{most, 1}, []uint32{most - 3, 1}},
		{"two of the most", []uint32{most, most}, []uint32{most/2 - 1, most/2 - 1}},
		{"the small stay at least 1", []uint32{most, most, 1}, []uint32{most/2 - 2, most/2 - 2, 1}},
		{"as they were", []uint32{1, 1_000_000}, []uint32{1, 1_000_000}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := locality.Assign(model.View{}, model.Policy{Mode: model.Flat}, weighted(tc.weights...))
			got := scaled(a, len(tc.weights))
			if fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// Each priority is scaled by itself: the one that fits keeps its weights.
func TestWeightsScaleByPriority(t *testing.T) {
	es := weighted(math.MaxUint32, 7, math.MaxUint32, 8)
	a := locality.Assign(model.View{Locality: model.Locality{Region: "eu", Zone: "z1"}}, model.Policy{Mode: model.Levels}, es)
	if got := scaled(a, 4); got[1] != 7 || got[3] != 8 || got[0] != math.MaxUint32/2-1 {
		t.Errorf("got %v", got)
	}
	if a.Groups[0].Weight != math.MaxUint32-3 || a.Groups[1].Weight != 15 {
		t.Errorf("groups weigh %d and %d", a.Groups[0].Weight, a.Groups[1].Weight)
	}
}

func TestLawWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.OneOf(
			rapid.Uint32Min(1), rapid.Uint32Range(1, 3), rapid.Uint32Min(math.MaxUint32-3),
		), 1, 80).Draw(t, "weights")
		a := locality.Assign(model.View{}, model.Policy{Mode: model.Flat}, weighted(weights...))
		got := scaled(a, len(weights))
		checkScaled(t, weights, got)
		var groups uint64
		for _, g := range a.Groups {
			groups += uint64(g.Weight)
		}
		if groups > math.MaxUint32 {
			t.Fatalf("the groups weigh %d", groups)
		}
	})
}

// checkScaled: bounds, order, and closeness to the exact quotient: at most one
// per endpoint is lost, and less than one gained.
func checkScaled(t *rapid.T, weights, got []uint32) {
	before, after := new(big.Int), new(big.Int)
	for i := range weights {
		before.Add(before, big.NewInt(int64(weights[i])))
		after.Add(after, big.NewInt(int64(got[i])))
	}
	most := big.NewInt(math.MaxUint32)
	fits := before.Cmp(most) <= 0
	if after.Cmp(most) > 0 {
		t.Fatalf("sum %v", after)
	}
	for i, w := range weights {
		exact, _ := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(int64(w)), most), before).Float64()
		diff := float64(got[i]) - exact
		switch {
		case fits && got[i] != w:
			t.Fatalf("%d became %d without need", w, got[i])
		case got[i] < 1:
			t.Fatalf("%d became 0", w)
		case !fits && (diff > 1 || diff < -float64(len(weights)+1)):
			t.Fatalf("%d became %d, exactly it is %f", w, got[i], exact)
		}
		for j, v := range weights {
			if v <= w && got[j] > got[i] {
				t.Fatalf("%d <= %d became %d and %d", v, w, got[j], got[i])
			}
		}
	}
}

// TestUnweighed: RANDOM is told where endpoints that it chooses among weigh differently:
// those of a priority, with locality weighting those of a locality.
func TestUnweighed(t *testing.T) {
	client := model.View{Locality: model.Locality{Region: "eu", Zone: "z1"}}
	levels := model.Policy{Mode: model.Levels}
	listed := model.Policy{Mode: model.Levels, Distribute: []model.Distribute{{To: []model.Share{{Percent: 100}}}}}
	for _, tc := range []struct {
		name    string
		policy  model.Policy
		by      model.Algorithm
		weights []uint32 // by turns of z1 and z2
		told    string
	}{
		{"one pool, even", model.Policy{}, model.Random, []uint32{3, 3, 3}, ""},
		{"one pool, zones differ", model.Policy{}, model.Random, []uint32{3, 2}, "what the priority gets"},
		{"one pool, a zone is uneven", model.Policy{}, model.Random, []uint32{3, 3, 2}, "what the priority gets"},
		{"priorities differ", levels, model.Random, []uint32{3, 2, 3, 2}, ""},
		{"the first priority is uneven", levels, model.Random, []uint32{3, 2, 2, 2}, "what the priority gets"},
		{"the second priority is uneven", levels, model.Random, []uint32{3, 2, 3, 3}, "what the priority gets"},
		{"localities differ", listed, model.Random, []uint32{3, 2, 3, 2}, ""},
		{"a locality is uneven", listed, model.Random, []uint32{3, 2, 3, 3}, "what the locality gets"},
		{"not at random", listed, model.RoundRobin, []uint32{3, 2, 3, 3}, ""},
		{"nothing at all", levels, model.Random, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.policy.Algorithm = tc.by
			notes := locality.Assign(client, tc.policy, weighted(tc.weights...)).Notes
			if tc.told == "" && len(notes) > 0 || tc.told != "" && len(notes) != 1 {
				t.Fatalf("told %+v", notes)
			}
			if tc.told != "" && (notes[0].Reason != model.ClientCannot || !strings.Contains(notes[0].Message, tc.told)) {
				t.Errorf("told %+v, want %q", notes[0], tc.told)
			}
		})
	}
}

// TestWeighAgain: what a group weighed before does not count.
func TestWeighAgain(t *testing.T) {
	groups := locality.Assign(model.View{}, model.Policy{}, weighted(3, 2)).Groups
	if locality.Weigh(groups); groups[0].Weight != 3 || groups[1].Weight != 2 {
		t.Errorf("%+v", groups)
	}
}
