package envoy

import (
	"fmt"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	setstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/common/set_filter_state/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	httpsetstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/set_filter_state/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	netsetstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/set_filter_state/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The other listeners of a waypoint that ends HBONE itself, beside MainInternal
// (reference/ambient.md 3), and its clusters that are no service's, which have the names
// of the listeners that they lead to, or come from.
const (
	// ConnectTerminate is where clients' tunnels come in.
	ConnectTerminate = "connect_terminate"
	// ConnectOriginate is where tunnels to pods begin.
	ConnectOriginate = "connect_originate"
)

const (
	// tunnelStreams bounds what one connection of a client carries, as ztunnel does.
	tunnelStreams = 100
	// tunnelPing and tunnelPong find connections whose other end is gone.
	tunnelPing = 10 * time.Second
	tunnelPong = 20 * time.Second
)

// identityKey is where, below MetadataKey, an endpoint's metadata says what identity its
// ztunnel must show.
const identityKey = "identity"

// The well-known keys that Envoy itself reads.
const (
	originalLocal   = "envoy.filters.listener.original_dst.local_ip"
	originalRemote  = "envoy.filters.listener.original_dst.remote_ip"
	expectedSANs    = "envoy.network.upstream_subject_alt_names"
	originalDstMeta = "envoy.filters.listener.original_dst"
)

// HBONEListener is one of the two listeners of an HBONE waypoint that no service has a
// part in: ConnectTerminate on an address and port, for clients of a trust domain, or
// ConnectOriginate, which is internal.
//
// It fails if bind is no IP or the port is out of range, and on another name.
func HBONEListener(name, bind string, port uint32, trustDomain string) (Resource, error) {
	switch name {
	case ConnectTerminate:
		if err := bindable(name, bind, port); err != nil {
			return Resource{}, err
		}
		return encode(ListenerType, name, terminate(bind, port, trustDomain))
	case ConnectOriginate:
		return encode(ListenerType, name, originate())
	}
	return Resource{}, fmt.Errorf("there is no listener %q of an HBONE waypoint", name)
}

// terminate ends tunnels: the peer's certificate is of the trust domain, or there is no
// connection. Clients have few connections that last, so they are spread over workers.
func terminate(bind string, port uint32, trustDomain string) *listenerv3.Listener {
	context := &tlsv3.DownstreamTlsContext{
		RequireClientCertificate: wrapperspb.Bool(true),
		CommonTlsContext:         hboneTLS(identityPrefix(trustDomain)),
	}
	return &listenerv3.Listener{
		Name: ConnectTerminate, StatPrefix: ConnectTerminate,
		Address:          socketAddress(bind, port),
		TrafficDirection: corev3.TrafficDirection_INBOUND,
		ConnectionBalanceConfig: &listenerv3.Listener_ConnectionBalanceConfig{
			BalanceType: &listenerv3.Listener_ConnectionBalanceConfig_ExactBalance_{ExactBalance: &listenerv3.Listener_ConnectionBalanceConfig_ExactBalance{}},
		},
		FilterChains: []*listenerv3.FilterChain{{
			Name:            ConnectTerminate,
			TransportSocket: socket(tlsSocket, context),
			Filters:         []*listenerv3.Filter{networkFilter("envoy.filters.network.http_connection_manager", terminateHTTP())},
		}},
	}
}

func terminateHTTP() *hcmv3.HttpConnectionManager {
	return &hcmv3.HttpConnectionManager{
		StatPrefix:        ConnectTerminate,
		CodecType:         hcmv3.HttpConnectionManager_HTTP2,
		StreamIdleTimeout: durationpb.New(0),
		UpgradeConfigs:    []*hcmv3.HttpConnectionManager_UpgradeConfig{{UpgradeType: "CONNECT"}},
		Http2ProtocolOptions: &corev3.Http2ProtocolOptions{
			AllowConnect: true, MaxConcurrentStreams: wrapperspb.UInt32(tunnelStreams),
			ConnectionKeepalive: &corev3.KeepaliveSettings{Interval: durationpb.New(tunnelPing), Timeout: durationpb.New(tunnelPong)},
		},
		RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: &routev3.RouteConfiguration{
			Name: ConnectTerminate, ValidateClusters: wrapperspb.Bool(false),
			VirtualHosts: []*routev3.VirtualHost{{
				Name: "all", Domains: []string{"*"}, Routes: []*routev3.Route{connectTo(MainInternal, connectMatch())},
			}},
		}},
		HttpFilters: []*hcmv3.HttpFilter{
			httpFilter("envoy.filters.http.set_filter_state", tunnelFacts()),
			httpFilter("envoy.filters.http.router", &routerv3.Router{}),
		},
	}
}

// tunnelFacts cross the hop to MainInternal: where the client wanted to go, by address
// and by name, from where, and who it is. What tells two clients apart is hashable, so
// that it counts for the pool of connections, and no two share one.
func tunnelFacts() *httpsetstatev3.Config {
	const once = setstatev3.FilterStateValue_ONCE
	return &httpsetstatev3.Config{OnRequestHeaders: []*setstatev3.FilterStateValue{
		knownState(originalLocal, "%REQ(:AUTHORITY)%"),
		knownState(originalRemote, "%DOWNSTREAM_REMOTE_ADDRESS%"),
		stateValue(connectAuthority, "%REQ(:AUTHORITY)%", once),
		stateValue(peerPrincipal, "%DOWNSTREAM_PEER_URI_SAN%", once),
	}}
}

// knownState keeps what a format gives under a key of Envoy's own, which says itself
// what is kept.
func knownState(key, format string) *setstatev3.FilterStateValue {
	v := stateValue(key, format, setstatev3.FilterStateValue_ONCE)
	v.FactoryKey = ""
	return v
}

// originate begins a tunnel to the endpoint that was chosen: its metadata says where it
// is, and what identity its ztunnel must show.
func originate() *listenerv3.Listener {
	pin := knownState(expectedSANs, "%DYNAMIC_METADATA("+MetadataKey+":"+identityKey+")%")
	pin.SkipIfEmpty = true
	return &listenerv3.Listener{
		Name: ConnectOriginate, StatPrefix: ConnectOriginate,
		TrafficDirection:  corev3.TrafficDirection_OUTBOUND,
		ListenerSpecifier: &listenerv3.Listener_InternalListener{InternalListener: &listenerv3.Listener_InternalListenerConfig{}},
		ListenerFilters:   Entrance{}.listenerFilters(),
		FilterChains: []*listenerv3.FilterChain{{
			Name: ConnectOriginate,
			Filters: []*listenerv3.Filter{
				networkFilter("envoy.filters.network.set_filter_state", &netsetstatev3.Config{OnNewConnection: []*setstatev3.FilterStateValue{pin}}),
				networkFilter("envoy.filters.network.tcp_proxy", &tcpproxyv3.TcpProxy{
					StatPrefix:         ConnectOriginate,
					ClusterSpecifier:   &tcpproxyv3.TcpProxy_Cluster{Cluster: ConnectOriginate},
					MaxConnectAttempts: wrapperspb.UInt32(1),
					IdleTimeout:        durationpb.New(0), // the connection behind it has one
					TunnelingConfig:    &tcpproxyv3.TcpProxy_TunnelingConfig{Hostname: originalHost},
				}),
			},
		}},
	}
}

// originalHost is the ip:port that the listener filter has restored.
const originalHost = "%DOWNSTREAM_LOCAL_ADDRESS%"

// directTunnel is how connections to a port go straight into tunnels: the ztunnel at the
// other end knows the service by its name (reference/ambient.md 3, tcp).
func directTunnel(host string, port uint32) *tcpproxyv3.TcpProxy_TunnelingConfig {
	return &tcpproxyv3.TcpProxy_TunnelingConfig{Hostname: fmt.Sprintf("%s:%d", host, port)}
}

// identityPrefix is what every identity of a trust domain begins with.
func identityPrefix(trustDomain string) string { return "spiffe://" + trustDomain + "/" }
