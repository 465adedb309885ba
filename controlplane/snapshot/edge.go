package snapshot

import (
	"slices"
	"strings"
	"sync"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// edgeResources are the listeners and routes of a Gateway at the edge for the proxies of
// one scope that run it. What hangs on the client is its address, and which policies its
// labels pick. The memo is of one form of the Gateway, and goes with the ScopeSet.
type edgeResources struct {
	services []*model.Service

	mu   sync.Mutex
	of   *GatewayEntry
	memo map[edgeKey]*envoy.Resource // nil: it may not be sent
}

type edgeKey struct{ typeURL, name, bind, picked string }

// newEdge is nil for scopes of proxies that run no such Gateway.
func newEdge(scope Scope, services []*model.Service) *edgeResources {
	if scope.Kind != model.Gateway || scope.Gateway == "" {
		return nil
	}
	return &edgeResources{services: services}
}

// edgePorts are the ports of the Gateway that the client runs; without that of its HTTP
// proxy port, where it listens already.
func (v *View) edgePorts() []envoy.GatewayPort {
	if v.set.edge == nil || v.listen.Bind == "" {
		return nil
	}
	g := v.snap.gatewayOf(v.class.proxy)
	if g == nil {
		return nil
	}
	if at := v.listen.Port; at != 0 && slices.ContainsFunc(g.ports, func(p envoy.GatewayPort) bool { return p.Port == at }) {
		return slices.DeleteFunc(slices.Clone(g.ports), func(p envoy.GatewayPort) bool { return p.Port == at })
	}
	return g.ports
}

// edge is the listener or the routes of a name, nil if the client has none such.
func (v *View) edge(typeURL, name string) *envoy.Resource {
	if !strings.HasPrefix(name, envoy.GatewayPrefix) {
		return nil
	}
	for _, p := range v.edgePorts() {
		if typeURL == envoy.ListenerType && p.ListenerName() == name ||
			typeURL == envoy.RouteType && slices.Contains(p.RouteNames(), name) {
			return frozen(v.set.edge.get(v, p, typeURL, name))
		}
	}
	return nil
}

// get builds a resource, once for each form of the Gateway; nil if it may not be sent.
func (x *edgeResources) get(v *View, p envoy.GatewayPort, typeURL, name string) *envoy.Resource {
	key := edgeKey{typeURL: typeURL, name: name}
	if typeURL == envoy.ListenerType {
		key.bind = v.listen.Bind
	} else {
		key.picked = v.set.entrances.picked(v.class.proxy)
	}
	g := v.snap.gatewayOf(v.class.proxy)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.of != g {
		x.of, x.memo = g, map[edgeKey]*envoy.Resource{}
	}
	return once(x.memo, key, func() (envoy.Resource, error) {
		return edgeResource(p, typeURL, name, key.bind, translate.Settings(v.class.proxy, x.services))
	})
}

// edgeResource is the listener or the routes of a name, at one port of a Gateway.
func edgeResource(p envoy.GatewayPort, typeURL, name, bind string, of envoy.Settings) (envoy.Resource, error) {
	if typeURL == envoy.RouteType {
		return validated(p.Routes(name, of))
	}
	r, err := validated(p.Listener(bind))
	if err == nil {
		err = envoy.ValidateGateway(p, r)
	}
	return r, err
}

// check says whether all that a Gateway has may be sent.
func (g *GatewayEntry) check() error {
	none := func(model.BackendTarget) model.ClusterSettings { return model.ClusterSettings{} }
	for _, p := range g.ports {
		if _, err := edgeResource(p, envoy.ListenerType, p.ListenerName(), envoy.DefaultBind, none); err != nil {
			return err
		}
		for _, name := range p.RouteNames() {
			if _, err := edgeResource(p, envoy.RouteType, name, "", none); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgiveGateway forgets the refusals of what a Gateway had, and of what it has.
func (h *Hub) forgiveGateway(entries ...*GatewayEntry) {
	for _, g := range entries {
		if g == nil {
			continue
		}
		for _, p := range g.ports {
			delete(h.refused, refusedKey{typeURL: envoy.ListenerType, name: p.ListenerName()})
			for _, name := range p.RouteNames() {
				delete(h.refused, refusedKey{typeURL: envoy.RouteType, name: name})
			}
		}
	}
}
