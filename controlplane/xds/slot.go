package xds

import (
	"maps"
	"slices"
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
)

// slot is what the stream knows of one name of one type.
type slot struct {
	name string
	// held is the version that the client accepted last, unsure if it may hold
	// several, "" if it holds none.
	held string
	// acked is the resource behind held; nil if its bytes are unknown to us.
	acked *envoy.Resource
	// sent is what went out last; nil for a removal.
	sent *envoy.Resource
	// refused is the last version that the client refused.
	refused *refusal
	// since is when the oldest change not sent yet was seen, in Unix nanoseconds.
	since int64
	queue queue

	named  bool // subscribed to by name
	dirty  bool // may differ from what was sent
	flying bool // a response that carries it is unanswered
	forced bool // to be sent even if held: its cluster or listener changed
	answer bool // to be sent even if held: the client asked
	alone  bool // a batch with it was refused: to be sent by itself, once
	again  bool // a batch with it was refused for the sake of others, and it was sent again
	told   bool // the client was told that it does not exist
	exists bool // it existed when last looked at
	owed   bool // of a cluster: sent, and its endpoints not yet since
	ghost  bool // counts as a name that does not exist
	stuck  bool // what should be sent is what was refused
	kept   bool // of a cluster: reported as kept
	dead   bool // no longer in its type's slots
}

// unsure is held after a refused batch that a client applies in parts.
const unsure = "?"

type refusal struct{ version, message string }

// flight is a response that is not answered yet.
type flight struct {
	seq   uint64
	nonce string
	since int64
	items []item
	// split says that it is part of a refused batch sent again: expected to be
	// refused once more, so it does not count against the client.
	split bool
}

// item is one resource of a flight; a nil resource is a removal. A fallback is
// the last accepted version, sent where a newer one was refused.
type item struct {
	slot     *slot
	resource *envoy.Resource
	fallback bool
}

// wildcard is how a stream subscribes to all of a type.
type wildcard uint8

const (
	noWildcard wildcard = iota
	// legacy: its first request named nothing.
	legacy
	// explicit: it asked for "*".
	explicit
)

// queue is where a slot waits to be judged; it is in one at most.
type queue uint8

const (
	nowhere queue = iota
	urgent
	normal
	singly
	removals
	queues
)

// typeState is one type of resource on one stream: an independent sub-protocol.
type typeState struct {
	url          string
	mayWildcard  bool
	fullSet      bool // in a state of the world each response is all that the client has
	asked        bool
	wildcard     wildcard
	reply        bool // a response is due even if it is empty
	accepted     bool // the client has accepted a response
	slots        map[string]*slot
	waiting      [queues]fifo
	inflight     map[string]*flight // by nonce
	answered     string             // nonce of the flight answered last
	listed       uint64             // in a state of the world: digest of the names of the last request
	back         bool               // in a state of the world: the client held a set when this stream began
	left         map[string]bool    // names that the set in flight has and the client left since: asked for again, it may hold them
	ghosts       int
	stuck        map[*slot]struct{} // nil until there is one
	bytes        uint64             // of all bodies sent
	streak       int                // refused responses in a row
	rounds       int                // pauses in a row
	pausedAt     uint64             // newest response when the last pause began
	pausedUntil  time.Time
	carefulUntil time.Time
}

// newTypeState: the types that a stream may subscribe to without names are those
// whose responses are full sets.
func newTypeState(url string, mayWildcard bool) *typeState {
	return &typeState{
		url: url, mayWildcard: mayWildcard, fullSet: mayWildcard,
		slots: map[string]*slot{}, inflight: map[string]*flight{}, left: map[string]bool{},
	}
}

func (t *typeState) add(name string) *slot {
	sl := &slot{name: name}
	t.slots[name] = sl
	return sl
}

// sorted is the slots by name.
func (t *typeState) sorted() []*slot {
	out := make([]*slot, 0, len(t.slots))
	for _, name := range slices.Sorted(maps.Keys(t.slots)) {
		out = append(out, t.slots[name])
	}
	return out
}

func (t *typeState) setStuck(sl *slot, on bool) {
	if sl.stuck == on {
		return
	}
	sl.stuck = on
	if !on {
		delete(t.stuck, sl)
		return
	}
	if t.stuck == nil {
		t.stuck = map[*slot]struct{}{}
	}
	t.stuck[sl] = struct{}{}
}

func (t *typeState) setGhost(sl *slot, on bool) {
	if sl.ghost != on {
		sl.ghost = on
		t.ghosts += one(on) - one(!on)
	}
}

// push puts a slot at the end of a queue, and takes it out of any other.
func (t *typeState) push(sl *slot, q queue) {
	if sl.queue == q {
		return
	}
	sl.queue = q
	f := &t.waiting[q]
	if len(f.items) > 2*len(t.slots)+16 {
		f.compact(q)
	}
	f.items = append(f.items, sl)
}

// pop takes the next slot out of the first of these queues that has one.
func (t *typeState) pop(from ...queue) *slot {
	for _, q := range from {
		f := &t.waiting[q]
		if f.live(q) {
			sl := f.items[f.head]
			f.head++
			sl.queue = nowhere
			return sl
		}
	}
	return nil
}

// has says whether something waits in one of these queues.
func (t *typeState) has(in ...queue) bool {
	for _, q := range in {
		if t.waiting[q].live(q) {
			return true
		}
	}
	return false
}

// idle says that nothing of the type is unsent or unanswered.
func (t *typeState) idle() bool {
	return len(t.inflight) == 0 && !t.has(urgent, normal, singly)
}

// fifo holds slots in order of arrival. One that has since moved to another
// queue is stale, and skipped.
type fifo struct {
	items []*slot
	head  int
}

func (f *fifo) live(q queue) bool {
	for f.head < len(f.items) && f.items[f.head].queue != q {
		f.head++
	}
	if f.head < len(f.items) {
		return true
	}
	f.items, f.head = nil, 0
	return false
}

// rest is what has not been taken out, stale ones among them.
func (f *fifo) rest() []*slot { return f.items[f.head:] }

// compact drops what is stale and what stands twice.
func (f *fifo) compact(q queue) {
	var kept []*slot
	for _, sl := range f.items[f.head:] {
		if sl.queue == q {
			sl.queue = nowhere
			kept = append(kept, sl)
		}
	}
	for _, sl := range kept {
		sl.queue = q
	}
	f.items, f.head = kept, 0
}

func sorted(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

func contains(sortedNames []string, name string) bool {
	_, ok := slices.BinarySearch(sortedNames, name)
	return ok
}
