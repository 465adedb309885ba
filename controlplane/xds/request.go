package xds

import (
	"maps"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const all = "*"

// request applies an answer first, then the change of subscriptions: the change
// counts whatever the nonce (rule 4).
func (s *Stream) request(r *Request) {
	if len(r.TypeURL) > s.limits.NameBytes { // those of unknown types are remembered
		s.result.Err = status.Errorf(codes.InvalidArgument, "a type_url is longer than %d bytes", s.limits.NameBytes)
		return
	}
	t := s.typeOf(r.TypeURL)
	if t == nil {
		s.strange(r.TypeURL)
		return
	}
	if s.result.Err = s.admit(r); s.result.Err != nil {
		return
	}
	if s.whole && !t.current(r.Nonce) {
		return
	}
	s.settle(t, r)
	first := !t.asked
	was := t.wildcard
	if first {
		s.open(t, r)
	}
	if s.whole {
		r = t.changes(r)
	}
	touched := s.rename(t, r)
	if first && s.ofWorkloads(t) {
		t.reply = true // also where it begins with nothing, as one on demand does
	}
	if t.wildcard != noWildcard && (was == noWildcard || slices.Contains(r.Subscribe, all)) {
		t.reply = true // answered even if empty (rule 18)
		s.fill(t, 0)
	}
	if first {
		s.resume(t, r)
	}
	s.countMissing(t, touched)
	s.watch(t, was, touched)
}

// maxUnknownTypes bounds what a client makes us remember.
const maxUnknownTypes = 64

// strange answers a type that is not served: once, and with nothing; in a state
// of the world, where that would be a response like any other, not at all.
func (s *Stream) strange(url string) {
	if url == "" {
		s.result.Err = status.Error(codes.InvalidArgument, "a request on an aggregated stream must have a type_url")
		return
	}
	if s.whole || s.unknown[url] || len(s.unknown) == maxUnknownTypes {
		return
	}
	s.unknown[url] = true
	s.result.Responses = append(s.result.Responses, Response{TypeURL: url, Nonce: s.nonce()})
}

// admit refuses names and versions that are too long.
func (s *Stream) admit(r *Request) error {
	long := func(name string) bool { return len(name) > s.limits.NameBytes }
	bad := slices.ContainsFunc(r.Subscribe, long) || slices.ContainsFunc(r.Unsubscribe, long) ||
		slices.ContainsFunc(r.Names, long)
	for name, version := range r.Initial {
		bad = bad || long(name) || long(version)
	}
	if bad {
		return status.Errorf(codes.InvalidArgument, "%s: a resource name or version is longer than %d bytes", r.TypeURL, s.limits.NameBytes)
	}
	return nil
}

// open is the first request of a type: without any name it is the legacy
// wildcard, for types that have one (rules 10, 11). A client that comes back is
// answered in a state of the world even if nothing of what it names exists.
func (s *Stream) open(t *typeState, r *Request) {
	t.asked = true
	if t.mayWildcard && len(r.Subscribe)+len(r.Names) == 0 {
		t.wildcard = legacy
	}
	if s.whole && t.fullSet && r.Version != "" {
		t.reply, t.back = true, true // of what it holds all may be gone, and only a set says so
	}
	if t == s.clusters && len(r.Initial) > 0 {
		s.order.grace = s.now.Add(s.limits.OrderWait)
	}
}

// rename applies subscribe, then unsubscribe, and returns the names that it touched.
func (s *Stream) rename(t *typeState, r *Request) []string {
	var touched []string
	for _, name := range r.Subscribe {
		switch {
		case name == "":
		case name == all && t.mayWildcard:
			t.wildcard = explicit
		default:
			s.subscribe(t, name)
			touched = append(touched, name)
		}
	}
	for _, name := range r.Unsubscribe {
		if name == all && t.mayWildcard {
			s.endWildcard(t)
		} else if s.unsubscribe(t, name) {
			touched = append(touched, name)
		}
	}
	return touched
}

// subscribe answers every name asked for, held or not; asking again lifts a
// refusal (rules 12, 13).
func (s *Stream) subscribe(t *typeState, name string) {
	sl := t.slots[name]
	if sl == nil {
		sl = t.add(name)
		if t.left[name] {
			sl.held = unsure
		}
	}
	sl.named, sl.answer, sl.told = true, true, false
	sl.refused = nil
	t.setStuck(sl, false)
	if t == s.endpoints {
		cluster := s.clusters.slots[name]
		sl.forced = sl.forced || cluster != nil && cluster.owed
	}
	s.mark(t, sl, 0)
}

// unsubscribe says whether the name was subscribed to. Under a wildcard the
// resource stays in the set, and the client is told so (rule 15); one that does
// not exist counts as missing until the client has heard, since its slot stays.
func (s *Stream) unsubscribe(t *typeState, name string) bool {
	sl := t.slots[name]
	if sl == nil || !sl.named {
		return false
	}
	sl.named = false
	if t.wildcard == noWildcard {
		s.drop(t, sl)
		return true
	}
	if s.whole { // the set stays as it is
		if sl.held == "" && !sl.flying && s.source.Get(t.url, name) == nil {
			s.drop(t, sl)
		}
		return true
	}
	sl.answer = true
	s.mark(t, sl, 0)
	return true
}

func (s *Stream) endWildcard(t *typeState) {
	t.wildcard, t.reply = noWildcard, false
	for _, sl := range t.sorted() {
		if !sl.named {
			s.drop(t, sl)
		}
	}
}

// resume applies what a reconnected client holds: equal versions are not sent,
// gone names are removed (rule 17). A client that asks for endpoints before
// clusters has a cluster that warms, and may wait for any of them: it is sent
// all, equal or not.
func (s *Stream) resume(t *typeState, r *Request) {
	warms := t == s.endpoints && !s.clusters.asked
	for _, name := range slices.Sorted(maps.Keys(r.Initial)) {
		sl := t.slots[name]
		if sl == nil {
			if t.wildcard == noWildcard || name == "" || name == all {
				continue
			}
			sl = t.add(name)
			s.mark(t, sl, 0)
		}
		sl.held = r.Initial[name]
		if sl.held == "" {
			sl.held = unsure
		}
		sl.answer = warms
		if t == s.clusters {
			s.order.settled(name)
		}
	}
}

// countMissing refuses a client that subscribes to too many names that do not
// exist. What it held before, or what existed once, does not count.
func (s *Stream) countMissing(t *typeState, touched []string) {
	for _, name := range touched {
		sl := t.slots[name]
		if sl == nil || !sl.named || sl.held != "" || sl.exists || sl.ghost {
			continue
		}
		if s.source.Get(t.url, name) == nil {
			t.setGhost(sl, true)
		}
	}
	if t.ghosts > s.limits.Missing {
		s.result.Err = status.Errorf(codes.ResourceExhausted,
			"%s: more than %d of the subscribed names do not exist", t.url, s.limits.Missing)
	}
}

// watch reports which names to follow, for a stream without wildcard on clusters.
func (s *Stream) watch(t *typeState, was wildcard, touched []string) {
	if t != s.clusters && t != s.endpoints || s.clusters.wildcard != noWildcard {
		return
	}
	if t == s.clusters && was != noWildcard { // the wildcard has just ended: all names count again
		for _, u := range []*typeState{s.clusters, s.endpoints} {
			for _, sl := range u.sorted() {
				touched = append(touched, sl.name)
			}
		}
	}
	for _, name := range sorted(touched) {
		if s.follows(s.clusters, name) || s.follows(s.endpoints, name) {
			s.result.Watch = append(s.result.Watch, name)
		} else {
			s.result.Unwatch = append(s.result.Unwatch, name)
		}
	}
}

func (s *Stream) follows(t *typeState, name string) bool {
	sl := t.slots[name]
	return sl != nil && sl.named
}
