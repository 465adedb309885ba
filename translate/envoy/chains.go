package envoy

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// The names of listeners that many services share, each an Entrance.
const (
	// WaypointListener takes connections from the ztunnel in front of a waypoint.
	WaypointListener = "waypoint"
	// CaptureListener takes captured connections of a sidecar's application, and
	// OutboundListener those of CONNECT on the HTTP proxy port.
	CaptureListener  = "capture"
	OutboundListener = "outbound"
	// InboundListener takes captured connections to a sidecar's application.
	InboundListener = "inbound"
	// MainInternal is where a waypoint's HBONE tunnels end.
	MainInternal = "main_internal"
)

// Chain is one port of a service as connections reach it that are told apart by
// where they go: captured ones, tunnels, and a waypoint's. Its filter chain, and its
// routes, are called like its cluster.
type Chain struct {
	Service *model.Service
	Port    uint32
	// Policy is the one that rules for the clients that have the chain.
	Policy model.PolicyID
	// VIPs are those of the service at which the port is this one's.
	VIPs []string
	// Blocks are those of its CIDR blocks at which it is.
	Blocks []string
	// Alone says that the port at any other address is this one's too: all connections to
	// it or, where it speaks HTTP, the requests for the service's host.
	Alone bool
}

// Name is that of its filter chain, cluster and routes.
func (c Chain) Name() string { return ClusterName(c.Port, "", c.Service.Host) }

// port is the service's port.
func (c Chain) port() model.Port {
	p, _ := c.Service.Port(c.Port)
	return p
}

// explicit is the same port as an explicit listener has it.
func (c Chain) explicit() Explicit {
	return Explicit{Listen: model.Listen{Port: c.Port}, Service: c.Service}
}

// Entrance is a listener by which connections to all services of a scope come.
type Entrance struct {
	// Name is one of the constants.
	Name string
	// Bind and Port are where it listens; without Bind it is internal.
	Bind string
	Port uint32
	// Authority also tells connections apart by the HOST:PORT of a CONNECT.
	Authority bool
	// Proxied expects a PROXY v2 header, which names the destination and the peer.
	Proxied bool
	// Principal says that the peer's identity is in the filter state peerPrincipal, or
	// comes by the PROXY header: applications are told of it, and of no other.
	Principal bool
	// Tunnels carries TCP by direct tunnels where a port has them.
	Tunnels bool
	// Namespace is the clients', whose short names an authority may be; "" for none.
	Namespace string
	// Own are the proxy's own ports for captured connections. One that no service has
	// is closed, or it would lead back here for ever.
	Own []uint32
	// Rest is the chain for destinations that no service has; nil: they are closed.
	Rest *listenerv3.FilterChain
}

// Listener is the listener with these chains, which are in the order of the services'
// precedence. Its listener filters never change, and the routes come by RDS, so that an
// update drains only the connections of chains that changed themselves
// (reference/ambient.md 2). Of equal input it is equal bytes.
//
// It fails if Bind is no IP or Port is out of range, or on a string that is not UTF-8.
func (e Entrance) Listener(chains []Chain) (Resource, error) {
	l := &listenerv3.Listener{
		Name: e.Name, StatPrefix: e.Name,
		TrafficDirection:   corev3.TrafficDirection_OUTBOUND,
		ListenerFilters:    e.listenerFilters(),
		FilterChainMatcher: e.matcher(chains),
		DefaultFilterChain: e.Rest,
	}
	if e.Bind == "" {
		l.ListenerSpecifier = &listenerv3.Listener_InternalListener{InternalListener: &listenerv3.Listener_InternalListenerConfig{}}
	} else {
		if err := bindable(e.Name, e.Bind, e.Port); err != nil {
			return Resource{}, err
		}
		l.Address = listenAddress(e.Bind, e.Port)
	}
	for _, c := range chains {
		if e.LeadsTo(c) {
			l.FilterChains = append(l.FilterChains, &listenerv3.FilterChain{Name: c.Name(), Filters: []*listenerv3.Filter{e.filter(c)}})
		}
	}
	l.FilterChains = append(l.FilterChains, e.byHost(chains)...)
	if len(e.Own) > 0 || len(l.FilterChains) == 0 && l.DefaultFilterChain == nil {
		l.FilterChains = append(l.FilterChains, nowhere())
	}
	return encode(ListenerType, e.Name, l)
}

// LeadsTo says that there is a way to a chain.
func (e Entrance) LeadsTo(c Chain) bool {
	return !e.closes(c) && (e.Authority || len(c.VIPs)+len(c.Blocks) > 0 || c.Alone && !c.port().HTTP())
}

// nowhereChain closes what it is given.
const nowhereChain = "nowhere"

// nowhere stands where there is no chain, since Envoy takes no listener without one, and
// where connections would come back.
func nowhere() *listenerv3.FilterChain {
	return &listenerv3.FilterChain{Name: nowhereChain, Filters: []*listenerv3.Filter{
		networkFilter("envoy.filters.network.tcp_proxy", blackhole()),
	}}
}

// filter routes requests, or carries TCP: by the port's protocol (semantics 9.4).
func (e Entrance) filter(c Chain) *listenerv3.Filter {
	stat := AltStatName(c.Service.Namespace, c.Service.Name, c.Port, "")
	if !c.port().HTTP() {
		x := c.explicit()
		tcp := x.tcpProxy(stat, x.settings(c.Policy))
		if e.Tunnels && c.Service.Direct(c.port()) {
			tcp.ClusterSpecifier = &tcpproxyv3.TcpProxy_Cluster{Cluster: TunnelName(c.Port, "", c.Service.Host)}
			tcp.TunnelingConfig = directTunnel(c.Service.Host, c.Port)
		}
		return networkFilter("envoy.filters.network.tcp_proxy", tcp)
	}
	hcm := connectionManager(stat, c.Name(), onlyHost(c.Service))
	if e.Principal {
		hcm.HttpFilters = append([]*hcmv3.HttpFilter{httpFilter("envoy.filters.http.header_mutation", forwardedCert())}, hcm.HttpFilters...)
	}
	return networkFilter("envoy.filters.network.http_connection_manager", hcm)
}
