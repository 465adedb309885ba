package snapshot

import (
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// portRoutesKey is the routes of one port, called like its cluster, under one policy.
type portRoutesKey struct {
	name   string
	policy model.PolicyID
	form   model.Form
}

// portRoutes are those of one port of a service to which shared listeners lead; nil if
// there is none. Entry and not ScopeSet has the newest form of the service.
func (v *View) portRoutes(name string) *envoy.Resource {
	port, subset, host, ok := envoy.ParseClusterName(name)
	if !ok || subset != "" || envoy.IsTunnelName(name) {
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
	return frozen(entry.portRoutes(port, entry.PolicyID(v.class.proxy, port, ""), v.class.proxy.Form()))
}

// portRoutes builds them, once; nil if they may not be sent.
func (e *Entry) portRoutes(port uint32, id model.PolicyID, form model.Form) *envoy.Resource {
	if id == model.NoPolicy {
		return nil
	}
	key := portRoutesKey{envoy.ClusterName(port, "", e.Host), id, form}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byPort == nil {
		e.byPort = map[portRoutesKey]*envoy.Resource{}
	}
	return once(e.byPort, key, func() (envoy.Resource, error) {
		return validated(envoy.PortRoutes(e.Service, port, id, form))
	})
}
