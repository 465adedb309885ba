package snapshot

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// retakes is how often a publish takes in what was marked while it was built.
const retakes = 3

// publish rebuilds the dirty services, publishes one new Snapshot and marks the
// members for whom something differs. now decides which changes may still wait.
// What is marked meanwhile joins in, so that a reload is published once even if
// it lands in the middle. Of bulk work it does a slice, and leaves the rest.
func (h *Hub) publish(d store.Dirty, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.snap.Load()
	next := old.successor()
	touched := map[model.Key]bool{}
	h.beginWorkloads()
	d = h.whole(d)
	h.rebuildAll(d.Keys, old, next, touched, now)
	for range retakes {
		more := h.whole(h.store.Take())
		if more.Empty() {
			break
		}
		h.rebuildAll(more.Keys, old, next, touched, now)
		d = d.Join(more)
	}
	d.Since = h.rebuildBulk(d, old, next, touched, now)
	rest := time.Now()
	h.refront(old, next, touched)
	h.linger(old, next, touched, now)
	changed := h.regateway(d.Gateways, old, next)
	next.Changed = slices.SortedFunc(maps.Keys(touched), model.Key.Compare)
	marks := marks{}
	shaped := h.compareAll(marks, old, next)
	scopes := h.rescope(marks, next, old, shaped)
	maps.Copy(scopes, changed)
	workloads := h.endWorkloads(d, next)
	if d.Mesh {
		maps.Copy(scopes, h.reopen(old, next))
	}
	h.snap.Store(next)
	h.metrics.published(next, d.Since)
	h.wake(marks, scopes, d.Since)
	h.wakeZtunnels(workloads, d.Since)
	h.reidentify(d)
	h.synced.Store(true)
	h.bulk.after(time.Since(rest))
}

// successor is the next Snapshot before anything in it is changed.
func (s *Snapshot) successor() *Snapshot {
	return &Snapshot{
		Rev: s.Rev + 1, Entries: maps.Clone(s.Entries), Scopes: s.Scopes, Gateways: s.Gateways, Workloads: s.Workloads,
		domain: s.domain, registryOnly: s.registryOnly,
	}
}

// rebuildAll puts the newest form of the keys into next, and notes which differ
// from old. A key that waits keeps its former form.
func (h *Hub) rebuildAll(keys []model.Key, old, next *Snapshot, touched map[model.Key]bool, now time.Time) {
	for _, key := range keys {
		was := old.Entries[key]
		is, problems := h.rebuild(key, was)
		if h.waits(key, was, is, now) {
			is = was
		} else {
			h.setOrphans(key, is, problems)
		}
		if is == nil {
			delete(next.Entries, key)
		} else {
			next.Entries[key] = is
		}
		if is != was {
			touched[key] = true
		} else {
			delete(touched, key)
		}
	}
}

// marks are the names that differ, by member.
type marks map[*Member][]string

// add marks a cluster, and that of its tunnels, which only HBONE waypoints have.
func (ms marks) add(m *Member, name string) {
	ms[m] = append(ms[m], name)
	if m.class.proxy.HBONE {
		ms[m] = append(ms[m], envoy.TunnelOf(name))
	}
}

// wake tells the members, after the snapshot that they will see is in place.
func (h *Hub) wake(ms marks, scopes map[*scopeState]bool, since time.Time) {
	if h.wakeAll {
		for m := range h.members {
			m.mark(nil, true, true, since)
		}
		return
	}
	for m, names := range ms {
		m.mark(names, false, false, since)
	}
	for scope := range scopes {
		for c := range scope.classes {
			for m := range c.streams {
				m.mark(nil, true, false, since)
			}
		}
	}
}

// rebuild makes the entry of a key anew. Where that fails the former entry
// stays, minus what the fences of now forbid.
func (h *Hub) rebuild(key model.Key, was *Entry) (*Entry, []model.Problem) {
	objects := h.store.Objects(key)
	service, problems, err := ingestSafely(objects)
	if err == nil && h.workloads != nil {
		h.workloads.service(key, service, objects, h.said)
	}
	if err == nil && service == nil {
		return nil, problems
	}
	if err == nil {
		is := newEntry(service, problems, h.build)
		is.fronts = frontsOf(was)
		if err = h.prebuild(is); err == nil {
			return is, problems
		}
	}
	h.metrics.buildFailed.Inc()
	h.log.Error("a service could not be built; its last form stays", "service", key.Host, "err", err)
	failed := model.Problem{
		Object: objects.Ref(),
		Field:  "spec", Severity: model.Error, Reason: model.BuildFailed,
		Message: fmt.Sprintf("it could not be built, its last form stays: %v", err),
	}
	if was == nil {
		return nil, append(problems, failed)
	}
	held := newEntry(ingest.Fenced(was.Service, objects), append(problems, failed), h.build)
	held.fronts = was.fronts
	return held, held.Problems
}

// prebuild encodes what every class that sees the entry will ask for, and tries the
// routes, of which one bad one would take the whole table of a scope with it.
func (h *Hub) prebuild(e *Entry) error {
	if err := e.checkRoutes(); err != nil {
		return err
	}
	for c := range h.seers(e) {
		for _, subset := range append([]string{""}, c.subsetsOf(e.Service)...) {
			for _, port := range e.Ports {
				if enc := e.encode(c, port.Number, subset); enc.err != nil {
					return enc.err
				}
			}
		}
	}
	return nil
}

// seers yields the classes with a stream that subscribes to the service.
func (h *Hub) seers(s *Entry) func(func(*class) bool) {
	return func(yield func(*class) bool) {
		for _, scope := range h.scopes {
			if !scope.scope.sees(s) {
				continue
			}
			for c := range scope.classes {
				if (len(c.wild) > 0 || h.watches(c, s.Service)) && !yield(c) {
					return
				}
			}
		}
	}
}

// watches says whether a class has a stream that names a cluster of s.
func (h *Hub) watches(c *class, s *model.Service) bool {
	for _, subset := range append([]string{""}, s.AllSubsets()...) {
		for _, port := range s.Ports {
			for m := range h.watchers[envoy.ClusterName(port.Number, subset, s.Host)] {
				if m.class == c {
					return true
				}
			}
		}
	}
	return false
}

// compareAll marks what differs of the services of next.Changed, and returns those whose
// shape does.
func (h *Hub) compareAll(ms marks, old, next *Snapshot) (shaped []model.Key) {
	for _, key := range next.Changed {
		was, is := old.Entries[key], next.Entries[key]
		if !sameShape(was, is) {
			shaped = append(shaped, key)
		}
		h.compare(ms, key, was, is)
		h.logNew(was, is)
	}
	return shaped
}

// compare marks the names of one service that differ for each member that
// subscribes to them.
func (h *Hub) compare(ms marks, key model.Key, was, is *Entry) {
	for _, at := range clustersOf(was, is) {
		name := envoy.ClusterName(at.port, at.subset, key.Host)
		changed := map[*class]bool{}
		differs := func(c *class) bool {
			d, known := changed[c]
			if !known {
				d = h.differs(c, at, was, is)
				changed[c] = d
				if d {
					h.forgive(name)
				}
			}
			return d
		}
		for _, scope := range h.scopes {
			if !scope.seesEither(was, is) {
				continue
			}
			for c := range scope.classes {
				if len(c.wild) == 0 || !differs(c) {
					continue
				}
				for m := range c.wild {
					ms.add(m, name)
				}
			}
		}
		for m := range h.watchers[name] {
			if !m.wild && differs(m.class) {
				ms.add(m, name)
			}
		}
		for m := range h.watchers[envoy.TunnelOf(name)] {
			if !m.wild && differs(m.class) {
				ms.add(m, name)
			}
		}
	}
}

// differs compares what a class was given with what it would be given now.
func (h *Hub) differs(c *class, at clusterAt, was, is *Entry) bool {
	had, has := c.has(was, at), c.has(is, at)
	if at.subset != "" && !had && !has {
		return false // it is some other class's
	}
	if !had || !has || c.key.scope.sees(was) != c.key.scope.sees(is) {
		return true
	}
	before := was.held(c, at.port, at.subset)
	if before == nil || before.err != nil {
		return true
	}
	after := is.encode(c, at.port, at.subset)
	return after.err != nil || before.built.Cluster.Version != after.built.Cluster.Version ||
		before.built.Endpoints.Version != after.built.Endpoints.Version ||
		before.built.Tunnel.Version != after.built.Tunnel.Version ||
		before.built.TunnelEndpoints.Version != after.built.TunnelEndpoints.Version
}

// rescope rebuilds the sets of the scopes that see a service whose shape
// changed. A set that cannot be built stays as it was.
func (h *Hub) rescope(ms marks, next, old *Snapshot, shaped []model.Key) map[*scopeState]bool {
	changed := map[*scopeState]bool{}
	for _, scope := range h.scopes {
		for _, key := range shaped {
			if scope.seesEither(old.Entries[key], next.Entries[key]) {
				changed[scope] = true
				break
			}
		}
	}
	if len(changed) == 0 {
		return changed
	}
	h.forgiveRoutes(old, next, shaped)
	next.Scopes = maps.Clone(old.Scopes)
	sorted := sortedEntries(next.Entries)
	for scope := range changed {
		set, err := buildScope(scope.scope, sorted)
		if err != nil {
			h.metrics.buildFailed.Inc()
			h.log.Error("a scope's routes could not be built; the last ones stay", "scope", scope.scope, "err", err)
			continue
		}
		h.forgiveListeners(old.Scopes[scope.scope], set)
		next.Scopes[scope.scope] = set
		h.handOver(ms, scope, old, next)
	}
	return changed
}

func (s *scopeState) seesEither(was, is *Entry) bool {
	return was != nil && s.scope.sees(was) || is != nil && s.scope.sees(is)
}

// has says whether a class has a cluster of an entry, which may be nil.
func (c *class) has(e *Entry, at clusterAt) bool {
	if e == nil {
		return false
	}
	_, ok := e.Port(at.port)
	return ok && e.HasSubset(c.proxy, at.subset)
}

func (c *class) subsetsOf(s *model.Service) []string {
	return s.SubsetsOf(c.proxy.Kind, c.proxy.Namespace, func(sel model.Selector) bool { return sel.Matches(c.proxy.Labels) })
}

// clusterAt is one cluster of a service.
type clusterAt struct {
	port   uint32
	subset string
}

// clustersOf are all of some entries, which may be nil.
func clustersOf(entries ...*Entry) []clusterAt {
	var out []clusterAt
	for _, e := range entries {
		if e == nil {
			continue
		}
		for _, subset := range append([]string{""}, e.AllSubsets()...) {
			for _, p := range e.Ports {
				out = append(out, clusterAt{p.Number, subset})
			}
		}
	}
	slices.SortFunc(out, func(a, b clusterAt) int {
		return cmp.Or(cmp.Compare(a.port, b.port), strings.Compare(a.subset, b.subset))
	})
	return slices.Compact(out)
}

// ingestSafely fails where ingest panics.
func ingestSafely(o ingest.Objects) (s *model.Service, ps []model.Problem, err error) {
	err = contained(func() error {
		s, ps = ingest.Service(o)
		return nil
	})
	return s, ps, err
}
