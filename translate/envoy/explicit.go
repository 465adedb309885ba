package envoy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// connectAttempts is how many endpoints a TCP connection is tried at (semantics 9.6).
const connectAttempts = 3

// connectBackoff is the base of the random pause before a connection is tried at another
// endpoint: the ejection of the one that failed lands in it. Without a pause all attempts
// may meet the same one (e2e/waypoint, TestZoneDies).
const connectBackoff = 25 * time.Millisecond

// ListenerPrefix starts the name of every explicit listener and of its routes.
const ListenerPrefix = "listen|"

// Explicit is one explicit listener and the Service that declares it (semantics
// 9.3).
type Explicit struct {
	model.Listen
	Service *model.Service
}

// ListenerName is listen|PORT: one port of one client has one listener.
func (e Explicit) ListenerName() string {
	return ListenerPrefix + strconv.FormatUint(uint64(e.At), 10)
}

// RouteName is listen|PORT|HOST, the name of its routes; "" for one that carries TCP.
func (e Explicit) RouteName() string {
	if !e.http() {
		return ""
	}
	return e.ListenerName() + "|" + e.Service.Host
}

// http says that requests are routed; all else, undeclared too, is carried as TCP
// (semantics 9.4).
func (e Explicit) http() bool {
	port, _ := e.Service.Port(e.Port)
	return port.HTTP()
}

func (e Explicit) cluster() string { return ClusterName(e.Port, "", e.Service.Host) }

// PolicyID is the policy that rules for a client: all that its listener and routes
// look at of the client, beside the address.
func (e Explicit) PolicyID(client model.Proxy) model.PolicyID {
	return e.Service.Select(client, e.Port, "").PolicyID
}

// settings are what that policy says of connections.
func (e Explicit) settings(id model.PolicyID) model.ClusterSettings {
	if id < 0 || int(id) >= len(e.Service.Policies) {
		return model.ClusterSettings{}
	}
	return e.Service.Policies[id].Cluster
}

// Listener is the listener for clients that bind to an address, under one of the
// service's policies: by the port's protocol it routes requests or carries TCP
// (semantics 9.3, 9.4, 9.6).
//
// It fails if bind is not an IP or the port is out of range.
func (e Explicit) Listener(bind string, id model.PolicyID) (Resource, error) {
	name := e.ListenerName()
	if _, err := netip.ParseAddr(bind); err != nil {
		return Resource{}, fmt.Errorf("%s: bind address %q is not an IP", name, bind)
	}
	if e.At < 1 || e.At > maxPort {
		return Resource{}, fmt.Errorf("%s: %d is not in 1..65535", name, e.At)
	}
	stat := "listen_" + strconv.FormatUint(uint64(e.At), 10)
	filter, config := "envoy.filters.network.tcp_proxy", proto.Message(e.tcpProxy(stat, e.settings(id)))
	if e.http() {
		filter, config = "envoy.filters.network.http_connection_manager", connectionManager(stat, e.RouteName(), onlyHost(e.Service))
	}
	return encode(ListenerType, name, &listenerv3.Listener{
		Name:             name,
		Address:          socketAddress(bind, e.At),
		StatPrefix:       stat,
		TrafficDirection: corev3.TrafficDirection_OUTBOUND,
		FilterChains:     []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{networkFilter(filter, config)}}},
	})
}

// onlyHost is the host of a service at a listener or chain of its own; "" of a wildcard.
func onlyHost(s *model.Service) string {
	if strings.HasPrefix(s.Host, "*") {
		return ""
	}
	return s.Host
}

// tcpProxy carries connections to the cluster. Of the hash keys only the source
// address means something without requests.
func (e Explicit) tcpProxy(stat string, set model.ClusterSettings) *tcpproxyv3.TcpProxy {
	out := &tcpproxyv3.TcpProxy{
		StatPrefix:         stat,
		ClusterSpecifier:   &tcpproxyv3.TcpProxy_Cluster{Cluster: e.cluster()},
		MaxConnectAttempts: wrapperspb.UInt32(connectAttempts),
		BackoffOptions:     &corev3.BackoffStrategy{BaseInterval: durationpb.New(connectBackoff)},
		AccessLog:          accessLogs(),
		TunnelingConfig:    tunneling(set.Tunnel),
	}
	if t := set.Pool.TCPIdleTimeout; t != nil {
		out.IdleTimeout = durationpb.New(*t)
	}
	if set.Hash != nil && set.Hash.SourceIP {
		out.HashPolicy = []*typev3.HashPolicy{{
			PolicySpecifier: &typev3.HashPolicy_SourceIp_{SourceIp: &typev3.HashPolicy_SourceIp{}},
		}}
	}
	return out
}

// tunneling is nil without a tunnel. Target is admitted without "%", which would
// start a format.
func tunneling(t *model.Tunnel) *tcpproxyv3.TcpProxy_TunnelingConfig {
	if t == nil {
		return nil
	}
	return &tcpproxyv3.TcpProxy_TunnelingConfig{Hostname: t.Target, UsePost: t.Post}
}

// Routes are those of the port for every host, as at the HTTP proxy port; only for a
// listener with a RouteName.
//
// It fails on a string that is not UTF-8.
func (e Explicit) Routes(id model.PolicyID) (Resource, error) {
	port, _ := e.Service.Port(e.Port)
	t := table{seen: map[string]bool{}}
	t.host([]string{"*"}, RouteList(e.Service, port, e.settings(id), model.Plain)...)
	return encode(RouteType, e.RouteName(), &routev3.RouteConfiguration{
		Name:             e.RouteName(),
		VirtualHosts:     t.hosts,
		ValidateClusters: wrapperspb.Bool(false),
	})
}
