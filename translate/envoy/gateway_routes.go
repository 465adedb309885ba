package envoy

import (
	"cmp"
	"slices"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// Settings are what the policy that rules for the client says of connections to a
// backend; zero for one that the client does not see.
type Settings func(model.BackendTarget) model.ClusterSettings

// Routes are those of a name of RouteNames: a virtual host for each domain, which a port
// in the Host header does not hide. A host of none gets 404; one that another HTTPS
// listener of the port has gets 421, since its client should have said so in the handshake.
//
// It fails on a string that is not UTF-8.
func (p GatewayPort) Routes(name string, of Settings) (Resource, error) {
	t := table{seen: map[string]bool{}}
	for i := range p.Listeners {
		l := &p.Listeners[i]
		if p.RouteName(l) != name {
			continue
		}
		for _, h := range l.Hosts {
			t.host([]string{h.Domain}, hostRoutes(h.Routes, of)...)
		}
	}
	for i := range p.Listeners {
		if l := &p.Listeners[i]; p.RouteName(l) != name {
			t.host([]string{cmp.Or(l.Hostname, "*")}, direct(421, ""))
		}
	}
	return encode(RouteType, name, &routev3.RouteConfiguration{
		Name:                     name,
		VirtualHosts:             t.hosts,
		ValidateClusters:         wrapperspb.Bool(false),
		IgnorePortInHostMatching: true,
	})
}

// hostRoutes are those of one virtual host.
func hostRoutes(routes []model.Route, of Settings) []*routev3.Route {
	if len(routes) == 0 {
		return []*routev3.Route{direct(404, "")}
	}
	var out []*routev3.Route
	for i := range routes {
		r, hash := settled(routes[i], of)
		e := routeEncoder{hash: hashPolicy(hash)}
		out = append(out, e.route(&r)...)
	}
	return out
}

// settled is a route as the policies of its backends allow it: a request cannot go
// through a tunnel, and must not go past it. The hash key is that of the first backend
// that has one, since a route has one key.
func settled(r model.Route, of Settings) (model.Route, *model.Hash) {
	var hash *model.Hash
	r.Backends = slices.Clone(r.Backends)
	for i := range r.Backends {
		b := &r.Backends[i]
		if b.To.Broken || b.Weight == 0 {
			continue
		}
		set := of(b.To)
		b.To.Broken = set.Tunnel != nil
		if hash == nil {
			hash = set.Hash
		}
	}
	r.Mirrors = slices.DeleteFunc(slices.Clone(r.Mirrors), func(m model.Mirror) bool {
		return !m.To.Broken && of(m.To).Tunnel != nil
	})
	return r, hash
}
