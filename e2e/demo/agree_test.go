package main

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/checkout"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// seeds is 0 in daily runs: raise it after changes to layouts or claims.
var seeds = flag.Int64("seeds", 0, "how many layouts TestClaimsAgreeWithTranslate draws, beside the special ones")

// special seeds have an endpoint without a region in the failover region (12, and
// 20 with a twin zone name), the home region (32, 119) and a forbidden one (36).
var special = []int64{12, 20, 32, 36, 119}

// TestClaimsAgreeWithTranslate plays all chapters without Envoys: traffic that is
// just as translate predicts must pass the judge, so what the rules claim and what
// translate says are the same in any layout.
func TestClaimsAgreeWithTranslate(t *testing.T) {
	binary, err := checkout.Coastwise(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	layouts := map[string]Layout{"default": DefaultLayout()}
	for _, seed := range special {
		if !slices.ContainsFunc(RandomLayout(seed).Endpoints(), RandomLayout(seed).Unplaced) {
			t.Errorf("seed %d is not special any more: choose another", seed)
		}
		layouts[fmt.Sprint(seed)] = RandomLayout(seed)
	}
	for seed := range *seeds {
		layouts[fmt.Sprint(seed)] = RandomLayout(seed)
	}
	for _, name := range slices.Sorted(maps.Keys(layouts)) {
		t.Run(name, func(t *testing.T) { agree(t, coastwise.Binary(binary), layouts[name]) })
	}
}

func agree(t *testing.T, binary coastwise.Binary, l Layout) {
	w := &World{layout: l, binary: binary, dir: t.TempDir(), addresses: map[string]string{}, nodes: map[string]string{}}
	w.ports.Backend = 8080
	for i, e := range l.Endpoints() {
		w.addresses[e.Node] = fmt.Sprintf("127.0.2.%d", i+1)
		w.nodes[w.hostPort(e.Node)] = e.Node
	}
	for i, z := range l.Zones {
		w.clients = append(w.clients, Client{Zone: i, Flags: coastwise.Client{ID: "client", Namespace: z.Namespace(), Locality: z.String()}})
	}
	w.clients = append(w.clients, Client{Flags: grpcFlags(l)})
	for name, content := range Files(l) {
		if err := manifest.Folder(w.dir).Write(name, content); err != nil {
			t.Fatal(err)
		}
	}
	p := &Player{world: w, served: make([]bool, len(w.clients))}
	for _, c := range Chapters(l) {
		if err := w.writeMesh(c.On); err != nil {
			t.Fatal(err)
		}
		if err := w.writeSlices(c.Dead, l.Zones); err != nil {
			t.Fatal(err)
		}
		clusters, err := w.Predict(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.rows(clusters) {
			r.Window = ideal(r.Predicted)
			m := Moments{Killed: time.Now(), Written: time.Now()}
			for _, wrong := range Judge(l, c, m, r, wanted) {
				t.Errorf("%+v: %s", l, wrong)
			}
		}
	}
}

// ideal is traffic that is split exactly as predicted; the rest failed.
func ideal(predicted map[string]float64) traffic.Tally {
	out := traffic.Tally{Requests: 3000, ByEndpoint: map[string]int{}}
	left, sum := out.Requests, 0.0
	for _, node := range slices.Sorted(maps.Keys(predicted)) {
		sum += predicted[node]
		n := min(left, int(math.Round(predicted[node]*30)))
		out.ByEndpoint[node] += n
		left -= n
	}
	if sum > 99 && left > 0 { // shares come rounded to a tenth
		for node, share := range predicted {
			if share > 0 {
				out.ByEndpoint[node] += left
				left = 0
				break
			}
		}
	}
	for range left {
		out.Failures = append(out.Failures, traffic.Failure{What: "none"})
	}
	return out
}
