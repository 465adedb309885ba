package snapshot

import (
	"cmp"
	"maps"
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Progress is how far a stream is with what it took last; see xds.Progress.
type Progress struct {
	Listens bool
	Behind  map[envoy.ResourceName]bool
	Refused map[envoy.ResourceName]string
}

// Observe says how to learn how far the stream is. The Hub calls progress with none
// of its locks held.
func (m *Member) Observe(progress func() Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.progress = progress
}

// Rollouts says for each object how far this replica's proxies are with what is made
// from it, and whether the newest Snapshot shows all that the store holds: false
// while something is marked, waits to settle, or is bulk work not done yet. It costs O(classes × services), and
// what the unsettled streams have not settled.
//
// The objects are rules, ServiceEntries, HTTPRoutes and GRPCRoutes whose parent is a
// Service, and the MeshConfig. A rule has a Rollout if
// it takes part in some policy of some service, by what it says or by its
// allowedRegions, though no proxy may have that policy; so have refused rules whose
// fence stands. A rule whose host nothing declares, or of which other rules leave
// nothing, has none. Of entries those have one that declare a service.
//
// A proxy counts for an object if it subscribes, by wildcard or by name, to a cluster
// or endpoints that the object is behind; for an HTTPRoute or GRPCRoute if it subscribes
// to all clusters and sees the service, or, as a waypoint, is the one of the service: its
// routes are what its listeners lead to, and without one that does it has all of them.
// A listener or routes count as far as they carry what the object says: refused routes of
// the HTTP proxy port are refused for every route, and every rule with a hash key or
// tunnel, in them. The MeshConfig is behind all clusters, since a policy does not tell
// every default that it took from there.
// Streams of one id are one proxy. Every Gateway of our classes has a Rollout: that of
// the proxies that run it.
func (h *Hub) Rollouts() (map[model.ObjectRef]model.Rollout, bool) {
	s := h.survey()
	out := map[model.ObjectRef]model.Rollout{}
	for _, e := range s.snap.Entries {
		for _, o := range e.made().all {
			out[o] = model.Rollout{}
		}
	}
	if s.mesh != (model.ObjectRef{}) {
		out[s.mesh] = model.Rollout{}
	}
	// A proxy that subscribes to all clusters is counted with its audience, and put
	// right where it is not settled.
	crowds := map[*audience]*crowd{}
	for id, streams := range s.proxies {
		if first := streams[0]; len(streams) == 1 && first.wild {
			if crowds[first.audience] == nil {
				crowds[first.audience] = &crowd{}
			}
			crowds[first.audience].join(out, id, first)
			continue
		}
		for o, v := range verdicts(streams) {
			out[o] = out[o].Join(v.rollout(id))
		}
	}
	for a, c := range crowds {
		for o := range a.held() {
			out[o] = out[o].Join(model.Rollout{Proxies: c.proxies, Programmed: c.proxies - c.unsure})
		}
	}
	s.gateways(out)
	return out, s.complete
}

// crowd is the proxies of one audience that subscribe to all clusters; of those that
// are unsure nothing is known.
type crowd struct{ proxies, unsure int }

func (c *crowd) join(out map[model.ObjectRef]model.Rollout, id string, s *stream) {
	c.proxies++
	unsettled, unsure := s.unsettled()
	if unsure {
		c.unsure++
		return
	}
	for o, v := range unsettled {
		r := v.rollout(id)
		r.Proxies, r.Programmed = 0, -1
		out[o] = out[o].Join(r)
	}
}

// verdict is how far one proxy is with one object.
type verdict struct {
	standing          standing
	resource, message string
}

// standing is ordered: the worst of several counts.
type standing uint8

const (
	programmed standing = iota
	behind
	refused
)

// worse is what two resources, or two streams, come to; of two refusals the first by
// name.
func (v verdict) worse(o verdict) verdict {
	by := cmp.Or(-cmp.Compare(v.standing, o.standing), cmp.Compare(v.resource, o.resource), cmp.Compare(v.message, o.message))
	if by <= 0 {
		return v
	}
	return o
}

func (v verdict) rollout(id string) model.Rollout {
	r := model.Rollout{Proxies: 1}
	switch v.standing {
	case programmed:
		r.Programmed = 1
	case refused:
		r.Refused, r.Proxy, r.Resource, r.Message = 1, id, v.resource, v.message
	}
	return r
}

// verdicts are those of one proxy, by every object that one of its streams holds
// something of.
func verdicts(streams []*stream) map[model.ObjectRef]verdict {
	out := map[model.ObjectRef]verdict{}
	for _, s := range streams {
		unsettled, unsure := s.unsettled()
		for o := range s.held() {
			v := unsettled[o]
			if unsure {
				v.standing = behind
			}
			out[o] = out[o].worse(v)
		}
	}
	return out
}

// stream is one Member as the survey found it.
type stream struct {
	member   *Member
	audience *audience
	wild     bool
	names    []string // subscribed to by name
}

// held are the objects behind what the stream subscribes to.
func (s *stream) held() map[model.ObjectRef]bool {
	if s.wild {
		return s.audience.held()
	}
	out := map[model.ObjectRef]bool{}
	for _, name := range s.names {
		meet(out, s.audience.ofCluster(name))
	}
	return out
}

// unsettled are the objects that the stream is behind with, or refused something of;
// unsure says that these may be any. The Member is asked before the stream: what the
// Member does not have any more the stream has taken. What waits to be taken counts
// first: what was refused may be another version by now.
func (s *stream) unsettled() (of map[model.ObjectRef]verdict, unsure bool) {
	waits, progress := s.member.waits()
	if waits.all || progress == nil {
		return nil, true
	}
	of = map[model.ObjectRef]verdict{}
	note := func(objects refs, v verdict) {
		for _, o := range objects {
			of[o] = of[o].worse(v)
		}
	}
	for name := range waits.names {
		note(s.audience.ofCluster(name), verdict{standing: behind})
	}
	if waits.scope {
		note(list(s.audience.shown()), verdict{standing: behind})
	}
	p := progress()
	for name := range p.Behind {
		note(s.audience.of(name), verdict{standing: behind})
	}
	for name, message := range p.Refused {
		if !waits.touches(name) {
			note(s.audience.of(name), verdict{refused, name.Name, message})
		}
	}
	return of, false
}

// waits is what the next Take would take, and how to ask the stream.
func (m *Member) waits() (pending, func() Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.pending
	p.names = maps.Clone(p.names)
	return p, m.progress
}

func (p *pending) touches(n envoy.ResourceName) bool {
	if n.TypeURL == envoy.ListenerType || n.TypeURL == envoy.RouteType {
		return p.scope
	}
	_, ok := p.names[n.Name]
	return ok
}

// survey is who looks at what of one Snapshot.
type survey struct {
	snap     *Snapshot
	mesh     model.ObjectRef
	complete bool
	proxies  map[string][]*stream // by id
	runners  map[*GatewayEntry]map[string][]*Member
}

// survey is made under the Hub's lock: whatever the Snapshot changed is with the
// Members by then, or taken by their streams.
func (h *Hub) survey() *survey {
	h.mu.Lock()
	defer h.mu.Unlock()
	// In this order: marks that are taken in between are told by taking.
	complete := !h.store.Marked()
	complete = complete && h.taking.Load() == 0 && len(h.emptying)+len(h.bulk.keys) == 0 && h.synced.Load()
	s := &survey{snap: h.snap.Load(), complete: complete, proxies: map[string][]*stream{}}
	if c := h.store.Mesh().Config; c != nil {
		s.mesh = model.ObjectRef{Kind: kindMeshConfig, Name: c.Name}
	}
	s.runners = h.runners(s.snap)
	audiences := map[audienceKey]*audience{}
	for m := range h.members {
		key := audienceKey{m.class.key.scope, m.class.key.labels}
		set := s.snap.Scopes[key.scope]
		if set == nil || !m.wild && len(m.watched) == 0 {
			continue
		}
		if audiences[key] == nil {
			audiences[key] = &audience{snap: s.snap, set: set, proxy: m.class.proxy, mesh: s.mesh}
		}
		found := &stream{member: m, audience: audiences[key], wild: m.wild}
		if !m.wild {
			found.names = slices.Collect(maps.Keys(m.watched))
		}
		s.proxies[m.claims.ID] = append(s.proxies[m.claims.ID], found)
	}
	return s
}

type audienceKey struct {
	scope  Scope
	labels string
}
