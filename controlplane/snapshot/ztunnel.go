package snapshot

import (
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/workload"
)

// Ztunnel is the place of a ztunnel's stream: it sees all of the mesh, and every change
// of it.
type Ztunnel struct {
	hub   *Hub
	proxy model.Proxy
	wake  chan struct{}

	mu      sync.Mutex
	pending pending
}

// WorkloadUpdate is what a ztunnel's stream is told: the newest table and where to look.
type WorkloadUpdate struct {
	Table *Workloads
	// Names are those of any type that may differ; unsorted.
	Names []string
	// All says that everything may.
	All bool
	// Since is when the oldest event behind the update was seen; zero if none.
	Since time.Time
}

// JoinZtunnel gives a ztunnel's stream its place. The first one makes the table: until
// then workloads cost nothing.
func (h *Hub) JoinZtunnel(claims model.Proxy) *Ztunnel {
	h.mu.Lock()
	defer h.mu.Unlock()
	z := &Ztunnel{hub: h, wake: make(chan struct{}, 1)}
	z.proxy, _ = translate.Client(claims, h.store.Nodes(), h.store.Pod(podOf(claims.ID)))
	if h.workloads == nil {
		h.workloads = newWorkloadIndex(h.store, h.mesh, h.log)
		h.workloads.everything()
		next := *h.snap.Load()
		next.Rev++
		next.Changed = nil
		next.Workloads = h.workloads.flush(nil).table()
		h.snap.Store(&next)
	}
	h.ztunnels[z] = struct{}{}
	z.mark(nil, true, time.Time{})
	return z
}

// Wake is filled when Take has something new. It is one deep.
func (z *Ztunnel) Wake() <-chan struct{} { return z.wake }

// Take drains what is pending and returns it with the newest table, which is loaded
// after draining.
func (z *Ztunnel) Take() WorkloadUpdate {
	z.mu.Lock()
	defer z.mu.Unlock()
	p := z.pending
	z.pending = pending{}
	u := WorkloadUpdate{All: p.all, Since: p.since}
	for name := range p.names {
		u.Names = append(u.Names, name)
	}
	u.Table = z.hub.snap.Load().Workloads
	return u
}

// Proxy is who the stream is.
func (z *Ztunnel) Proxy() model.Proxy { return z.proxy }

// Leave ends it.
func (z *Ztunnel) Leave() {
	z.hub.mu.Lock()
	defer z.hub.mu.Unlock()
	delete(z.hub.ztunnels, z)
	for other := range z.hub.ztunnels {
		if other.proxy.ID == z.proxy.ID {
			return
		}
	}
	maps.DeleteFunc(z.hub.refused, func(_ refusedKey, r Refusal) bool { return r.ProxyID == z.proxy.ID })
}

func (z *Ztunnel) mark(names map[string]struct{}, all bool, since time.Time) {
	z.mu.Lock()
	if z.pending.names == nil {
		z.pending.names = make(map[string]struct{}, len(names))
	}
	for name := range names {
		z.pending.names[name] = struct{}{}
	}
	z.pending.all = z.pending.all || all
	if z.pending.since.IsZero() || since.Before(z.pending.since) {
		z.pending.since = since
	}
	z.mu.Unlock()
	select {
	case z.wake <- struct{}{}:
	default:
	}
}

// beginWorkloads begins what a publish tells ztunnels: services say theirs while they are
// built.
func (h *Hub) beginWorkloads() {
	if h.workloads != nil {
		h.said = newEdit(h.workloads.table)
	}
}

// endWorkloads gives the snapshot its table, and returns the names that differ in it.
func (h *Hub) endWorkloads(d store.Dirty, next *Snapshot) map[string]struct{} {
	if h.workloads == nil {
		return nil
	}
	h.workloads.mark(d)
	e := h.workloads.flush(h.said)
	h.said = nil
	next.Workloads = e.table()
	for name := range e.names {
		delete(h.refused, refusedKey{typeURL: workload.AddressType, name: name})
		delete(h.refused, refusedKey{typeURL: workload.AuthorizationType, name: name})
	}
	return e.names
}

func (h *Hub) wakeZtunnels(names map[string]struct{}, since time.Time) {
	if len(names) == 0 {
		return
	}
	for z := range h.ztunnels {
		z.mark(names, false, since)
	}
}

// ztunnelProblems are those that ztunnels alone have, once there were any: of pods whose
// label names no waypoint for them, of waypoints without an address, and of virtual IPs
// that several services have.
func (h *Hub) ztunnelProblems() []model.Problem {
	if h.workloads == nil {
		return nil
	}
	var out []model.Problem
	for id := range h.workloads.labelled {
		pod, _ := h.store.Workload(id.WorkloadName)
		out = append(out, ingest.PodWaypoint(pod, h.store.GatewayObjects)...)
	}
	for name, w := range h.workloads.waypoints {
		if len(w.Addresses) == 0 {
			out = append(out, ingest.NoAddress(name))
		}
	}
	entries := h.snap.Load().Entries
	services := make([]*model.Service, 0, len(entries))
	for _, e := range entries {
		services = append(services, e.Service)
	}
	return append(out, translate.LostVIPs(services)...)
}

// rejectedWorkload puts a ztunnel's NACK onto the object behind the resource: the names
// are NAMESPACE/HOST of a service, CLUSTER/GROUP/KIND/NAMESPACE/NAME of a workload, and of
// a policy NAMESPACE/NAME, which is a Gateway's.
func (h *Hub) rejectedWorkload(p model.Problem, r Refusal) model.Problem {
	parts := strings.Split(r.Name, "/")
	switch {
	case r.TypeURL == workload.AddressType && len(parts) >= 5:
		p.Object = model.ObjectRef{Kind: parts[2], Namespace: parts[3], Name: parts[4]}
	case r.TypeURL == workload.AddressType && len(parts) == 2:
		if entry := h.snap.Load().Entries[model.Key{Namespace: parts[0], Host: parts[1]}]; entry != nil {
			p.Object = entry.Object
		}
	case r.TypeURL == workload.AuthorizationType && len(parts) == 2:
		p.Object = model.ObjectRef{Kind: "Gateway", Namespace: parts[0], Name: workload.GatewayOfPolicy(parts[1])}
	}
	return p
}
