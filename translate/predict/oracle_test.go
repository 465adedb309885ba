package predict_test

import (
	"flag"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/predict"
)

// TestMain runs fewer random cases under -short, for mutation testing, does not
// shrink and leaves no files, unless the command line says how many.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if testing.Short() && !given {
		for name, value := range map[string]string{"rapid.checks": "60", "rapid.nofailfile": "true", "rapid.shrinktime": "1ms"} {
			if err := flag.Set(name, value); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

// algorithms are all that Envoy balances by.
var algorithms = []model.Algorithm{model.LeastRequest, model.RoundRobin, model.Random, model.RingHash, model.Maglev}

func drawAssignment(t *rapid.T) locality.Assignment {
	a := locality.Assignment{
		OverprovisioningFactor: rapid.SampledFrom([]uint32{0, 100, 140, 140, 201, 1000}).Draw(t, "factor"),
		Weighted:               rapid.Bool().Draw(t, "weighted"),
		Algorithm:              rapid.SampledFrom(algorithms).Draw(t, "algorithm"),
	}
	for p := range rapid.IntRange(0, 4).Draw(t, "priorities") {
		for range rapid.IntRange(1, 3).Draw(t, "groups") {
			g := locality.Group{Priority: uint32(p), Weight: rapid.SampledFrom([]uint32{0, 1, 3, 70, math.MaxUint32 / 3}).Draw(t, "group weight")}
			for range rapid.SampledFrom([]int{1, 1, 2, 2, 3, 3, 5, 7, 150}).Draw(t, "size") {
				g.Endpoints = append(g.Endpoints, locality.Endpoint{Weight: 1})
			}
			few := rapid.IntRange(0, len(g.Endpoints)).Draw(t, "healthy")
			for i := range few {
				g.Endpoints[i].Healthy = true
				g.Endpoints[i].Weight = rapid.SampledFrom([]uint32{1, 1, 2, 100}).Draw(t, "weight")
			}
			a.Groups = append(a.Groups, g)
		}
	}
	return a
}

// oracle sends the hundred per cent one by one: unit k of the cluster's load goes
// to the first priority whose bound it does not pass; and all in exact fractions.
func oracle(a locality.Assignment) [][]*big.Rat {
	opf := int64(a.OverprovisioningFactor)
	if opf == 0 {
		opf = 140
	}
	health := map[uint32]int64{}
	last := uint32(0)
	for _, g := range a.Groups {
		last = g.Priority
	}
	total := int64(0)
	for p := uint32(0); p <= last; p++ {
		up, all := count(a, p)
		h := int64(0)
		for all > 0 && h < 100 && (h+1)*all <= opf*up { // the largest whole percent
			h++
		}
		health[p] = h
		total += h
	}
	if total > 100 {
		total = 100
	}
	load := units(health, last, total)
	if up, _ := count(a, 0); total == 0 && up > 0 {
		load[0] = 100
	}
	var out [][]*big.Rat
	for _, g := range a.Groups {
		var row []*big.Rat
		for _, e := range g.Endpoints {
			row = append(row, chance(a, g, e, load[g.Priority], opf))
		}
		out = append(out, row)
	}
	return out
}

func count(a locality.Assignment, p uint32) (up, all int64) {
	for _, g := range a.Groups {
		for _, e := range g.Endpoints {
			if g.Priority == p {
				all++
				if e.Healthy {
					up++
				}
			}
		}
	}
	return up, all
}

// units hands out 100 units; those that nobody has room for go to the first priority with health.
func units(health map[uint32]int64, last uint32, total int64) map[uint32]int64 {
	load := map[uint32]int64{}
	for range 100 {
		placed := false
		for p := uint32(0); p <= last && !placed; p++ {
			if (load[p]+1)*total <= health[p]*100 {
				load[p]++
				placed = true
			}
		}
		if !placed {
			return remainder(load, health, last)
		}
	}
	return load
}

func remainder(load, health map[uint32]int64, last uint32) map[uint32]int64 {
	used := int64(0)
	for p := uint32(0); p <= last; p++ {
		used += load[p]
	}
	for p := uint32(0); p <= last; p++ {
		if health[p] > 0 {
			load[p] += 100 - used
			break
		}
	}
	return load
}

func rat(a, b int64) *big.Rat { return big.NewRat(a, b) }

// chance is the product: of its priority, of its locality in there, of itself in there.
// At random all weigh the same, and hashes do not look at what is not healthy.
func chance(a locality.Assignment, g locality.Group, e locality.Endpoint, load, opf int64) *big.Rat {
	if !e.Healthy || load == 0 {
		return rat(0, 1)
	}
	mine, all, rivals := rat(0, 1), rat(0, 1), rat(0, 1)
	for _, o := range a.Groups {
		if o.Priority != g.Priority {
			continue
		}
		up := rat(0, 1)
		n := int64(0)
		for _, x := range o.Endpoints {
			if x.Healthy {
				up.Add(up, weighs(a, x))
				n++
			}
		}
		rivals.Add(rivals, up)
		scale := rat(opf*n, 100*int64(len(o.Endpoints)))
		if hashed := strings.Contains("RING_HASH MAGLEV", string(a.Algorithm)); scale.Cmp(rat(1, 1)) > 0 || hashed && n > 0 {
			scale = rat(1, 1)
		}
		w := int64(o.Weight)
		if w == 0 {
			w = 1
		}
		eff := scale.Mul(scale, rat(w, 1))
		all.Add(all, eff)
		if &o.Endpoints[0] == &g.Endpoints[0] {
			mine = new(big.Rat).Quo(eff, up)
		}
	}
	out := new(big.Rat).Mul(rat(load, 1), weighs(a, e))
	if a.Weighted {
		return out.Mul(out, mine.Quo(mine, all))
	}
	return out.Quo(out, rivals)
}

func weighs(a locality.Assignment, e locality.Endpoint) *big.Rat {
	if a.Algorithm == "RANDOM" {
		return rat(1, 1)
	}
	return rat(int64(e.Weight), 1)
}

func TestSharesAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAssignment(t)
		got := predict.Shares(a)
		want := oracle(a)
		if len(got) != len(want) {
			t.Fatalf("%d groups, want %d", len(got), len(want))
		}
		for i := range want {
			if len(got[i]) != len(want[i]) {
				t.Fatalf("group %d has %d shares, want %d", i, len(got[i]), len(want[i]))
			}
			for j := range want[i] {
				if w, _ := want[i][j].Float64(); !(math.Abs(got[i][j]-w) <= 1e-9) {
					t.Fatalf("group %d endpoint %d: %v, want %v", i, j, got[i][j], w)
				}
			}
		}
	})
}
