package xds

import (
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/workload"
)

// OfZtunnel makes it the stream of a ztunnel: of workloads, services and policies, and of
// nothing else (reference/ambient.md 6).
func (s *Stream) OfZtunnel() {
	s.policies = newTypeState(workload.AuthorizationType, true)
	s.addresses = newTypeState(workload.AddressType, true)
	s.types = []*typeState{s.policies, s.addresses}
}

// ofWorkloads says whether it is a type of OfZtunnel.
func (s *Stream) ofWorkloads(t *typeState) bool { return t == s.policies || t == s.addresses }

// flushWorkloads sends policies before what names them, since a policy that a ztunnel does
// not know is as none, and takes them away after.
func (s *Stream) flushWorkloads() {
	s.sendLarge(s.policies)
	if s.awaitsPolicies() {
		return
	}
	s.sendLarge(s.addresses)
	if s.policies.has(removals) && s.addresses.idle() {
		s.remove(s.policies)
	}
}

// awaitsPolicies: what may name a policy waits, not for long, for a client that has not
// asked for policies yet, or that is sent to less often.
func (s *Stream) awaitsPolicies() bool {
	o := &s.order
	due := s.addresses.asked && (s.addresses.reply || s.addresses.has(urgent, normal, singly))
	unsent := s.policies.has(urgent, normal, singly) || s.policies.outdated()
	if !s.policies.asked {
		unsent = len(s.source.Names(workload.AuthorizationType)) > 0
	}
	if !due || !unsent || o.waited {
		o.until, o.waited = time.Time{}, o.waited && unsent
		return false
	}
	if o.until.IsZero() {
		o.until = s.now.Add(s.limits.OrderWait)
	}
	if s.now.Before(o.until) {
		return true
	}
	o.until, o.waited = time.Time{}, true
	return false
}

// outdated says that something in flight differs by now, and cannot be sent again before
// it is answered.
func (t *typeState) outdated() bool {
	for _, f := range t.inflight {
		if slices.ContainsFunc(f.items, func(it item) bool { return it.slot.dirty && !it.slot.dead }) {
			return true
		}
	}
	return false
}

// sendLarge sends everything that is due of a type, in as few responses as may be: a
// ztunnel takes the first one for the whole mesh.
func (s *Stream) sendLarge(t *typeState) {
	if s.blocked(t) {
		return
	}
	for len(t.inflight) < s.limits.Window {
		b := s.fillLarge(t)
		if len(b.items) == 0 && !t.reply {
			return
		}
		s.send(t, b)
	}
}

// fillLarge takes what is due, as far as it fits a response.
func (s *Stream) fillLarge(t *typeState) batch {
	var b batch
	for sl := t.pop(urgent, normal, singly); sl != nil; sl = t.pop(urgent, normal, singly) {
		it, v := s.judge(t, sl)
		switch {
		case v == nothing:
			s.done(t, sl)
		case v == gone && t == s.policies && sl.held != "" && !sl.answer:
			t.push(sl, removals)
		case v == body && b.bodies > 0 && b.bytes+len(it.resource.Body) > s.limits.LargeBytes:
			t.push(sl, s.queueOf(t, sl))
			return b
		default:
			b.add(it)
		}
	}
	return b
}

// nackWorkloads: of a refused response a ztunnel applies all but what it names. If it
// names nothing that it was sent, all is taken as refused: each version once, so that
// nothing goes round in circles.
func (s *Stream) nackWorkloads(t *typeState, f *flight, message string) {
	named := words(message)
	culprits := slices.ContainsFunc(f.items, func(it item) bool { return named[it.slot.name] })
	if !culprits {
		s.slowDown(t, f)
	}
	for _, it := range f.items {
		switch {
		case it.slot.dead:
		case it.resource == nil:
			s.removed(t, it.slot)
		case named[it.slot.name] || !culprits:
			if it.slot.held == "" {
				it.slot.held = unsure // it may hold one of an earlier stream
			}
			s.refuse(t, it, message)
		default:
			s.accept(t, it)
		}
	}
	// It is ready when it has accepted something of each type.
	t.reply = t.reply || !t.accepted && len(f.items) > 0
}

// admitZtunnel wants a client that is to see the whole mesh to be a ztunnel, and to speak
// the one form of the protocol that ztunnels speak.
func (s *Server) admitZtunnel(w wire, proof *Verified, claims model.Proxy) (reason string, err error) {
	if claims.Kind != model.Ztunnel {
		return "", nil
	}
	if _, whole := w.(wholeWire); whole {
		return invalidNode, status.Errorf(codes.InvalidArgument, "node %q: a ztunnel is served by delta streams alone", claims.ID)
	}
	if proof != nil && (s.config.Ztunnel == nil || !s.config.Ztunnel(*proof)) {
		return notZtunnel, status.Errorf(codes.PermissionDenied,
			"node %q: the client is %s/%s, and no ztunnel (serve --ztunnel)", claims.ID, proof.Namespace, proof.ServiceAccount)
	}
	return "", nil
}
