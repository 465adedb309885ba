package predict_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/predict"
)

// placed gives the groups the zones z1, z2, … and the endpoints addresses by them.
func placed(a locality.Assignment) locality.Assignment {
	for i := range a.Groups {
		g := &a.Groups[i]
		g.Locality.Zone = fmt.Sprintf("z%d", i+1)
		for j := range g.Endpoints {
			g.Endpoints[j].Address = fmt.Sprintf("10.0.%d.%d", i+1, j+1)
		}
	}
	return a
}

func weightsOf(a locality.Assignment) (out []string) {
	for _, g := range a.Groups {
		out = append(out, fmt.Sprintf("%d %s %d", g.Priority, g.Locality.Zone, g.Weight))
	}
	return out
}

// TestHardShares: the largest remainder counts, not the first; a locality that is
// healthy enough counts whole and no more; an endpoint without a weight has that of
// the wire.
func TestHardShares(t *testing.T) {
	bare := plain(of(0, 0, 1, 1), of(0, 0, 1, 1))
	bare.Groups[0].Endpoints[0].Weight = 0
	tests := map[string]struct {
		a    locality.Assignment
		want []string
	}{
		"largest remainder": {
			byLocality(of(0, 2, 1, 1), of(0, 2, 1, 1), of(0, 3, 1, 1)),
			[]string{"0 z1 2857", "0 z2 2857", "0 z3 4286"},
		},
		"whole is whole": {
			byLocality(of(0, 1, 2, 2), of(0, 1, 1, 2)),
			[]string{"0 z1 5882", "0 z2 4118"},
		},
		"no weight":                 {bare, []string{"0 z1 5000", "0 z2 5000"}},
		"a share that rounded to 0": {byLocality(of(0, 0, 1, 1), of(0, 1, 1, 1)), []string{"0 z1 5000", "0 z2 5000"}},
		"each that follows alone": {
			plain(of(0, 0, 1, 1), of(1, 0, 1, 1), of(2, 0, 2, 2)),
			[]string{"0 z1 10000", "1 z2 1", "2 z3 2"},
		},
		"those that follow keep their order": {
			plain(of(0, 0, 1, 1), of(1, 0, 1, 1), of(1, 0, 2, 2), of(2, 0, 3, 3)),
			[]string{"0 z1 10000", "1 z2 1", "1 z3 2", "2 z4 3"},
		},
	}
	for name, tt := range tests {
		if diff := cmp.Diff(tt.want, weightsOf(predict.Hard(placed(tt.a)))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestHardNote: it is told where weights differ inside a locality, and only to those
// who do not weigh endpoints; weights that differ between localities are kept.
func TestHardNote(t *testing.T) {
	tests := []struct {
		weights [2][]uint32
		by      model.Algorithm
		told    bool
	}{
		{weights: [2][]uint32{{1, 1}, {1, 1}}},
		{weights: [2][]uint32{{2, 2}, {3, 3}}},
		{weights: [2][]uint32{{1, 2}, {3, 3}}, told: true},
		{weights: [2][]uint32{{3, 3}, {1, 1, 2, 1}}, told: true},
		{weights: [2][]uint32{{1, 2}, {3, 3}}, by: model.RingHash},
	}
	for _, tt := range tests {
		a := plain(of(0, 0, len(tt.weights[0]), len(tt.weights[0])), of(1, 0, len(tt.weights[1]), len(tt.weights[1])))
		for i := range a.Groups {
			for j := range a.Groups[i].Endpoints {
				a.Groups[i].Endpoints[j].Weight = tt.weights[i][j]
			}
		}
		a.Notes, a.Algorithm = []locality.Note{{Reason: model.HintsDropped}}, tt.by
		got := predict.Hard(placed(a)).Notes
		if told := len(got) == 2 && got[1].Reason == model.ClientCannot; told != tt.told || got[0].Reason != model.HintsDropped {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
}

// TestHardOrder: what is left out, and what is merged, comes by address and port.
func TestHardOrder(t *testing.T) {
	a := placed(plain(of(0, 0, 1, 2), of(1, 0, 1, 2)))
	a.LeftOut = []locality.LeftOut{{Address: "10.0.1.9"}}
	a.Groups[1].Locality = a.Groups[0].Locality
	a.Groups[1].Endpoints[0].Address, a.Groups[1].Endpoints[0].Port = "10.0.1.1", 80
	a.Groups[0].Endpoints[0].Port = 8080
	a.Groups[0].Endpoints[1].Port, a.Groups[1].Endpoints[1].Address = 8080, "10.0.1.2"
	h := predict.Hard(a)
	var sent, out []string
	for _, e := range h.Groups[0].Endpoints {
		sent = append(sent, fmt.Sprint(e.Address, ":", e.Port))
	}
	for _, l := range h.LeftOut {
		out = append(out, fmt.Sprint(l.Address, ":", l.Port))
	}
	if diff := cmp.Diff([]string{"10.0.1.1:80", "10.0.1.1:8080"}, sent); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"10.0.1.2:0", "10.0.1.2:8080", "10.0.1.9:0"}, out); diff != "" {
		t.Error(diff)
	}
}
