package xds

import (
	"time"

	"github.com/coastwise/coastwise/translate/envoy"
)

// order is what one type waits for of another; nothing else waits
// (reference/xds.md 4.2).
type order struct {
	// clusters are new to the client and not acknowledged; endpoints are those
	// whose endpoints are not.
	clusters, endpoints map[string]struct{}
	// until ends the wait of listeners and routes; zero if none waits.
	until time.Time
	// waited says that the wait of workloads for policies has ended in vain.
	waited bool
	// grace is until when a reconnected client's removals wait for it to ask for
	// its routes.
	grace time.Time
	// told is how many kept clusters have been reported.
	told int
	// shrinks says that a mass removal was reported, and has not ended.
	shrinks bool
}

// settled: nothing needs to wait for this cluster.
func (o *order) settled(name string) {
	delete(o.clusters, name)
	delete(o.endpoints, name)
}

// adding notes a cluster that is sent to a client which does not hold it. Of one
// that holds its endpoints itself there are none to wait for.
func (s *Stream) adding(sl *slot) {
	endpoints := s.source.Get(envoy.EndpointType, sl.name) != nil
	if !endpoints {
		delete(s.order.endpoints, sl.name)
	}
	if sl.held != "" {
		return
	}
	s.order.clusters[sl.name] = struct{}{}
	if endpoints {
		s.order.endpoints[sl.name] = struct{}{}
	}
}

// holdsBack says that listeners and routes wait for clusters that are new to
// this client, as far as it asked for clusters and endpoints, and not for long.
func (s *Stream) holdsBack() bool {
	o := &s.order
	if s.byName {
		return false
	}
	unsettled := s.clusters.asked && (len(o.clusters) > 0 || s.endpoints.asked && len(o.endpoints) > 0)
	due := s.listeners.asked && (s.listeners.has(urgent, normal, singly) || s.listeners.reply) ||
		s.routes.asked && s.routes.has(urgent, normal, singly)
	if !unsettled || !due {
		o.until = time.Time{}
		return false
	}
	if o.until.IsZero() {
		o.until = s.now.Add(s.limits.OrderWait)
	}
	if s.now.Before(o.until) {
		return true
	}
	clear(o.clusters) // waited long enough for these
	clear(o.endpoints)
	o.until = time.Time{}
	return false
}

// waits says that something gone must not be removed yet: clusters while a
// listener or route may name them, endpoints while the client has the cluster.
// What the client does not hold is no loss.
func (s *Stream) waits(t *typeState, sl *slot) bool {
	return sl.held != "" && !sl.answer && (t == s.clusters || t == s.endpoints)
}

// sendRemovals ends an update: what routes no longer name may go.
func (s *Stream) sendRemovals() {
	if s.clusters.has(removals) && s.mayRemoveClusters() {
		s.remove(s.clusters)
	}
	clustersGo := len(s.clusters.inflight) > 0 || s.clusters.has(removals)
	if s.endpoints.has(removals) && !clustersGo && len(s.endpoints.inflight) < s.limits.Window {
		s.remove(s.endpoints)
	}
}

// remove sends every removal that waits, if it is still one. Of clusters a
// response has no more than Removals: an Envoy closes all their connections before
// it does anything else (reference/xds.md 8). In a state of the world a response is
// all that stays, so that parts would cost the square of it: there it is whole.
func (s *Stream) remove(t *typeState) {
	if s.blocked(t) {
		return
	}
	most := s.limits.Removals
	if t != s.clusters || s.whole {
		most = len(t.slots)
	}
	if t == s.clusters {
		s.shrink()
	}
	var b batch
	for len(b.items) < most {
		sl := t.pop(removals)
		if sl == nil {
			break
		}
		it, v := s.judge(t, sl)
		if v == gone {
			b.add(it)
		} else {
			s.mark(t, sl, 0)
		}
	}
	if len(b.items) > 0 {
		s.send(t, b)
	}
}

// shrink reports, once, that the client is to lose more clusters than fit one
// response, and more than half of what it has.
func (s *Stream) shrink() {
	f := &s.clusters.waiting[removals]
	if len(f.items)-f.head <= s.limits.Removals {
		s.order.shrinks = false
		return
	}
	held, going := 0, 0
	for _, sl := range s.clusters.slots {
		held += one(sl.held != "")
		going += one(sl.queue == removals)
	}
	if !s.order.shrinks && going > s.limits.Removals && 2*going > held {
		s.order.shrinks = true
		s.result.Shrink = going
	}
}

// mayRemoveClusters: listeners and routes are in force as they should be, so
// none of them names a cluster that is gone.
func (s *Stream) mayRemoveClusters() bool {
	if len(s.clusters.inflight) > 0 || s.clusters.has(urgent, normal) {
		return false
	}
	if !s.routes.asked && s.now.Before(s.order.grace) {
		return false
	}
	stuck := 0
	for _, t := range []*typeState{s.listeners, s.routes} {
		if t.asked && !t.idle() {
			return false
		}
		stuck += len(t.stuck)
	}
	if stuck > 0 {
		s.keep()
		return false
	}
	s.order.told = 0
	return true
}

// keep reports the clusters that stay because a route or listener was refused.
func (s *Stream) keep() {
	f := &s.clusters.waiting[removals]
	if s.order.told == len(f.items)-f.head {
		return
	}
	s.order.told = len(f.items) - f.head
	for _, sl := range f.items[f.head:] {
		if sl.queue == removals && !sl.kept {
			sl.kept = true
			s.result.Kept = append(s.result.Kept, sl.name)
		}
	}
}

// nextTick is when something that waits now may go.
func (s *Stream) nextTick() time.Time {
	var next time.Time
	sooner := func(at time.Time) {
		if at.After(s.now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, t := range s.types {
		if t.asked && (t.reply || t.has(urgent, normal, singly, removals)) {
			sooner(t.pausedUntil)
		}
	}
	sooner(s.order.until)
	if s.clusters.has(removals) && !s.routes.asked {
		sooner(s.order.grace)
	}
	return next
}
