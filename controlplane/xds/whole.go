package xds

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"io"
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
)

// current says whether a request of the state of the world counts: its first,
// one before it has seen any response, an answer, or one after its last answer.
// Of others nothing is read; the client says it all again when it answers what
// is in flight (rules 2, 3).
func (t *typeState) current(nonce string) bool {
	return !t.asked || nonce == "" || nonce == t.answered || t.inflight[nonce] != nil
}

// changes is a request whose list of names is turned into what it adds and what
// it takes away. A list without any name is the legacy wildcard as long as there
// never was another, and then the end of all subscriptions (rule 10).
func (t *typeState) changes(r *Request) *Request {
	out := &Request{TypeURL: r.TypeURL, Nonce: r.Nonce}
	listed := digest(r.Names)
	if listed == t.listed {
		return out
	}
	t.listed = listed
	wants := make(map[string]bool, len(r.Names))
	for _, name := range r.Names {
		sl := t.slots[name]
		star := name == all && t.mayWildcard
		if !wants[name] && (star && t.wildcard != explicit || !star && (sl == nil || !sl.named)) {
			out.Subscribe = append(out.Subscribe, name)
		}
		wants[name] = true
	}
	if t.wildcard != noWildcard && !wants[all] {
		out.Unsubscribe = append(out.Unsubscribe, all)
	}
	for _, sl := range t.sorted() {
		if sl.named && !wants[sl.name] {
			out.Unsubscribe = append(out.Unsubscribe, sl.name)
		}
	}
	return out
}

// seed is of this process only, so that nobody can make two lists look equal.
var seed = maphash.MakeSeed()

// digest stands for a list of names, which every answer repeats; 0 is the empty
// list. It saves keeping the list.
func digest(names []string) uint64 {
	if len(names) == 0 {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(seed)
	for _, name := range names {
		_, _ = h.WriteString(name) // neither of these fails
		_ = h.WriteByte(0)
	}
	return max(h.Sum64(), 1)
}

// resubscribes says whether a request changes what the stream subscribes to.
func (s *Stream) resubscribes(r *Request) bool {
	if !s.whole {
		return len(r.Subscribe)+len(r.Unsubscribe)+len(r.Initial) > 0
	}
	t := s.typeOf(r.TypeURL)
	return t != nil && (!t.asked || digest(r.Names) != t.listed)
}

// skipped ends what was sent before a flight that is answered now: a request of
// the state of the world takes the place of older ones, and Envoy says one word
// to all that came while a type was paused.
func (s *Stream) skipped(t *typeState, f *flight) {
	if len(t.inflight) == 1 {
		return
	}
	var older []*flight
	for _, g := range t.inflight {
		if g.seq < f.seq {
			older = append(older, g)
		}
	}
	slices.SortFunc(older, func(a, b *flight) int { return cmp.Compare(a.seq, b.seq) })
	for _, g := range older {
		s.conclude(t, g, &Request{})
	}
}

// world makes a response that holds what is due into one of the state of the
// world. Removals are told by absence, and of clusters and listeners the rest of
// the set is added: what else the client holds, as it accepted it. Where it
// refused a version, and where one that is suspect waits for its turn, that is
// the last accepted one, or none (reference/xds.md 4.1).
func (s *Stream) world(t *typeState, r *Response) {
	r.Removed = nil
	if t.fullSet {
		due := r.Resources
		r.Resources = nil
		for _, sl := range t.sorted() {
			switch {
			case sl.flying && sl.sent != nil:
				r.Resources, due = append(r.Resources, due[0]), due[1:]
			case !sl.flying && sl.acked != nil:
				r.Resources = append(r.Resources, sl.acked)
				s.rest(t, sl)
			case !sl.flying:
				s.rest(t, sl)
			}
		}
	}
	r.Version = worldVersion(t, r.Resources)
}

// rest is what a full set does to a resource that is not due: where the client
// might have had several versions it has one now.
func (s *Stream) rest(t *typeState, sl *slot) {
	if sl.held != unsure {
		return
	}
	if sl.acked == nil {
		sl.held = ""
		return
	}
	s.behind(t, item{slot: sl, resource: sl.acked})
	sl.held = sl.acked.Version
}

// worldVersion is version_info: of one endpoint assignment or route table its
// own version, else a hash of all names and versions. It is the same for equal
// resources on all streams and replicas (rule 23).
func worldVersion(t *typeState, resources []*envoy.Resource) string {
	if !t.fullSet && len(resources) == 1 {
		return resources[0].Version
	}
	h := sha256.New()
	for _, res := range resources {
		for _, text := range []string{res.Name, res.Version} {
			_, _ = io.WriteString(h, text+"\n") // a hash does not fail; names and versions have no line breaks
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
