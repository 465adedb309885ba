package snapshot

import (
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// portRoutesKey is the routes of one port, called like its cluster, under one policy.
type portRoutesKey struct {
	name   string
	policy model.PolicyID
}

// portRoutes are those of one port of a service to which shared listeners lead; nil if
// there is none. Entry and not ScopeSet has the newest form of the service.
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
	if _, ok := entry.Port(port); !ok {
		return nil
	}
	r := entry.portRoutes(port, entry.PolicyID(v.class.proxy, port, ""))
	if r == nil {
		return nil
	}
	return frozen(r)
}

// portRoutes builds them, once; nil if they may not be sent.
func (e *Entry) portRoutes(port uint32, id model.PolicyID) *envoy.Resource {
	if id == model.NoPolicy {
		return nil
	}
	key := portRoutesKey{envoy.ClusterName(port, "", e.Host), id}
	e.mu.Lock()
	defer e.mu.Unlock()
	if r, ok := e.byPort[key]; ok {
		return r
	}
	if e.byPort == nil {
		e.byPort = map[portRoutesKey]*envoy.Resource{}
	}
	r, err := validated(envoy.PortRoutes(e.Service, port, id))
	if err != nil {
		e.byPort[key] = nil
		return nil
	}
	e.byPort[key] = &r
	return &r
}
