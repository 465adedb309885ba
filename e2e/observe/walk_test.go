package observe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/checkout"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// config builds coastwise and finds Envoy.
func config(t *testing.T) Config {
	t.Helper()
	binary, err := checkout.Coastwise(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	envoy, err := checkout.Envoy()
	if err != nil {
		t.Fatal(err)
	}
	return Config{Coastwise: coastwise.Binary(binary), Envoy: envoy, Dir: t.TempDir()}
}

// result is what one side's measuring gave.
type result struct {
	got  string
	err  error
	took time.Duration
}

// TestEveryHonouredRow walks the honoured rows of docs/compatibility.md: each has an
// observation, and every observation is made on live Envoys, with and without the
// field. OBSERVE limits it to observations whose name contains the word.
func TestEveryHonouredRow(t *testing.T) {
	var chosen []Observation
	for _, o := range choose(t, All(), pageRows(t)) {
		if strings.Contains(o.Name, os.Getenv("OBSERVE")) {
			chosen = append(chosen, o)
		}
	}
	walk := newWalk(t, config(t), chosen)
	walk.measure()
	for _, o := range chosen {
		t.Run(o.Name, func(t *testing.T) {
			for i, side := range o.sides() {
				name := o.service(i == 0)
				r, want := walk.results[name], walk.sites[name].filled(side.Want)
				switch {
				case r.err != nil:
					t.Errorf("%s: %v", name, r.err)
				case r.got != want:
					t.Errorf("%s: %s, not %s (in %v)", name, r.got, want, r.took)
				}
			}
		})
	}
}

// walk is one run over observations.
type walk struct {
	t            *testing.T
	observations []Observation
	worlds       []*World
	sites        map[string]*Site
	mu           sync.Mutex
	results      map[string]result
}

// atOnceAtMost is how many sides are measured at the same time: most wait.
const atOnceAtMost = 12

func newWalk(t *testing.T, c Config, observations []Observation) *walk {
	t.Helper()
	w := &walk{t: t, observations: observations, sites: map[string]*Site{}, results: map[string]result{}}
	lab, err := NewLab()
	if lab != nil {
		t.Cleanup(lab.Close)
	}
	if err != nil {
		t.Fatal(err)
	}
	byMesh := map[string]*World{}
	for _, o := range observations {
		for i, side := range o.sides() {
			world := byMesh[side.Mesh]
			if world == nil {
				if world, err = newWorld(lab, c, len(w.worlds), side.Mesh); err != nil {
					t.Fatal(err)
				}
				byMesh[side.Mesh] = world
				w.worlds = append(w.worlds, world)
			}
			name := o.service(i == 0)
			if w.sites[name], err = world.add(name, side); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(w.showLogs)
	for _, world := range w.worlds {
		t.Cleanup(world.stop)
		if err := world.start(context.Background(), c); err != nil {
			t.Fatalf("the world with MeshConfig {%s}: %v", world.mesh, err)
		}
	}
	return w
}

// aging is how long the endpoints that came first have lived when others come.
const aging = 8 * time.Second

// measure measures all sides, those that have late endpoints last.
func (w *walk) measure() {
	started := time.Now()
	w.these(func(s *Site) bool { return s.Late == nil })
	if !slices.ContainsFunc(w.observations, func(o Observation) bool { return o.With.Late != nil }) {
		return
	}
	time.Sleep(time.Until(started.Add(aging)))
	for _, world := range w.worlds {
		if err := world.later(); err != nil {
			w.t.Fatal(err)
		}
	}
	w.these(func(s *Site) bool { return s.Late != nil })
}

func (w *walk) these(chosen func(*Site) bool) {
	var wg sync.WaitGroup
	turn := make(chan struct{}, atOnceAtMost)
	for _, o := range w.observations {
		for _, with := range []bool{true, false} {
			name := o.service(with)
			site := w.sites[name]
			if !chosen(site) {
				continue
			}
			turn <- struct{}{}
			wg.Go(func() {
				defer func() { <-turn }()
				began := time.Now()
				got, err := site.settled(o.Measure)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.results[name] = result{got, err, time.Since(began).Round(time.Millisecond)}
			})
		}
	}
	wg.Wait()
}

func (w *walk) showLogs() {
	if !w.t.Failed() {
		return
	}
	for _, world := range w.worlds {
		logs, _ := filepath.Glob(filepath.Join(world.logs, "*.log"))
		for _, path := range logs {
			content, _ := os.ReadFile(path)
			w.t.Logf("%s:\n%s", fmt.Sprint(world.number, " ", filepath.Base(path)), content[max(0, len(content)-3000):])
		}
	}
}
