package snapshot

import (
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
)

// reopen notes in next whether unknown destinations are closed (outboundTrafficPolicy),
// and gives the scopes that a change of it touches.
func (h *Hub) reopen(old, next *Snapshot) map[*scopeState]bool {
	out := map[*scopeState]bool{}
	next.registryOnly = h.store.Mesh().RegistryOnly()
	if old.registryOnly == next.registryOnly {
		return out
	}
	for _, scope := range h.scopes {
		if !scope.scope.Capture && !scope.scope.Connect {
			continue
		}
		out[scope] = true
		for key := range next.Scopes[scope.scope].entrances.forgiven() {
			delete(h.refused, key)
		}
	}
	return out
}

// sidecarEntrances are that of captured connections, and that of CONNECT.
func (v *View) sidecarEntrances() []envoy.Entrance {
	scope := v.class.key.scope
	var out []envoy.Entrance
	if v.captures() {
		out = append(out, envoy.Capture(v.listen.Bind, scope.Namespace, v.snap.registryOnly))
	}
	if scope.Connect {
		out = append(out, envoy.Outbound(scope.Namespace, v.snap.registryOnly))
	}
	return out
}

// captures says that the client has the two listeners that iptables redirects to.
func (v *View) captures() bool { return v.class.key.scope.Capture && v.listen.Bind != "" }

// inbound says that a name is that of the listener to the client's own application.
func (v *View) inbound(name string) bool { return name == envoy.InboundListener && v.captures() }

// inbound builds that listener, once; nil if it may not be sent.
func (x *entrances) inbound(bind string) *envoy.Resource {
	return x.fixed(entranceKey{name: envoy.InboundListener, bind: bind}, func() (envoy.Resource, error) { return envoy.Inbound(bind) })
}

// fixedCluster is one that is no service's; nil if the client has none of that name.
func (v *View) fixedCluster(name string) *envoy.Resource {
	scope := v.class.key.scope
	if !slices.Contains(envoy.FixedClusters(scope.Capture, scope.Connect), name) {
		return nil
	}
	return v.set.entrances.fixed(entranceKey{name: name, rest: true}, func() (envoy.Resource, error) { return envoy.FixedCluster(name) })
}

// aloneRoutes are those of a port that services have at any address; nil if there is none
// of that name.
func (v *View) aloneRoutes(name string) *envoy.Resource {
	x := v.set.entrances
	for _, port := range x.alone {
		if envoy.AloneName(port) == name {
			return x.aloneRoutes(v.class, port, v.snap.registryOnly)
		}
	}
	return nil
}

// aloneRoutes builds them, once; nil if they may not be sent.
func (x *entrances) aloneRoutes(c *class, port uint32, registryOnly bool) *envoy.Resource {
	key := entranceKey{name: envoy.AloneName(port), rest: !registryOnly, picked: x.picked(c.proxy)}
	x.mu.Lock()
	defer x.mu.Unlock()
	return once(x.memo, key, func() (envoy.Resource, error) {
		return validated(envoy.AloneRoutes(port, x.chains(c), registryOnly))
	})
}
