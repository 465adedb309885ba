package snapshot

import (
	"sync"
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// class is all proxies for which every Select is equal: one scope, place, node,
// network and set of labels. The proxy in it has no id, and stands for them all.
type class struct {
	key   classKey
	proxy model.Proxy
	scope *scopeState
	// streams are all of the class; wild are those that subscribe to every cluster.
	streams map[*Member]struct{}
	wild    map[*Member]struct{}
}

type classKey struct {
	scope    Scope
	locality model.Locality
	node     string
	network  string
	labels   string
	hbone    bool
}

// scopeState is a live Scope: one that some stream has.
type scopeState struct {
	scope   Scope
	classes map[*class]struct{}
}

// Member is one stream's place in the index. Its methods may be called from the
// stream's own goroutine while the Hub marks it from another.
type Member struct {
	hub    *Hub
	claims model.Proxy
	wake   chan struct{}
	told   []model.Problem // of its claims; guarded by the hub's lock

	// All below is guarded by mu; class and proxy are written under the hub's lock too.
	mu       sync.Mutex
	class    *class
	proxy    model.Proxy
	listener *envoy.Resource
	pending  pending
	wild     bool
	watched  map[string]struct{}
	progress func() Progress // nil until Observe
	secrets  secrets
}

// pending is what may have changed since the last Take: a set, so it is bounded
// by what the proxy can see and not by how slow it is.
type pending struct {
	names map[string]struct{}
	scope bool
	all   bool
	since time.Time
}

// Update is what a stream is told: the newest view and where to look.
type Update struct {
	View *View
	// Names are those of clusters and endpoints that may differ; unsorted.
	Names []string
	// Scope says that the set of names, the listener or the routes may differ.
	Scope bool
	// All says that everything may.
	All bool
	// Since is when the oldest event behind the update was seen; zero if none.
	Since time.Time
}

// Wake is filled when Take has something new. It is one deep.
func (m *Member) Wake() <-chan struct{} { return m.wake }

// Take drains what is pending and returns it with the newest view. The view is
// loaded after draining: what is marked later belongs to a later Take.
func (m *Member) Take() Update {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.pending
	m.pending = pending{}
	u := Update{Scope: p.scope, All: p.all, Since: p.since}
	for name := range p.names {
		u.Names = append(u.Names, name)
	}
	snap := m.hub.snap.Load()
	u.View = &View{snap: snap, class: m.class, set: snap.Scopes[m.class.key.scope], listener: m.listener, listen: m.listen(), certificate: m.claims.Certificate, internal: m.claims.Internal, attempts: m.secrets.attempts}
	return u
}

// Proxy is who the stream is, after its claims were checked.
func (m *Member) Proxy() model.Proxy {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.proxy
}

// mark notes what may have changed and wakes the stream.
func (m *Member) mark(names []string, scope, all bool, since time.Time) {
	m.mu.Lock()
	m.pending.add(names)
	m.pending.scope = m.pending.scope || scope
	m.pending.all = m.pending.all || all
	if m.pending.since.IsZero() || since.Before(m.pending.since) {
		m.pending.since = since
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// look makes the next Take say what to look at: what was not watched before may
// have changed unnoticed. The stream takes by itself, so that nobody is woken.
func (m *Member) look(names []string, all bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending.add(names)
	m.pending.all = m.pending.all || all
}

func (p *pending) add(names []string) {
	if p.names == nil {
		p.names = make(map[string]struct{}, len(names))
	}
	for _, name := range names {
		p.names[name] = struct{}{}
	}
}

// WatchAll subscribes to every cluster in the scope, or ends that. The stream must
// take anew.
func (m *Member) WatchAll(on bool) {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	m.wild = on
	m.look(nil, true)
	m.hub.index(m)
}

// Watch subscribes to clusters or endpoints by name. The stream must take anew.
func (m *Member) Watch(names []string) {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	m.look(names, false)
	for _, name := range names {
		m.watched[name] = struct{}{}
		m.hub.watch(name, m)
	}
}

// Unwatch ends subscriptions by name.
func (m *Member) Unwatch(names []string) {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	for _, name := range names {
		delete(m.watched, name)
		m.hub.unwatch(name, m)
	}
}

// Leave takes the stream out of the index; its class and scope go with their
// last stream.
func (m *Member) Leave() {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	m.forgetSecrets()
	for name := range m.watched {
		m.hub.unwatch(name, m)
	}
	m.hub.forget(m)
	m.hub.leaveClass(m)
}
