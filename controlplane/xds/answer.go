package xds

import (
	"slices"
	"strings"
	"time"
)

// settle applies the ACK or NACK that a request is. Any other nonce than one in
// flight answers nothing.
func (s *Stream) settle(t *typeState, r *Request) {
	f := t.inflight[r.Nonce]
	if f == nil {
		return
	}
	if s.whole {
		s.skipped(t, f)
	}
	s.conclude(t, f, r)
}

// conclude ends a flight that is answered.
func (s *Stream) conclude(t *typeState, f *flight, r *Request) {
	delete(t.inflight, f.nonce)
	t.answered = f.nonce
	clear(t.left)
	for _, it := range f.items {
		it.slot.flying = false
	}
	if r.Refused {
		s.nack(t, f, r.Message)
	} else {
		s.ack(t, f)
	}
	for _, it := range f.items {
		sl := it.slot
		if !sl.dead && (sl.dirty || sl.answer || sl.forced || sl.alone) {
			t.push(sl, s.queueOf(t, sl))
		}
	}
}

func (s *Stream) ack(t *typeState, f *flight) {
	t.streak, t.rounds, t.pausedUntil, t.accepted = 0, 0, time.Time{}, true
	for _, it := range f.items {
		if !it.slot.dead {
			s.accept(t, it)
		}
	}
	if f.since != 0 {
		s.result.Converged = append(s.result.Converged, Converged{TypeURL: t.url, Since: time.Unix(0, f.since)})
	}
}

func (s *Stream) accept(t *typeState, it item) {
	sl := it.slot
	if it.resource == nil {
		s.removed(t, sl)
		return
	}
	sl.held, sl.acked, sl.alone, sl.again = it.resource.Version, it.resource, false, false
	if !it.fallback {
		if t == s.secrets && sl.refused != nil {
			s.result.Mended = append(s.result.Mended, Refusal{TypeURL: t.url, Name: sl.name, Version: it.resource.Version})
		}
		sl.refused = nil
		t.setStuck(sl, false)
	}
	if t == s.clusters {
		delete(s.order.clusters, sl.name)
	}
	if t == s.endpoints && !sl.forced {
		delete(s.order.endpoints, sl.name)
	}
}

// removed: the client no longer holds it. A refused removal counts too, since
// nothing more can be done about it.
func (s *Stream) removed(t *typeState, sl *slot) {
	sl.held, sl.acked = "", nil
	if !sl.named && !sl.dirty && !sl.answer {
		s.drop(t, sl)
	}
}

// nack: a single resource is refused for good. Of a batch those are that the
// message names; the others are sent again at once: together, once, if the
// message named the culprits among clusters or listeners, which the client
// applies one by one; else, or if that is refused too, each alone, once.
func (s *Stream) nack(t *typeState, f *flight, message string) {
	s.result.Nacked = t.url
	if s.ofWorkloads(t) {
		s.nackWorkloads(t, f, message)
		return
	}
	t.carefulUntil = s.now.Add(s.limits.Careful)
	s.slowDown(t, f)
	bodies := 0
	for _, it := range f.items {
		if it.resource != nil {
			bodies++
		}
	}
	named := map[string]bool{}
	if bodies > 1 {
		named = words(message)
	}
	culprits := slices.ContainsFunc(f.items, func(it item) bool { return it.resource != nil && named[it.slot.name] })
	for _, it := range f.items {
		sl := it.slot
		switch {
		case sl.dead:
		case it.resource == nil:
			s.removed(t, sl)
		case bodies == 1 || named[sl.name]:
			s.refuse(t, it, message)
		case t == s.endpoints:
			sl.alone = true
		default:
			sl.held = unsure // it may be in force
			sl.alone, sl.again = !culprits || sl.again, true
			sl.dirty = true
		}
	}
}

func (s *Stream) refuse(t *typeState, it item, message string) {
	sl := it.slot
	sl.alone, sl.again = false, false
	sl.dirty = true // a newer version may be there
	if t.back && sl.held == "" {
		sl.held = unsure // an older one, of an earlier stream, may be in force
	}
	if it.fallback {
		sl.acked = nil // what it accepted once it no longer does
	} else {
		sl.refused = &refusal{version: it.resource.Version, message: shorten(message)}
	}
	if t == s.clusters {
		s.order.settled(sl.name)
	}
	if t == s.endpoints {
		delete(s.order.endpoints, sl.name)
	}
	s.result.Refusals = append(s.result.Refusals, Refusal{
		TypeURL: t.url, Name: sl.name, Version: it.resource.Version, Message: shorten(message),
	})
}

// slowDown pauses a type whose client refuses one response after the other. A
// new round begins with the first refusal of what was sent after the last pause.
func (s *Stream) slowDown(t *typeState, f *flight) {
	if f.split {
		return
	}
	t.streak++
	if t.streak <= s.limits.Streak || t.rounds > 0 && f.seq <= t.pausedAt {
		return
	}
	pause := s.limits.MaxPause
	if t.rounds < 16 {
		pause = min(pause, s.limits.Pause<<t.rounds)
	}
	t.rounds++
	t.pausedAt = s.seq
	t.pausedUntil = s.now.Add(pause)
}

// maxMessage bounds what is read and kept of a client's message.
const maxMessage = 64 << 10

// words are the tokens of a message in which a resource may be named. Envoy
// writes "Error adding/updating cluster(s) NAME: why, NAME: why".
func words(message string) map[string]bool {
	out := map[string]bool{}
	cut := func(r rune) bool { return strings.ContainsRune(" \t\r\n,;'\"`()[]", r) }
	for _, w := range strings.FieldsFunc(message[:min(len(message), maxMessage)], cut) {
		out[w] = true
		out[strings.TrimRight(w, ".:")] = true
	}
	return out
}

func shorten(message string) string {
	const most = 2 << 10
	if len(message) > most {
		return strings.ToValidUTF8(message[:most], "") + "…"
	}
	return message
}
