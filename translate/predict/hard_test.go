package predict_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/predict"
)

// drawPlaced is an assignment whose groups have places and whose endpoints have
// addresses, as Assign makes them; a place may stand in several priorities.
// The algorithm is one that gRPC clients have.
func drawPlaced(t *rapid.T) locality.Assignment {
	a := drawAssignment(t)
	a.Algorithm = rapid.SampledFrom([]model.Algorithm{model.RoundRobin, model.LeastRequest, model.RingHash}).Draw(t, "their algorithm")
	var kept []locality.Group
	seen := map[string]bool{}
	for i, g := range a.Groups {
		g.Locality = model.Locality{Region: "r", Zone: rapid.SampledFrom([]string{"z1", "z2", "z3", "z4"}).Draw(t, "zone")}
		if key := fmt.Sprint(g.Priority, g.Locality); seen[key] {
			continue
		} else {
			seen[key] = true
		}
		for j := range g.Endpoints {
			g.Endpoints[j].Address = fmt.Sprintf("10.0.%d.%d", i, j)
		}
		if len(kept) == 0 {
			g.Priority = 0
		} else if last := kept[len(kept)-1].Priority; g.Priority > last {
			g.Priority = last + 1
		}
		kept = append(kept, g)
	}
	slices.SortStableFunc(kept, func(a, b locality.Group) int {
		if a.Priority != b.Priority {
			return int(a.Priority) - int(b.Priority)
		}
		return a.Locality.Compare(b.Locality)
	})
	a.Groups = kept
	return a
}

// grpc is what a gRPC client does with an assignment: the first priority alone, a
// locality by its weight, and in it each endpoint alike, or where it hashes by its own.
func grpc(a locality.Assignment) map[string]float64 {
	out, byWeight := map[string]float64{}, a.Algorithm == model.RingHash
	var all float64
	for _, g := range a.Groups {
		if g.Priority == 0 {
			all += float64(max(1, g.Weight))
		}
	}
	for _, g := range a.Groups {
		var sum float64
		for _, e := range g.Endpoints {
			if byWeight {
				sum += float64(e.Weight)
			} else {
				sum++
			}
		}
		for _, e := range g.Endpoints {
			own := 1.0
			if byWeight {
				own = float64(e.Weight)
			}
			if out[e.Address] = 0; g.Priority == 0 {
				out[e.Address] = 100 * float64(max(1, g.Weight)) / all * own / sum
			}
		}
	}
	return out
}

// TestLawHardIsEnvoys: what a gRPC client does with Hard is what an Envoy does with
// the assignment, locality by locality; and endpoint by endpoint where the endpoints
// of a locality weigh the same and stand in one priority.
func TestLawHardIsEnvoys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawPlaced(t)
		got := grpc(predict.Hard(a))
		shares := predict.Shares(a)
		within := 0.011 * float64(len(a.Groups)+1)
		served := false
		envoys, ours := map[model.Locality]float64{}, map[model.Locality]float64{}
		for i, g := range a.Groups {
			for j, e := range g.Endpoints {
				envoys[g.Locality] += shares[i][j]
				ours[g.Locality] += got[e.Address]
				served = served || shares[i][j] > 0
			}
		}
		if !served { // an Envoy would serve nobody, for want of a whole percent
			return
		}
		for l, want := range envoys {
			if math.Abs(ours[l]-want) > within {
				t.Fatalf("%s gets %v, from an Envoy %v", l, ours[l], want)
			}
		}
		for i, g := range a.Groups {
			if a.Algorithm != model.RingHash && !alike(g) || !alone(a, i) {
				continue
			}
			for j, e := range g.Endpoints {
				if math.Abs(got[e.Address]-shares[i][j]) > within {
					t.Fatalf("%s gets %v, from an Envoy %v", e.Address, got[e.Address], shares[i][j])
				}
			}
		}
	})
}

func alike(g locality.Group) bool {
	weights := map[uint32]bool{}
	for _, e := range g.Endpoints {
		if e.Healthy {
			weights[e.Weight] = true
		}
	}
	return len(weights) < 2
}

func alone(a locality.Assignment, i int) bool {
	for k, g := range a.Groups {
		if k != i && g.Locality == a.Groups[i].Locality {
			return false
		}
	}
	return true
}

// TestLawHardForm: all that is healthy is sent once, nothing else is, and the form
// is one that gRPC clients take (balance.md 8, 12); a is left as it was, and Shares
// says of the answer what a gRPC client does with it.
func TestLawHardForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawPlaced(t)
		before := fmt.Sprintf("%+v", a)
		h := predict.Hard(a)
		if after := fmt.Sprintf("%+v", a); after != before {
			t.Fatalf("modified:\n%s\n%s", before, after)
		}
		want, got, out := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, g := range a.Groups {
			for _, e := range g.Endpoints {
				want[e.Address] = e.Healthy
			}
		}
		places, next := map[string]bool{}, uint32(0)
		sums := map[uint32]uint64{}
		for i, g := range h.Groups {
			if g.Priority > next || i > 0 && g.Priority < h.Groups[i-1].Priority || len(g.Endpoints) == 0 {
				t.Fatalf("group %d has priority %d and %d endpoints", i, g.Priority, len(g.Endpoints))
			}
			next = g.Priority + 1
			sums[g.Priority] += uint64(max(1, g.Weight))
			if place := fmt.Sprint(g.Priority, g.Locality); places[place] {
				t.Fatalf("%s stands twice", place)
			} else {
				places[place] = true
			}
			for _, e := range g.Endpoints {
				if got[e.Address] || !e.Healthy || !want[e.Address] || e.Weight < 1 || a.Algorithm != model.RingHash && e.Weight != 1 {
					t.Fatalf("%+v is sent", e)
				}
				got[e.Address] = true
			}
		}
		for _, l := range h.LeftOut {
			out[l.Address] = true
		}
		for address, healthy := range want {
			if got[address] != healthy || out[address] == healthy {
				t.Fatalf("%s: healthy %v, sent %v, left out %v", address, healthy, got[address], out[address])
			}
		}
		for p, sum := range sums {
			if sum > math.MaxUint32 {
				t.Fatalf("priority %d weighs %d", p, sum)
			}
		}
		said := grpc(h)
		for i, row := range predict.Shares(h) {
			for j, s := range row {
				if math.Abs(s-said[h.Groups[i].Endpoints[j].Address]) > 1e-9 {
					t.Fatalf("Shares says %v, a client does %v", s, said[h.Groups[i].Endpoints[j].Address])
				}
			}
		}
	})
}

// TestHardByHand: half of the own zone down keeps 70 %, and the merged pieces of one
// zone have the first one's reason.
func TestHardByHand(t *testing.T) {
	a := plain(of(0, 0, 2, 4), of(1, 0, 1, 1), of(2, 0, 3, 3))
	for i, z := range []string{"z1", "z2", "z3"} {
		a.Groups[i].Locality.Zone = z
		a.Groups[i].Reason = locality.Reason(z)
	}
	weights := func(a locality.Assignment) (out []string) {
		for _, g := range a.Groups {
			out = append(out, fmt.Sprintf("%d %s %d/%d %s", g.Priority, g.Locality.Zone, g.Weight, len(g.Endpoints), g.Reason))
		}
		return out
	}
	want := []string{"0 z1 7000/2 z1", "0 z2 3000/1 z2", "1 z3 3/3 z3"}
	if diff := cmp.Diff(want, weights(predict.Hard(a))); diff != "" {
		t.Error(diff)
	}
	a.Groups[1].Locality.Zone = "z1"
	want = []string{"0 z1 10000/3 z1", "1 z3 3/3 z3"}
	if diff := cmp.Diff(want, weights(predict.Hard(a))); diff != "" {
		t.Error(diff)
	}
	if got := predict.Hard(plain(of(0, 1, 0, 2))); len(got.Groups) != 0 || len(got.LeftOut) != 2 {
		t.Errorf("%+v", got)
	}
}
