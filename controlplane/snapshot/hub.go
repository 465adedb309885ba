package snapshot

import (
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/workload"
)

// Hub owns the newest Snapshot and the index of who looks at what.
type Hub struct {
	store   *store.Store
	log     *slog.Logger
	metrics *Metrics
	floor   time.Duration
	slice   time.Duration // of bulk work in one publish, at least
	lingers time.Duration
	build   builder
	// wakeAll ignores the index and wakes everybody: the oracle of the tests.
	wakeAll bool

	snap   atomic.Pointer[Snapshot]
	synced atomic.Bool
	taking atomic.Int32 // publishes that have taken marks, maybe, and not published them
	beat   atomic.Int64 // when the loop last moved, in Unix nanoseconds; 0 before Run

	mu       sync.Mutex // the one writer
	classes  map[classKey]*class
	scopes   map[Scope]*scopeState
	watchers map[string]map[*Member]struct{}
	members  map[*Member]struct{}
	byPod    map[ingest.PodName]map[*Member]struct{}
	orphans  map[model.Key][]model.Problem         // of keys without a service
	nobodys  map[model.GatewayName][]model.Problem // of Gateways that nobody serves
	refused  map[refusedKey]Refusal
	emptying map[model.Key]time.Time
	dead     map[*class]struct{} // left by their last stream, still in memos
	bulk     bulk

	mesh      workload.Mesh
	ztunnels  map[*Ztunnel]struct{}
	workloads *workloadIndex // nil until a ztunnel has joined
	said      *edit          // what services have said to ztunnels in the publish that goes on
}

// New makes a Hub over a store. floor is the least time between two publishes.
func New(st *store.Store, floor time.Duration, log *slog.Logger) *Hub {
	h := &Hub{
		store: st, log: log, floor: floor, slice: slice, build: translate.Build, metrics: newMetrics(),
		classes: map[classKey]*class{}, scopes: map[Scope]*scopeState{},
		watchers: map[string]map[*Member]struct{}{}, members: map[*Member]struct{}{},
		byPod:   map[ingest.PodName]map[*Member]struct{}{},
		orphans: map[model.Key][]model.Problem{}, nobodys: map[model.GatewayName][]model.Problem{}, refused: map[refusedKey]Refusal{},
		emptying: map[model.Key]time.Time{}, dead: map[*class]struct{}{},
		bulk: bulk{more: make(chan struct{}, 1)},
		mesh: workload.Mesh{Cluster: DefaultCluster}, ztunnels: map[*Ztunnel]struct{}{},
	}
	h.snap.Store(&Snapshot{Entries: map[model.Key]*Entry{}, Scopes: map[Scope]*ScopeSet{}, domain: st.TrustDomain()})
	return h
}

// DefaultCluster is the id of the cluster where nobody says one: Istio's.
const DefaultCluster = "Kubernetes"

// Name says what all workloads have in common. It must be called before a ztunnel joins.
func (h *Hub) Name(m workload.Mesh) { h.mesh = m }

// Snapshot is the newest one.
func (h *Hub) Snapshot() *Snapshot { return h.snap.Load() }

// Synced says whether the first publish has happened; before it nobody is served.
func (h *Hub) Synced() bool { return h.synced.Load() }

// Join gives a stream its place. The claims are checked against the Pods and
// Nodes that are known, and again whenever these change (semantics 1.2).
func (h *Hub) Join(claims model.Proxy) (*Member, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := &Member{hub: h, claims: claims, wake: make(chan struct{}, 1), watched: map[string]struct{}{}}
	if claims.HTTPProxyPort != 0 {
		l, err := validated(envoy.Listener(envoy.Listen{Bind: claims.Bind, Port: claims.HTTPProxyPort, Connect: envoy.Connects(claims)}))
		if err != nil {
			return nil, fmt.Errorf("HTTP proxy port of %s: %w", claims.ID, err)
		}
		m.listener = &l
	}
	if err := h.enter(m, h.identify(m)); err != nil {
		return nil, err
	}
	h.members[m] = struct{}{}
	pod := podOf(claims.ID)
	if h.byPod[pod] == nil {
		h.byPod[pod] = map[*Member]struct{}{}
	}
	h.byPod[pod][m] = struct{}{}
	m.mark(nil, true, true, time.Time{})
	return m, nil
}

// enter puts a member into the class of p, making class and scope if it is the
// first there. The scope's set is built from the entries of the newest snapshot.
func (h *Hub) enter(m *Member, p identity) error {
	key := p.classKey()
	scope := h.scopes[key.scope]
	if scope == nil {
		old := h.snap.Load()
		set, err := buildScope(key.scope, sortedEntries(old.Entries))
		if err != nil {
			return err
		}
		next := *old
		next.Rev++
		next.Changed = nil
		next.Scopes = maps.Clone(old.Scopes)
		next.Scopes[key.scope] = set
		h.snap.Store(&next)
		scope = &scopeState{scope: key.scope, classes: map[*class]struct{}{}}
		h.scopes[key.scope] = scope
	}
	c := h.classes[key]
	if c == nil {
		c = &class{key: key, proxy: p.proxy, scope: scope, streams: map[*Member]struct{}{}, wild: map[*Member]struct{}{}}
		c.proxy.ID, c.proxy.Verified = "", false
		h.classes[key] = c
		scope.classes[c] = struct{}{}
	}
	c.streams[m] = struct{}{}
	m.mu.Lock()
	m.class, m.proxy = c, p.proxy
	m.mu.Unlock()
	h.index(m)
	return nil
}

// leaveClass is the inverse of enter.
func (h *Hub) leaveClass(m *Member) {
	c := m.class
	delete(c.wild, m)
	if delete(c.streams, m); len(c.streams) > 0 {
		return
	}
	delete(h.classes, c.key)
	delete(c.scope.classes, c)
	h.dead[c] = struct{}{}
	if len(c.scope.classes) > 0 {
		return
	}
	delete(h.scopes, c.key.scope)
	snap := h.snap.Load()
	next := *snap
	next.Scopes = maps.Clone(snap.Scopes)
	delete(next.Scopes, c.key.scope)
	h.snap.Store(&next)
}

// index puts a member where publish looks for it.
func (h *Hub) index(m *Member) {
	if m.wild {
		m.class.wild[m] = struct{}{}
	} else {
		delete(m.class.wild, m)
	}
}

func (h *Hub) watch(name string, m *Member) {
	if h.watchers[name] == nil {
		h.watchers[name] = map[*Member]struct{}{}
	}
	h.watchers[name][m] = struct{}{}
}

func (h *Hub) unwatch(name string, m *Member) {
	delete(h.watchers[name], m)
	if len(h.watchers[name]) == 0 {
		delete(h.watchers, name)
	}
}

// sweep drops the variants that only dead classes used. One pass serves all
// that left since the last, so a mass disconnect costs no more than one.
func (h *Hub) sweep() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.dead) == 0 {
		return
	}
	for _, e := range h.snap.Load().Entries {
		e.drop(h.dead)
	}
	h.dead = map[*class]struct{}{}
}

func (h *Hub) forget(m *Member) {
	delete(h.members, m)
	pod := podOf(m.claims.ID)
	delete(h.byPod[pod], m)
	if len(h.byPod[pod]) == 0 {
		delete(h.byPod, pod)
	}
	h.forgiveProxy(m.claims.ID)
}
