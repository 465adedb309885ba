package predict_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/predict"
)

// of makes a group of which so many are healthy.
func of(priority, weight uint32, healthy, total int) locality.Group {
	g := locality.Group{Priority: priority, Weight: weight}
	for i := range total {
		g.Endpoints = append(g.Endpoints, locality.Endpoint{Weight: 1, Healthy: i < healthy})
	}
	return g
}

func plain(groups ...locality.Group) locality.Assignment {
	return locality.Assignment{OverprovisioningFactor: 140, Groups: groups}
}

func byLocality(groups ...locality.Group) locality.Assignment {
	a := plain(groups...)
	a.Weighted = true
	return a
}

func perGroup(shares [][]float64) (out []float64) {
	for _, row := range shares {
		sum := 0.0
		for _, s := range row {
			sum += s
		}
		out = append(out, sum)
	}
	return out
}

func near(a, b []float64, within float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !(math.Abs(a[i]-b[i]) <= within) { // nor is NaN near anything
			return false
		}
	}
	return true
}

// What was measured on Envoy 1.40.0 (envoy.md 7, balance.md 2 and 6.2), within
// what sampling explains.
func TestMeasured(t *testing.T) {
	for _, tc := range []struct {
		name string
		a    locality.Assignment
		want []float64
	}{
		{"weights 70/20/10, half of z1 down", byLocality(of(0, 70, 2, 4), of(0, 20, 4, 4), of(0, 10, 4, 4)), []float64{62.0, 25.3, 12.7}},
		{"weights 70/20/10, z1 all down", byLocality(of(0, 70, 0, 4), of(0, 20, 4, 4), of(0, 10, 4, 4)), []float64{0, 66.7, 33.3}},
		{"half of P0 down", plain(of(0, 2, 1, 2), of(1, 2, 2, 2)), []float64{70.1, 29.9}},
		{"all zones in P0, 998/1/1, z1 2 of 5 up", byLocality(of(0, 998, 2, 5), of(0, 1, 5, 5), of(0, 1, 5, 5)), []float64{99.6, 0.2, 0.2}},
		{"z1 = P0, z2 + z3 = P1, z1 2 of 5 up", plain(of(0, 5, 2, 5), of(1, 5, 5, 5), of(1, 5, 5, 5)), []float64{56.8, 21.6, 21.6}},
		{"P0 = {z1:70, z2:30}, P1 = z3, z1 2 of 5 up", byLocality(of(0, 70, 2, 5), of(0, 30, 5, 5), of(1, 5, 5, 5)), []float64{55.5, 42.5, 2.0}},
		{"the same, z1 all down", byLocality(of(0, 70, 0, 5), of(0, 30, 5, 5), of(1, 5, 5, 5)), []float64{0, 70.2, 29.8}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := perGroup(predict.Shares(tc.a)); !near(got, tc.want, 1.1) {
				t.Errorf("got %.1f, measured %.1f", got, tc.want)
			}
		})
	}
}

// The theory beside the first measured row: 49:20:10.
func TestEffectiveWeight(t *testing.T) {
	got := perGroup(predict.Shares(byLocality(of(0, 70, 2, 4), of(0, 20, 4, 4), of(0, 10, 4, 4))))
	if want := []float64{4900.0 / 79, 2000.0 / 79, 1000.0 / 79}; !near(got, want, 1e-9) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPriorities(t *testing.T) {
	type ps = []predict.Priority
	withFactor := func(f uint32, a locality.Assignment) locality.Assignment {
		a.OverprovisioningFactor = f
		return a
	}
	for _, tc := range []struct {
		name string
		a    locality.Assignment
		want ps
	}{
		{"nothing", plain(), nil},
		{"whole", plain(of(0, 1, 1, 1), of(1, 1, 1, 1)), ps{{1, 1, 100, 100}, {1, 1, 100, 0}}},
		{"5 of 7 is where spill starts", plain(of(0, 1, 5, 7), of(1, 1, 1, 1)), ps{{5, 7, 100, 100}, {1, 1, 100, 0}}},
		{"below it, whole percents", plain(of(0, 1, 2, 3), of(1, 1, 1, 1)), ps{{2, 3, 93, 93}, {1, 1, 100, 7}}},
		{"groups of one priority count together", plain(of(0, 1, 1, 2), of(0, 1, 0, 2), of(1, 1, 1, 1)), ps{{1, 4, 35, 35}, {1, 1, 100, 65}}},
		{"a dead priority takes its place", plain(of(0, 1, 0, 2), of(1, 1, 1, 2), of(2, 1, 3, 3)), ps{{0, 2, 0, 0}, {1, 2, 70, 70}, {3, 3, 100, 30}}},
		{"less than 100 in all: normalised", plain(of(0, 1, 1, 4), of(1, 1, 1, 4)), ps{{1, 4, 35, 50}, {1, 4, 35, 50}}},
		{
			"the remainder goes to the first with health", plain(of(0, 1, 0, 1), of(1, 1, 1, 7), of(2, 1, 1, 7), of(3, 1, 1, 7)),
			ps{{0, 1, 0, 0}, {1, 7, 20, 34}, {1, 7, 20, 33}, {1, 7, 20, 33}},
		},
		{"nothing healthy: nothing served", plain(of(0, 1, 0, 2), of(1, 1, 0, 2)), ps{{0, 2, 0, 0}, {0, 2, 0, 0}}},
		{"too few for a percent: the first priority serves it all", plain(of(0, 1, 1, 141), of(1, 1, 1, 141)), ps{{1, 141, 0, 100}, {1, 141, 0, 0}}},
		{"too few for a percent below an empty first: nothing", plain(of(0, 1, 0, 1), of(1, 1, 1, 141)), ps{{0, 1, 0, 0}, {1, 141, 0, 0}}},
		{"too few for a percent, alone: it serves all", plain(of(0, 1, 1, 141)), ps{{1, 141, 0, 100}}},
		{"one percent is health", plain(of(0, 1, 1, 140), of(1, 1, 1, 7)), ps{{1, 140, 1, 5}, {1, 7, 20, 95}}},
		{"factor 100 is proportional", withFactor(100, plain(of(0, 1, 1, 3), of(1, 1, 1, 1))), ps{{1, 3, 33, 33}, {1, 1, 100, 67}}},
		{"factor unset is 140", withFactor(0, plain(of(0, 1, 1, 2))), ps{{1, 2, 70, 100}}},
		{"a large factor leaves only when all are down", withFactor(math.MaxUint32, plain(of(0, 1, 1, 1000), of(1, 1, 1, 1))), ps{{1, 1000, 100, 100}, {1, 1, 100, 0}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, predict.Priorities(tc.a)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestEndpointWeights(t *testing.T) {
	g := of(0, 6, 3, 4)
	for i, w := range []uint32{1, 3, 0, 9} {
		g.Endpoints[i].Weight = w
	}
	if got := predict.Shares(plain(g)); !near(got[0], []float64{20, 60, 20, 0}, 1e-9) {
		t.Errorf("got %v", got)
	}
}

// A group without endpoints, which Assign never makes, takes nothing.
func TestEmptyGroup(t *testing.T) {
	got := predict.Shares(byLocality(of(0, 5, 0, 0), of(0, 1, 1, 1), of(1, 5, 0, 0)))
	if diff := cmp.Diff([][]float64{{}, {100}, {}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLawShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAssignment(t)
		sum := 0.0
		for i, row := range predict.Shares(a) {
			for j, s := range row {
				if s < 0 || math.IsNaN(s) || s > 0 && !a.Groups[i].Endpoints[j].Healthy {
					t.Fatalf("group %d endpoint %d gets %v", i, j, s)
				}
				sum += s
			}
		}
		loads := uint32(0)
		for _, p := range predict.Priorities(a) {
			loads += p.Load
		}
		if math.Abs(sum-float64(loads)) > 1e-9 || loads != 100 && loads != 0 {
			t.Fatalf("the shares sum to %v, the loads to %d", sum, loads)
		}
	})
}

// One more endpoint failing in a priority never brings it more load while the
// others are whole.
func TestLawLosingHealthSpills(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(1, 50).Draw(t, "total")
		last := uint32(0)
		for up := range total + 1 {
			ps := predict.Priorities(plain(of(0, 1, up, total), of(1, 1, 1, 1)))
			if ps[0].Load < last {
				t.Fatalf("%d of %d carry %d, one fewer %d", up, total, ps[0].Load, last)
			}
			last = ps[0].Load
		}
	})
}
