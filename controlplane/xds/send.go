package xds

import (
	"slices"
	"strconv"
	"strings"
)

// flush sends what may be sent now, in the order that makes before it breaks
// (reference/xds.md 4.2): clusters, their endpoints, listeners, routes, and
// then what goes.
func (s *Stream) flush() {
	if s.addresses != nil {
		s.flushWorkloads()
		return
	}
	s.sendWhole(s.secrets)
	s.sendWhole(s.clusters)
	s.sendEndpoints()
	if !s.holdsBack() {
		s.sendWhole(s.listeners)
		s.sendWhole(s.routes)
	}
	s.sendRemovals()
}

// batch becomes one response.
type batch struct {
	items  []item
	bodies int
	bytes  int
}

func (b *batch) add(it item) {
	b.items = append(b.items, it)
	if it.resource != nil {
		b.bodies++
		b.bytes += len(it.resource.Body)
	}
}

// blocked: nothing is to be sent of the type now.
func (s *Stream) blocked(t *typeState) bool {
	return !t.asked || s.now.Before(t.pausedUntil)
}

// sendWhole sends everything that is due of clusters, listeners or routes in one
// response, with one response in flight. What must travel alone comes last.
func (s *Stream) sendWhole(t *typeState) {
	if s.blocked(t) || len(t.inflight) > 0 {
		return
	}
	var b batch
	for sl := t.pop(urgent, normal); sl != nil; sl = t.pop(urgent, normal) {
		s.gather(t, sl, &b)
	}
	for len(b.items) == 0 {
		sl := t.pop(singly)
		if sl == nil {
			break
		}
		s.gather(t, sl, &b)
	}
	if len(b.items) > 0 || t.reply {
		s.send(t, b)
	}
}

// gather adds a slot to the batch if it needs sending. What a client holds and
// is gone waits for its turn.
func (s *Stream) gather(t *typeState, sl *slot, b *batch) {
	it, v := s.judge(t, sl)
	switch {
	case v == nothing:
		s.done(t, sl)
	case v == gone && s.waits(t, sl):
		t.push(sl, removals)
	default:
		b.add(it)
	}
}

// sendEndpoints fills the window. A cluster that warms must not share a
// response with a stranger: its endpoints travel alone (reference/envoy.md R5).
func (s *Stream) sendEndpoints() {
	t := s.endpoints
	if s.blocked(t) {
		return
	}
	var b batch
	for {
		room := s.limits.Window - len(t.inflight)
		if len(b.items) > 0 {
			room-- // taken by the batch
		}
		if room < 0 || room == 0 && len(b.items) == 0 {
			break
		}
		sl := t.pop(urgent, normal, singly)
		if sl == nil {
			break
		}
		it, v := s.judge(t, sl)
		switch {
		case v == nothing:
			s.done(t, sl)
			continue
		case v == gone && s.waits(t, sl):
			t.push(sl, removals)
			continue
		case v == body && s.lonely(sl):
			if room > 0 {
				s.send(t, batch{items: []item{it}, bodies: 1, bytes: len(it.resource.Body)})
				continue
			}
		case v == gone || s.fits(b, it):
			b.add(it)
			continue
		case room > 0:
			s.send(t, b)
			b = batch{}
			b.add(it)
			continue
		}
		t.push(sl, s.queueOf(t, sl)) // the window is full
		break
	}
	if len(b.items) > 0 {
		s.send(t, b)
	}
}

// lonely says that endpoints must not share a response: their cluster may be
// warming, or this client lately refused some.
func (s *Stream) lonely(sl *slot) bool {
	return sl.alone || sl.forced || sl.answer || sl.held == "" || sl.held == unsure ||
		s.now.Before(s.endpoints.carefulUntil)
}

func (s *Stream) fits(b batch, it item) bool {
	return b.bodies < s.limits.Batch && (b.bodies == 0 || b.bytes+len(it.resource.Body) <= s.limits.BatchBytes)
}

func (s *Stream) nonce() string {
	s.seq++
	return s.nonces + strconv.FormatUint(s.seq, 10)
}

// send turns a batch into a response and remembers what rides on its nonce.
func (s *Stream) send(t *typeState, b batch) {
	slices.SortFunc(b.items, func(a, c item) int { return strings.Compare(a.slot.name, c.slot.name) })
	r := Response{TypeURL: t.url, Nonce: s.nonce()}
	f := &flight{seq: s.seq, nonce: r.Nonce, items: b.items, split: b.bodies > 0}
	for _, it := range b.items {
		sl := it.slot
		f.split = f.split && sl.alone
		if sl.since != 0 && (f.since == 0 || sl.since < f.since) {
			f.since = sl.since
		}
		s.behind(t, it)
		sl.since, sl.flying, sl.answer, sl.forced, sl.kept = 0, true, false, false, false
		sl.sent, sl.told = it.resource, it.resource == nil
		if it.resource == nil {
			r.Removed = append(r.Removed, sl.name)
		} else {
			r.Resources = append(r.Resources, it.resource)
		}
	}
	if s.whole {
		s.world(t, &r)
	}
	t.reply = false
	for _, res := range r.Resources {
		t.bytes += uint64(len(res.Body))
	}
	t.inflight[r.Nonce] = f
	s.result.Responses = append(s.result.Responses, r)
}

// behind forces what must follow a resource: a changed cluster waits for
// endpoints and a changed listener for routes, even if these are equal, and the
// client does not ask for them again (rule 19).
func (s *Stream) behind(t *typeState, it item) {
	name := it.slot.name
	switch {
	case t == s.clusters && it.resource == nil:
		it.slot.owed = false
		s.order.settled(name)
	case t == s.clusters:
		it.slot.owed = true
		s.adding(it.slot)
		if sl := s.endpoints.slots[name]; sl != nil {
			s.force(s.endpoints, sl)
		}
	case t == s.endpoints:
		if cluster := s.clusters.slots[name]; cluster != nil {
			cluster.owed = false
		}
	case t == s.listeners && it.resource != nil && it.slot.held != "":
		for _, sl := range s.routes.sorted() {
			s.force(s.routes, sl)
		}
	}
}

func (s *Stream) force(t *typeState, sl *slot) {
	sl.forced = true
	if !sl.flying {
		t.push(sl, s.queueOf(t, sl))
	}
}
