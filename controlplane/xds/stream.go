package xds

import (
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
)

// Stream is the state of one ADS stream. It has no lock: one owner steps it.
type Stream struct {
	nonces  string // prefix: a nonce belongs to one stream
	seq     uint64 // of the newest response
	limits  Limits
	whole   bool // state of the world
	byName  bool // no wildcards: a gRPC client
	source  Source
	now     time.Time
	types   []*typeState // in the order of sending
	unknown map[string]bool

	clusters, endpoints, listeners, routes *typeState
	policies, addresses                    *typeState // nil but for a ztunnel
	// secrets say where the client keeps its certificate: they wait for nothing, and a
	// cluster or listener that names them waits for them in the client.
	secrets *typeState

	order  order
	result Result
}

// Event is what happened: a request, an update, or (neither) that time passed.
type Event struct {
	// Now is the time of the event; it never goes back.
	Now     time.Time
	Request *Request
	Update  *Update
}

// Request is what a client said about one type. The node is the server's part.
type Request struct {
	TypeURL     string
	Subscribe   []string
	Unsubscribe []string
	// Initial is initial_resource_versions; it counts in a type's first request only.
	Initial map[string]string
	// Names are all that the client wants now. They take the place of the three
	// above on a stream of the state of the world, which reads nothing else.
	Names []string
	// Version is version_info of a state of the world: in a type's first request it
	// says that the client holds something of an earlier stream.
	Version string
	Nonce   string
	// Refused says that error_detail is present; Message is its text.
	Refused bool
	Message string
}

// Response is what to send. Resources and Removed are sorted by name, and no
// name stands in it twice. In a state of the world nothing is Removed: of
// clusters and listeners Resources are the full set.
type Response struct {
	TypeURL string
	Nonce   string
	// Version is version_info; only a state of the world has one.
	Version   string
	Resources []*envoy.Resource
	Removed   []string
}

// Result is what follows from one Event.
type Result struct {
	Responses []Response
	// Refusals are the resources that the client has now refused for good: each
	// version once.
	Refusals []Refusal
	// Mended are secrets that the client had refused, and takes now.
	Mended []Refusal
	// Nacked is the type of a refused response, "" if none was.
	Nacked string
	// Converged says which changes have now been acknowledged.
	Converged []Converged
	// Kept are clusters that are gone, and that the client keeps because it
	// refused the listener or routes that no longer name them; each told once.
	Kept []string
	// Shrink is how many clusters the client is to lose, if that is a mass removal
	// which begins now; 0 else.
	Shrink int
	// Watch and Unwatch are names of clusters and endpoints whose subscription by
	// name began or ended; none while Wildcard.
	Watch, Unwatch []string
	// Wildcard says that the stream subscribes to all clusters.
	Wildcard bool
	// NextTick is when a Step is due if nothing else happens; zero if never.
	NextTick time.Time
	// Err closes the stream; it is a gRPC status.
	Err error
}

// Converged is a response that carried a change and was acknowledged.
type Converged struct {
	TypeURL string
	// Since is the oldest Update.Since in the response.
	Since time.Time
}

// NewStream starts a stream of a proxy that sees source. No two live streams of
// a process may have one id: it is the prefix of the nonces.
func NewStream(id string, source Source, limits Limits) *Stream {
	s := &Stream{
		nonces: id, limits: limits, source: source, unknown: map[string]bool{},
		clusters:  newTypeState(envoy.ClusterType, true),
		endpoints: newTypeState(envoy.EndpointType, false),
		listeners: newTypeState(envoy.ListenerType, true),
		routes:    newTypeState(envoy.RouteType, false),
		secrets:   newTypeState(envoy.SecretType, false),
		order:     order{clusters: map[string]struct{}{}, endpoints: map[string]struct{}{}},
	}
	s.types = []*typeState{s.secrets, s.clusters, s.endpoints, s.listeners, s.routes}
	return s
}

// NewWholeStream is NewStream for a client that speaks state of the world.
func NewWholeStream(id string, source Source, limits Limits) *Stream {
	s := NewStream(id, source, limits)
	s.whole = true
	return s
}

// ByName makes it the stream of a gRPC client: it never means a wildcard, also by an
// empty list, and walks listeners, routes, clusters and endpoints by name, none
// waiting for another (rule 11, reference/xds.md 4.2).
func (s *Stream) ByName() {
	s.byName = true
	for _, t := range s.types {
		t.mayWildcard = false
	}
}

// Step takes one event and says what follows. After an Err the stream is over.
func (s *Stream) Step(e Event) Result {
	s.result = Result{}
	s.now = e.Now
	switch {
	case e.Request != nil:
		s.request(e.Request)
	case e.Update != nil:
		s.update(e.Update)
	}
	if s.result.Err == nil {
		s.flush()
		s.result.NextTick = s.nextTick()
	}
	s.result.Wildcard = s.clusters.wildcard != noWildcard
	return s.result
}

func (s *Stream) typeOf(url string) *typeState {
	for _, t := range s.types {
		if t.url == url {
			return t
		}
	}
	return nil
}

// update marks what may differ; whether it does is judged when it is sent.
func (s *Stream) update(u *Update) {
	s.source = u.Source
	since := int64(0)
	if !u.Since.IsZero() {
		since = u.Since.UnixNano()
	}
	if u.All {
		for _, t := range s.types {
			s.markAll(t, since)
			s.fill(t, since)
		}
		return
	}
	for _, name := range sorted(u.Names) {
		if s.addresses != nil {
			s.markName(s.policies, name, since)
			s.markName(s.addresses, name, since)
			continue
		}
		s.markName(s.clusters, name, since)
		s.markName(s.endpoints, name, since)
		s.markName(s.secrets, name, since)
	}
	if u.Scope {
		s.scopeChanged(since)
	}
}

// scopeChanged marks clusters and endpoints that came or went, and every
// listener and route. It costs O(names), and asks the source for none of them.
func (s *Stream) scopeChanged(since int64) {
	names := s.source.Names(envoy.ClusterType)
	for _, t := range []*typeState{s.clusters, s.endpoints} {
		for _, sl := range t.sorted() {
			if contains(names, sl.name) != sl.exists {
				s.mark(t, sl, since)
			}
		}
	}
	s.fill(s.clusters, since)
	s.markAll(s.listeners, since)
	s.fill(s.listeners, since)
	s.markAll(s.routes, since)
}

// fill gives a slot to every name that a wildcard means.
func (s *Stream) fill(t *typeState, since int64) {
	if t.wildcard == noWildcard {
		return
	}
	for _, name := range s.source.Names(t.url) {
		if t.slots[name] == nil {
			s.mark(t, t.add(name), since)
		}
	}
}

func (s *Stream) markAll(t *typeState, since int64) {
	for _, sl := range t.sorted() {
		s.mark(t, sl, since)
	}
}

func (s *Stream) markName(t *typeState, name string, since int64) {
	sl := t.slots[name]
	if sl == nil {
		if t.wildcard == noWildcard {
			return
		}
		sl = t.add(name)
	}
	s.mark(t, sl, since)
}

// mark makes sure that a slot is looked at: now, or once its response in flight
// is answered.
func (s *Stream) mark(t *typeState, sl *slot, since int64) {
	sl.dirty = true
	if since != 0 && (sl.since == 0 || since < sl.since) {
		sl.since = since
	}
	if t == s.clusters && (sl.held == "" || sl.flying && sl.sent == nil) {
		s.order.clusters[sl.name] = struct{}{} // may turn out to be an added cluster
	}
	if !sl.flying {
		t.push(sl, s.queueOf(t, sl))
	}
}

func (s *Stream) queueOf(t *typeState, sl *slot) queue {
	switch {
	case sl.alone && t != s.endpoints: // of endpoints urgent ones travel alone anyway
		return singly
	case sl.forced:
		return urgent
	case sl.alone:
		return singly
	}
	return normal
}

// drop forgets a slot; a response in flight that carries it is answered in vain.
func (s *Stream) drop(t *typeState, sl *slot) {
	t.setStuck(sl, false)
	t.setGhost(sl, false)
	sl.dead = true
	sl.queue = nowhere
	delete(t.slots, sl.name)
	if s.whole && t.fullSet && len(t.inflight) > 0 && (sl.flying || sl.held != "") {
		t.left[sl.name] = true
	}
	switch t {
	case s.clusters:
		s.order.settled(sl.name)
	case s.endpoints:
		delete(s.order.endpoints, sl.name)
	}
}
