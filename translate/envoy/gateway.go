package envoy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tlsinspectorv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/tls_inspector/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// GatewayPrefix starts the name of every listener of a Gateway at the edge and of its
// routes.
const GatewayPrefix = "gateway|"

// What a client at the edge may cost. The patience is Envoy's own where it has one.
const (
	edgeHeadersTimeout = 10 * time.Second // to send the headers of a request
	edgeStreamIdle     = 5 * time.Minute  // without a byte in either direction
	edgeIdle           = time.Hour        // of a connection without a request
	edgeStreams        = 100              // at once on one HTTP/2 connection
	edgeStreamWindow   = 64 << 10         // bytes
	edgeWindow         = 1 << 20          // bytes
)

// GatewayPort is all that a Gateway at the edge has on one port: several listeners of
// HTTP, or several of HTTPS, that differ by host name.
type GatewayPort struct {
	Port      uint32
	Listeners []model.GatewayListener
}

// GatewayPorts are those of a Gateway, by port; none for nil and for a waypoint.
func GatewayPorts(g *model.GatewayObject) []GatewayPort {
	var out []GatewayPort
	if g == nil {
		return nil
	}
	for _, l := range g.Listeners {
		if n := len(out); n == 0 || out[n-1].Port != l.Port {
			out = append(out, GatewayPort{Port: l.Port})
		}
		last := &out[len(out)-1]
		last.Listeners = append(last.Listeners, l)
	}
	return out
}

// ListenerName is gateway|PORT.
func (p GatewayPort) ListenerName() string {
	return GatewayPrefix + strconv.FormatUint(uint64(p.Port), 10)
}

// RouteName is that of the routes of one of its listeners: all of HTTP share gateway|PORT,
// each of HTTPS has its own gateway|PORT|LISTENER.
func (p GatewayPort) RouteName(l *model.GatewayListener) string {
	if !l.HTTPS() {
		return p.ListenerName()
	}
	return p.ListenerName() + "|" + l.Name
}

// RouteNames are those of all, each once, in the order of the listeners.
func (p GatewayPort) RouteNames() []string {
	var out []string
	for i := range p.Listeners {
		if name := p.RouteName(&p.Listeners[i]); len(out) == 0 || out[len(out)-1] != name {
			out = append(out, name)
		}
	}
	return out
}

// Listener is the one of proxies that bind to an address. One of HTTP hangs on nothing
// else, so that no edit of hosts and routes touches a connection; one of HTTPS has a
// filter chain for each host name, which Envoy exchanges one by one.
//
// It fails if bind is not an IP or the port is out of range.
func (p GatewayPort) Listener(bind string) (Resource, error) {
	name := p.ListenerName()
	if _, err := netip.ParseAddr(bind); err != nil {
		return Resource{}, fmt.Errorf("%s: bind address %q is not an IP", name, bind)
	}
	if p.Port < 1 || p.Port > maxPort || len(p.Listeners) == 0 {
		return Resource{}, fmt.Errorf("%s: no port in 1..65535 with a listener", name)
	}
	stat := "gateway_" + strconv.FormatUint(uint64(p.Port), 10)
	l := &listenerv3.Listener{
		Name: name, Address: socketAddress(bind, p.Port), StatPrefix: stat,
		TrafficDirection: corev3.TrafficDirection_INBOUND,
	}
	if !p.Listeners[0].HTTPS() {
		l.FilterChains = []*listenerv3.FilterChain{{Filters: edgeFilters(stat, name)}}
		return encode(ListenerType, name, l)
	}
	l.ListenerFilters = []*listenerv3.ListenerFilter{listenerFilter("envoy.filters.listener.tls_inspector", &tlsinspectorv3.TlsInspector{})}
	for i := range p.Listeners {
		l.FilterChains = append(l.FilterChains, p.chain(stat, &p.Listeners[i]))
	}
	return encode(ListenerType, name, l)
}

// chain is one HTTPS listener: it is chosen by the name in the handshake, and one without
// a host name takes all others.
func (p GatewayPort) chain(stat string, l *model.GatewayListener) *listenerv3.FilterChain {
	c := &listenerv3.FilterChain{
		Name:            l.Name,
		Filters:         edgeFilters(stat+"_"+strings.ReplaceAll(l.Name, ".", "_"), p.RouteName(l)),
		TransportSocket: socket(tlsSocket, downstreamTLS(l.Certificates)),
	}
	if l.Hostname != "" {
		c.FilterChainMatch = &listenerv3.FilterChainMatch{ServerNames: []string{l.Hostname}}
	}
	return c
}

// downstreamTLS shows certificates of files that Envoy reads again when a file is moved
// into their folder.
func downstreamTLS(certificates []model.Credential) *tlsv3.DownstreamTlsContext {
	common := &tlsv3.CommonTlsContext{
		TlsParams:     &tlsv3.TlsParameters{TlsMinimumProtocolVersion: tlsv3.TlsParameters_TLSv1_2, TlsMaximumProtocolVersion: tlsv3.TlsParameters_TLSv1_3},
		AlpnProtocols: []string{"h2", "http/1.1"},
	}
	for _, c := range certificates {
		s := secret(c.Name, c.File())
		s.SdsConfig.GetPathConfigSource().WatchedDirectory = &corev3.WatchedDirectory{Path: c.Dir}
		common.TlsCertificateSdsSecretConfigs = append(common.TlsCertificateSdsSecretConfigs, s)
	}
	return &tlsv3.DownstreamTlsContext{CommonTlsContext: common}
}

func edgeFilters(stat, routes string) []*listenerv3.Filter {
	return []*listenerv3.Filter{networkFilter("envoy.filters.network.http_connection_manager", edgeManager(stat, routes))}
}

// edgeManager trusts nothing that a client says of where it is, reads one path in one
// way, and lets no client hold what it does not use.
func edgeManager(stat, routes string) *hcmv3.HttpConnectionManager {
	m := connectionManager(stat, routes, "")
	m.UseRemoteAddress = wrapperspb.Bool(true)
	m.NormalizePath = wrapperspb.Bool(true)
	m.MergeSlashes = true
	m.RequestHeadersTimeout = durationpb.New(edgeHeadersTimeout)
	m.StreamIdleTimeout = durationpb.New(edgeStreamIdle)
	m.CommonHttpProtocolOptions = &corev3.HttpProtocolOptions{IdleTimeout: durationpb.New(edgeIdle)}
	m.Http2ProtocolOptions = &corev3.Http2ProtocolOptions{
		MaxConcurrentStreams:        wrapperspb.UInt32(edgeStreams),
		InitialStreamWindowSize:     wrapperspb.UInt32(edgeStreamWindow),
		InitialConnectionWindowSize: wrapperspb.UInt32(edgeWindow),
	}
	return m
}
