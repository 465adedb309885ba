package snapshot

import (
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// audience is all proxies of one scope and set of labels: wherever they stand, what
// they are sent is made of the same objects. What it finds it keeps: it is of one
// Snapshot, and of one goroutine.
type audience struct {
	snap *Snapshot
	set  *ScopeSet
	// proxy is any of them, without a place.
	proxy model.Proxy
	// mesh is the MeshConfig, zero if there is none.
	mesh model.ObjectRef

	// memos
	whole, through, opened map[model.ObjectRef]bool
	byName                 map[string]refs
}

// held are the objects behind all clusters that there are, and behind the routes to
// them.
func (a *audience) held() map[model.ObjectRef]bool {
	if a.whole != nil {
		return a.whole
	}
	a.whole = map[model.ObjectRef]bool{}
	some := false
	for _, key := range a.set.Keys {
		e := a.snap.Entries[key]
		if e == nil || some && len(e.made().all) == 0 {
			continue
		}
		for _, subset := range append([]string{""}, a.subsetsOf(e)...) {
			for _, port := range e.Ports {
				if id, ok := a.policy(e, port.Number, subset); ok {
					some = true
					meet(a.whole, e.made().clusters[id])
					meet(a.whole, a.attached(e, port.Number))
				}
			}
		}
	}
	if some && a.mesh != (model.ObjectRef{}) {
		a.whole[a.mesh] = true
	}
	return a.whole
}

func meet(all map[model.ObjectRef]bool, objects refs) {
	for _, o := range objects {
		all[o] = true
	}
}

func (a *audience) subsetsOf(e *Entry) []string {
	return e.SubsetsOf(a.proxy.Kind, a.proxy.Namespace, func(sel model.Selector) bool { return sel.Matches(a.proxy.Labels) })
}

// policy is that of one cluster; false if these proxies get none.
func (a *audience) policy(e *Entry, port uint32, subset string) (model.PolicyID, bool) {
	if _, ok := e.Port(port); !ok {
		return model.NoPolicy, false
	}
	id := e.PolicyID(a.proxy, port, subset)
	if id == model.NoPolicy {
		return id, false
	}
	_, what := e.Withheld(e.Policies[id], a.proxy.Form())
	return id, what == ""
}

// of are the objects behind a resource; none if there is no such resource.
func (a *audience) of(n envoy.ResourceName) refs {
	switch n.TypeURL {
	case envoy.ListenerType:
		return a.ofListener(n.Name)
	case envoy.RouteType:
		return a.ofRoutes(n.Name)
	}
	return a.ofCluster(n.Name)
}

// ofCluster is of a cluster and its endpoints. Of a change to all services every
// stream asks for every name.
func (a *audience) ofCluster(name string) refs {
	of, known := a.byName[name]
	if !known {
		of = a.findCluster(name)
		if a.byName == nil {
			a.byName = map[string]refs{}
		}
		a.byName[name] = of
	}
	return of
}

func (a *audience) findCluster(name string) refs {
	port, subset, host, ok := envoy.ParseClusterName(name)
	if !ok {
		return nil
	}
	key, found := a.set.find(host)
	e := a.snap.Entries[key]
	if !found || e == nil {
		return nil
	}
	id, ok := a.policy(e, port, subset)
	if !ok {
		return nil
	}
	of := e.made().clusters[id]
	if a.mesh != (model.ObjectRef{}) {
		of = append(slices.Clip(of), a.mesh)
	}
	return of
}

// ofListener is of an explicit listener that carries TCP, or of those by which
// connections to all services come; no other hangs on a rule.
func (a *audience) ofListener(name string) refs {
	if slices.Contains(sharedListeners(), name) {
		return list(a.carried())
	}
	x, ok := a.set.explicit.find(name)
	if !ok || x.RouteName() != "" {
		return nil
	}
	return a.atPort(x.Service.Key, x.Port, func(m *makers) []refs { return m.listeners })
}

// sharedListeners are those by which connections to all services come.
func sharedListeners() []string {
	return []string{envoy.CaptureListener, envoy.OutboundListener, envoy.WaypointListener, envoy.MainInternal}
}

// carried are the objects of which chains of TCP in such listeners show something.
func (a *audience) carried() map[model.ObjectRef]bool {
	out := map[model.ObjectRef]bool{}
	for _, key := range a.set.Keys {
		e := a.snap.Entries[key]
		if e == nil || len(e.made().all) == 0 || a.proxy.Kind == model.Waypoint && e.Waypoint.String() != a.proxy.Gateway {
			continue
		}
		for _, port := range e.Ports {
			if !port.HTTP() {
				meet(out, a.atPort(key, port.Number, func(m *makers) []refs { return m.listeners }))
			}
		}
	}
	return out
}

// ofRoutes is of those of the HTTP proxy port, which hold all hosts, so that a
// refusal is one of everything that they carry; of one port, or an explicit listener;
// or of what a gRPC client dials.
func (a *audience) ofRoutes(name string) refs {
	if a.set.targets != nil {
		target, ok := a.set.targets.Route(name)
		if !ok {
			return nil
		}
		return a.atPort(target.Service.Key, target.Port, func(m *makers) []refs { return m.grpc })
	}
	if name == envoy.RouteName {
		return list(a.routed())
	}
	if port, subset, host, ok := envoy.ParseClusterName(name); ok && subset == "" {
		key, _ := a.set.find(host)
		return a.routesAt(key, port)
	}
	x, ok := a.set.explicit.find(name)
	if !ok || x.RouteName() != name {
		return nil
	}
	return a.routesAt(x.Service.Key, x.Port)
}

// routesAt are the objects behind the routes of one port.
func (a *audience) routesAt(key model.Key, port uint32) refs {
	of := a.atPort(key, port, func(m *makers) []refs { return m.routes })
	e := a.snap.Entries[key]
	if e == nil {
		return of
	}
	return slices.Clip(of).with(a.attached(e, port)...)
}

// attached are the HTTPRoutes and GRPCRoutes of one port, of which gRPC clients get none,
// and waypoints those of the services that are attached to them: others are backends.
func (a *audience) attached(e *Entry, port uint32) refs {
	if a.set.targets != nil || a.proxy.Kind == model.Waypoint && e.Waypoint.String() != a.proxy.Gateway {
		return nil
	}
	return e.made().attached[port]
}

// atPort is by the policy of a port as a whole. A set's own form of a service may be
// an older one of the same shape.
func (a *audience) atPort(key model.Key, port uint32, by func(*makers) []refs) refs {
	e := a.snap.Entries[key]
	if e == nil {
		return nil
	}
	id, ok := a.policy(e, port, "")
	if !ok {
		return nil
	}
	return by(e.made())[id]
}

// routed are the objects of which some routes carry something.
func (a *audience) routed() map[model.ObjectRef]bool {
	if a.through != nil {
		return a.through
	}
	a.through = map[model.ObjectRef]bool{}
	by := func(m *makers) []refs { return m.routes }
	if a.set.targets != nil {
		by = func(m *makers) []refs { return m.grpc }
	}
	for _, key := range a.set.Keys {
		e := a.snap.Entries[key]
		if e == nil || len(e.made().all) == 0 {
			continue
		}
		for _, port := range e.Ports {
			meet(a.through, a.atPort(key, port.Number, by))
			meet(a.through, a.attached(e, port.Number))
		}
	}
	return a.through
}

// shown are those, and those of listeners that carry TCP.
func (a *audience) shown() map[model.ObjectRef]bool {
	if a.opened != nil {
		return a.opened
	}
	a.opened = map[model.ObjectRef]bool{}
	for o := range a.routed() {
		a.opened[o] = true
	}
	for _, x := range a.set.explicit.list {
		meet(a.opened, a.ofListener(x.ListenerName()))
	}
	if a.set.entrances.shared() {
		meet(a.opened, list(a.carried()))
	}
	return a.opened
}

func list(objects map[model.ObjectRef]bool) refs {
	out := make(refs, 0, len(objects))
	for o := range objects {
		out = append(out, o)
	}
	return out
}
