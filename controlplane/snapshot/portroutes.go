package snapshot

import (
	"reflect"
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// portRoutesKey is all that the routes of one port of an entry hang on.
type portRoutesKey struct {
	port   uint32
	policy model.PolicyID
}

// portRoutes are the routes of one port for clients of a policy, built once; nil if they
// may not be sent.
func (e *Entry) portRoutes(port uint32, id model.PolicyID) *envoy.Resource {
	key := portRoutesKey{port, id}
	e.mu.Lock()
	defer e.mu.Unlock()
	if r, ok := e.ported[key]; ok {
		return r
	}
	var out *envoy.Resource
	if r, err := validated(envoy.PortRoutes(e.Service, port, id)); err == nil {
		out = &r
	}
	e.ported[key] = out
	return out
}

// portRoutes are those that are named like a cluster, of a port that requests are routed
// to; nil for any other name.
func (v *View) portRoutes(name string) *envoy.Resource {
	port, subset, host, ok := envoy.ParseClusterName(name)
	if !ok || subset != "" {
		return nil
	}
	key, ok := v.set.find(host)
	entry := v.snap.Entries[key]
	if !ok || entry == nil {
		return nil
	}
	if p, ok := entry.Port(port); !ok || !p.HTTP() {
		return nil
	}
	id := entry.PolicyID(v.class.proxy, port, "")
	if id == model.NoPolicy {
		return nil
	}
	r := entry.portRoutes(port, id)
	if r == nil {
		return nil
	}
	return frozen(r)
}

// checkRoutes fails where routes of the entry could not be sent: then its last form stays.
func (e *Entry) checkRoutes() error {
	for _, port := range e.Ports {
		if len(port.Routes) == 0 {
			continue
		}
		for id := range e.Policies {
			if _, err := validated(envoy.PortRoutes(e.Service, port.Number, model.PolicyID(id))); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameRoutes says that the HTTPRoutes and GRPCRoutes of two forms of a port do the same.
func sameRoutes(a, b model.Port) bool {
	return len(a.Routes)+len(b.Routes) == 0 || reflect.DeepEqual(a.Routes, b.Routes)
}

// samePortRoutes is sameRoutes of all ports.
func samePortRoutes(was, is *model.Service) bool {
	return slices.EqualFunc(was.Ports, is.Ports, sameRoutes)
}

// forgiveRoutes forgets the refusals of routes that a change of some services changed.
func (h *Hub) forgiveRoutes(old, next *Snapshot, shaped []model.Key) {
	for _, key := range shaped {
		for _, at := range clustersOf(old.Entries[key], next.Entries[key]) {
			delete(h.refused, refusedKey{envoy.RouteType, envoy.ClusterName(at.port, "", key.Host)})
		}
	}
	if len(shaped) > 0 {
		delete(h.refused, refusedKey{envoy.RouteType, envoy.RouteName})
	}
}

// attached are the objects behind a port's routes, each once.
func attached(p model.Port) refs {
	var of refs
	for i := range p.Routes {
		of = of.with(p.Routes[i].Object)
	}
	return of
}
