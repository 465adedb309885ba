package envoy

import (
	"fmt"
	"net/netip"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// PassthroughCluster connects to wherever a connection was to go.
const PassthroughCluster = "passthrough"

// hostsKept is how long an address that nobody connects to is remembered: some seconds
// by default, and Envoy looks for such ones this often.
const hostsKept = time.Minute

// Capture is where the captured connections of a sidecar's application come, of clients
// of a namespace. With registryOnly those to unknown destinations are closed, else
// they are passed on (MeshConfig.spec.outboundTrafficPolicy).
func Capture(bind, namespace string, registryOnly bool) Entrance {
	return Entrance{
		Name: CaptureListener, Bind: bind, Port: model.CapturePort, Namespace: namespace,
		Own: model.CapturePorts(), Rest: rest(registryOnly),
	}
}

// Outbound is where CONNECT on the HTTP proxy port leads; as Capture.
func Outbound(namespace string, registryOnly bool) Entrance {
	return Entrance{
		Name: OutboundListener, Authority: true, Namespace: namespace,
		Own: model.CapturePorts(), Rest: rest(registryOnly),
	}
}

func rest(registryOnly bool) *listenerv3.FilterChain {
	if registryOnly {
		return nil
	}
	return passingOn(PassthroughCluster)
}

// passingOn is a chain to where the connection was to go. Idle ones are the business of
// their ends, as without a proxy.
func passingOn(cluster string) *listenerv3.FilterChain {
	return &listenerv3.FilterChain{Name: cluster, Filters: []*listenerv3.Filter{
		networkFilter("envoy.filters.network.tcp_proxy", &tcpproxyv3.TcpProxy{
			StatPrefix:         cluster,
			ClusterSpecifier:   &tcpproxyv3.TcpProxy_Cluster{Cluster: cluster},
			MaxConnectAttempts: wrapperspb.UInt32(1),
			IdleTimeout:        durationpb.New(0),
			AccessLog:          accessLogs(),
		}),
	}}
}

// Inbound is the listener for captured connections to the sidecar's own application: it
// passes them on to the address and port that they came for.
//
// It fails if bind is no IP.
func Inbound(bind string) (Resource, error) {
	if err := bindable(InboundListener, bind, model.InboundPort); err != nil {
		return Resource{}, err
	}
	return encode(ListenerType, InboundListener, &listenerv3.Listener{
		Name: InboundListener, StatPrefix: InboundListener,
		Address:            listenAddress(bind, model.InboundPort),
		TrafficDirection:   corev3.TrafficDirection_INBOUND,
		ListenerFilters:    Entrance{}.listenerFilters(),
		FilterChainMatcher: Entrance{Own: model.CapturePorts()}.elsewhere(nil, nil),
		FilterChains:       []*listenerv3.FilterChain{nowhere()},
		DefaultFilterChain: passingOn(InboundListener),
	})
}

// bindable says that a listener of a name can be at an address and port.
func bindable(name, bind string, port uint32) error {
	if _, err := netip.ParseAddr(bind); err != nil {
		return fmt.Errorf("%s: bind address %q is not an IP", name, bind)
	}
	if port < 1 || port > maxPort {
		return fmt.Errorf("%s: port %d is not in 1..65535", name, port)
	}
	return nil
}

// listenAddress takes IPv4 too where it is the IPv6 address of all interfaces.
func listenAddress(bind string, port uint32) *corev3.Address {
	a := socketAddress(bind, port)
	if ip, err := netip.ParseAddr(bind); err == nil && ip == netip.IPv6Unspecified() {
		a.GetSocketAddress().Ipv4Compat = true
	}
	return a
}

// FixedClusters are the names of the clusters that a client has beside those of
// services, sorted.
func FixedClusters(capture, connect bool) []string {
	switch {
	case capture && connect:
		return []string{InboundListener, OutboundListener, PassthroughCluster}
	case capture:
		return []string{InboundListener, PassthroughCluster}
	case connect:
		return []string{OutboundListener, PassthroughCluster}
	}
	return nil
}

// FixedCluster is one of FixedClusters: the same for all clients.
//
// It fails for another name.
func FixedCluster(name string) (Resource, error) {
	lb, err := loadBalancing(model.Policy{Algorithm: model.Passthrough}, nil)
	if err != nil {
		return Resource{}, err
	}
	anything := model.ClusterSettings{Pool: model.Pool{UseClientProtocol: name == PassthroughCluster}} // routed requests may be of either HTTP
	c := &clusterv3.Cluster{
		Name: name, AltStatName: name,
		ConnectTimeout:                connect(model.Pool{}),
		CircuitBreakers:               breakers(model.Pool{}),
		CommonLbConfig:                commonLb(model.Policy{Mode: model.Flat}),
		TypedExtensionProtocolOptions: map[string]*anypb.Any{httpOptionsName: pack(upstreamHTTP(model.ProtocolTCP, anything))},
	}
	switch name {
	case PassthroughCluster, InboundListener:
		c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_ORIGINAL_DST}
		c.LbPolicy, c.LoadBalancingPolicy = clusterv3.Cluster_CLUSTER_PROVIDED, lb
		c.CleanupInterval = durationpb.New(hostsKept)
	case OutboundListener:
		toInternal(c, OutboundListener)
		if c.LoadBalancingPolicy, err = loadBalancing(model.Policy{Algorithm: model.RoundRobin}, nil); err != nil {
			return Resource{}, err
		}
	default:
		return Resource{}, fmt.Errorf("there is no cluster %q", name)
	}
	return encode(ClusterType, name, c)
}

// toInternal makes a cluster lead to an internal listener, and take the connection's
// facts with it.
func toInternal(c *clusterv3.Cluster, listener string) {
	c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC}
	c.LoadAssignment = &endpointv3.ClusterLoadAssignment{
		ClusterName: c.Name,
		Endpoints: []*endpointv3.LocalityLbEndpoints{{LbEndpoints: []*endpointv3.LbEndpoint{{
			HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: internalAddress(listener, "")}},
		}}}},
	}
	c.TransportSocket = hop(nil)
}
