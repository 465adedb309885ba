package xds

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// testHub gives every member the same world, as one class of proxies has.
type testHub struct {
	mu      sync.Mutex
	world   *world
	members map[*testMember]bool
	// onTake is called in every Take; it may be nil.
	onTake func(*testMember)
}

func newTestHub(w *world) *testHub {
	return &testHub{world: w, members: map[*testMember]bool{}}
}

func (h *testHub) Join(claims model.Proxy) (Member, error) {
	if claims.ID == "default/nowhere" {
		return nil, errors.New("no place for it")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m := &testMember{hub: h, claims: claims, wake: make(chan struct{}, 1), pending: Update{All: true}}
	h.members[m] = true
	return m, nil
}

// publish edits a copy of the world and wakes everybody.
func (h *testHub) publish(edit func(*world)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := h.world.clone()
	edit(next)
	h.world = next
	for m := range h.members {
		m.pending.All = true
		m.pending.Since = time.Now()
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
}

func (h *testHub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.members)
}

type testMember struct {
	hub     *testHub
	claims  model.Proxy
	wake    chan struct{}
	pending Update
	watched []string
	all     bool
	// progress is as it was given.
	progress func() Progress
}

type explosive struct{ *world }

func (e explosive) Get(url, name string) *envoy.Resource {
	if name == "boom" {
		panic("boom")
	}
	return e.world.Get(url, name)
}

func (m *testMember) Wake() <-chan struct{} { return m.wake }

func (m *testMember) Take() Update {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	u := m.pending
	m.pending = Update{}
	u.Source = explosive{m.hub.world}
	if m.hub.onTake != nil {
		m.hub.onTake(m)
	}
	return u
}

func (m *testMember) Watch(names []string) {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	m.watched = append(m.watched, names...)
}

func (m *testMember) Unwatch(names []string) {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	m.watched = slices.DeleteFunc(m.watched, func(n string) bool { return slices.Contains(names, n) })
}

func (m *testMember) WatchAll(on bool) {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	m.all = on
}

func (m *testMember) Observe(progress func() Progress) {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	m.progress = progress
}

func (m *testMember) Proxy() model.Proxy { return m.claims }

func (m *testMember) Leave() {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	delete(m.hub.members, m)
}
