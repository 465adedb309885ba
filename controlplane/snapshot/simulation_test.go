package snapshot

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/worldtest"
)

// The simulation: random objects come and go while proxies of two namespaces and
// two scopes connect, read slowly, refuse, cut their streams and meet a restarted
// server. Its law: every proxy ends with exactly what a from-scratch translation
// of the admitted objects and fences gives, less what it refused, and nothing it
// was sent on the way was anything but that translation at some revision.
func TestEveryProxyEndsWithAFreshTranslation(t *testing.T) {
	seldom(t, 30, func(t *rapid.T) {
		s := newSimulation(t)
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			s.step()
			s.checkRollouts(false)
		}
		s.settle()
		s.check()
		s.checkRollouts(true)
	})
}

type simulation struct {
	t       *rapid.T
	now     time.Time
	world   worldtest.World
	store   *store.Store
	give    func([]store.Change) // of the API server, whose lone changes come in slices, or of files
	hub     *Hub
	clients []*client
	streams int
	failing string            // the host of a service that cannot be built, "" for none
	oracles map[uint64]*truth // by revision, of the running server
}

// truth is what the world was at a revision.
type truth struct {
	world worldtest.World
	held  map[model.Key]bool // keys whose newest form is not published
	hub   *Hub
}

func newSimulation(t *rapid.T) *simulation {
	s := &simulation{t: t, now: time.Unix(1_000_000, 0), world: worldtest.Draw(t)}
	s.restart()
	for i := range rapid.IntRange(1, 4).Draw(t, "clients") {
		s.clients = append(s.clients, &client{claims: worldtest.DrawProxy(t, fmt.Sprint("c", i))})
		s.connect(s.clients[i])
	}
	return s
}

// restart is a new process on the same objects; every stream is cut.
func (s *simulation) restart() {
	s.store = store.New()
	s.hub = New(s.store, 0, slog.New(slog.NewTextHandler(io.Discard, nil)))
	s.hub.wakeAll = rapid.IntRange(0, 3).Draw(s.t, "wake all") == 0
	s.hub.build = s.build
	s.hub.slice = 0 // one service in each publish
	s.give = s.store.Apply
	if rapid.Bool().Draw(s.t, "API server") {
		s.give = s.store.ApplyAPI
	}
	s.oracles = map[uint64]*truth{}
	s.give(changes(s.world.Events()))
	s.publish()
	for _, c := range s.clients {
		c.member = nil
		s.connect(c)
	}
}

func (s *simulation) build(service *model.Service, v model.Variant) (translate.Built, error) {
	if service.Host == s.failing {
		return translate.Built{}, errors.New("fail point")
	}
	return translate.Build(service, v)
}

// publish publishes, and notes what the world was for the revision.
func (s *simulation) publish() {
	before := s.hub.Snapshot()
	s.hub.bulk.rest = 0 // which hangs on the clock
	s.hub.Publish(s.now)
	snap := s.hub.Snapshot()
	world := worldtest.World{Objects: maps.Clone(s.world.Objects), Fences: maps.Clone(s.world.Fences)}
	held := map[model.Key]bool{}
	for key := range s.hub.emptying {
		held[key] = true
	}
	for _, key := range s.hub.bulk.keys {
		held[key] = true
	}
	for key, e := range snap.Entries {
		if slices.ContainsFunc(e.Problems, func(p model.Problem) bool { return p.Reason == model.BuildFailed }) {
			held[key] = true
		}
	}
	for key, problems := range s.hub.orphans {
		if slices.ContainsFunc(problems, func(p model.Problem) bool { return p.Reason == model.BuildFailed }) {
			held[key] = true
		}
	}
	if before != snap || s.oracles[snap.Rev] == nil {
		s.oracles[snap.Rev] = &truth{world: world, held: held}
	}
}

func (s *simulation) step() {
	s.now = s.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 30, 3000}).Draw(s.t, "ms")) * time.Millisecond)
	c := s.clients[rapid.IntRange(0, len(s.clients)-1).Draw(s.t, "client")]
	switch rapid.SampledFrom([]string{"event", "event", "event", "slice", "read", "read", "read", "wake", "cut", "mood", "fault", "restart"}).Draw(s.t, "step") {
	case "event":
		for range rapid.IntRange(1, 3).Draw(s.t, "events") {
			e := worldtest.DrawEvent(s.t)
			s.world.Apply(e)
			s.give([]store.Change{{Ref: e.Ref, Object: e.Object, Fence: e.Fence}})
		}
		s.publish()
	case "slice":
		s.publish()
	case "read":
		s.read(c)
	case "wake":
		s.wake(c)
	case "cut":
		s.cut(c)
		s.connect(c)
	case "mood":
		c.refuses = rapid.SampledFrom([]string{"", "", cluster80("s1.a"), cluster80("s2.b")}).Draw(s.t, "refuses")
	case "fault":
		s.failing = rapid.SampledFrom([]string{"", "s1.a.svc.cluster.local"}).Draw(s.t, "failing")
	case "restart":
		s.failing = ""
		s.restart()
	}
}

// settle ends all faults and lets everybody read until nothing is left to read.
func (s *simulation) settle() {
	s.failing = ""
	for key := range s.hub.Snapshot().Entries { // a rebuild that failed is tried again at the next change
		s.hub.emptying[key] = s.now
	}
	for key := range s.hub.orphans {
		s.hub.emptying[key] = s.now
	}
	s.now = s.now.Add(settle)
	for again := true; again; again = s.hub.unfinished() {
		s.publish()
	}
	for _, c := range s.clients {
		c.refuses = ""
	}
	for quiet := 0; quiet < 3; quiet++ {
		for _, c := range s.clients {
			s.wake(c)
			for len(c.inbox) > 0 {
				s.read(c)
				quiet = 0
			}
		}
		s.now = s.now.Add(3 * time.Second)
	}
}

// check holds every proxy against the from-scratch translation.
func (s *simulation) check() {
	fresh := freshHub(s.world)
	for _, c := range s.clients {
		m, err := fresh.Join(c.claims)
		if err != nil {
			s.t.Fatal(err)
		}
		view := m.Take().View
		want := map[string]string{}
		for _, name := range view.Names(envoy.ClusterType) {
			cluster := view.Get(envoy.ClusterType, name)
			if !c.refused[cluster.Version] || c.held[resourceID{envoy.ClusterType, name}] != "" {
				want[envoy.ClusterType+" "+name] = cluster.Version
			}
			// of a cluster that it never took, or took only in a form without, it asks for no endpoints
			asks := !c.refused[cluster.Version] || c.names[resourceID{envoy.EndpointType, name}]
			if r := view.Get(envoy.EndpointType, name); r != nil && asks {
				want[envoy.EndpointType+" "+name] = r.Version
			}
		}
		wantListeners(want, view)
		wantSecrets(want, view)
		got := map[string]string{}
		for key, version := range c.held {
			got[key.typeURL+" "+key.name] = version
		}
		for name, version := range want {
			if got[name] != version && !c.refused[version] {
				s.t.Errorf("%s: %s: has %q, a fresh translation gives %q", c.claims.ID, name, got[name], version)
			}
		}
		for name := range got {
			if want[name] == "" {
				s.t.Errorf("%s: still has %s", c.claims.ID, name)
			}
		}
	}
}

func freshHub(w worldtest.World) *Hub {
	st := store.New()
	h := New(st, 0, slog.New(slog.NewTextHandler(io.Discard, nil)))
	st.Apply(changes(w.Events()))
	h.Publish(time.Time{})
	return h
}

func cluster80(service string) string { return envoy.ClusterName(80, "", service+".svc.cluster.local") }
