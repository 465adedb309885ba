package envoy

import (
	"slices"
	"strconv"

	matcherv3 "github.com/cncf/xds/go/xds/type/matcher/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	internalupstreamv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/internal_upstream/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// isFixed says that a cluster is no service's.
func isFixed(cluster string) bool { return slices.Contains(FixedClusters(true, true), cluster) }

// passesOn says that a cluster connects to where a connection was to go.
func passesOn(cluster string) bool {
	return cluster == PassthroughCluster || cluster == InboundListener
}

// fixed checks where a cluster that is no service's leads: to one internal listener of
// its own name, with the connection's facts, or to where the connection was to go.
func (f *findings) fixed(m *clusterv3.Cluster) {
	if passesOn(m.GetName()) {
		if m.GetType() != clusterv3.Cluster_ORIGINAL_DST || m.GetLoadAssignment() != nil || m.GetEdsClusterConfig() != nil {
			f.addf("type: %s, and %s leads to original destinations", m.GetType(), m.GetName())
		}
		return
	}
	if m.GetType() != clusterv3.Cluster_STATIC {
		f.addf("type: %s, and %s leads to a listener of this proxy", m.GetType(), m.GetName())
	}
	var names []string
	for _, g := range m.GetLoadAssignment().GetEndpoints() {
		for _, e := range g.GetLbEndpoints() {
			names = append(names, internalName(e.GetEndpoint()))
		}
	}
	if !slices.Equal(names, []string{m.GetName()}) || m.GetLoadAssignment().GetClusterName() != m.GetName() {
		f.addf("load_assignment: leads to %q, not to the internal listener %s", names, m.GetName())
	}
	if !m.GetTransportSocket().GetTypedConfig().MessageIs(&internalupstreamv3.InternalUpstreamTransport{}) {
		f.addf("transport_socket: not internal_upstream, so that the listener would learn nothing of the connection")
	}
}

func internalName(e *endpointv3.Endpoint) string {
	return e.GetAddress().GetEnvoyInternalAddress().GetServerListenerName()
}

// noLoop checks that a listener that passes connections on closes those to itself: some
// may be passed on that services have, also where unknown ones are not.
func (f *findings) noLoop(m *listenerv3.Listener) {
	on := m.GetName() == CaptureListener || slices.ContainsFunc(m.GetDefaultFilterChain().GetFilters(), func(filter *listenerv3.Filter) bool {
		tcp := new(tcpproxyv3.TcpProxy)
		return filter.GetTypedConfig().UnmarshalTo(tcp) == nil && passesOn(tcp.GetCluster())
	})
	port := m.GetAddress().GetSocketAddress().GetPortValue()
	if on && port != 0 && !closes(m.GetFilterChainMatcher(), port) {
		f.addf("filter_chain_matcher: a connection to port %d itself would be passed on to it for ever", port)
	}
}

// closes says that a matcher, where nothing else matches, closes what goes to a port.
func closes(m *matcherv3.Matcher, port uint32) bool {
	for next := m.GetOnNoMatch().GetMatcher(); next != nil; next = m.GetOnNoMatch().GetMatcher() {
		m = next
	}
	action := m.GetMatcherTree().GetExactMatchMap().GetMap()[strconv.FormatUint(uint64(port), 10)].GetAction()
	chain := new(wrapperspb.StringValue)
	return action.GetTypedConfig().UnmarshalTo(chain) == nil && chain.GetValue() == nowhereChain
}

// destination checks that a listener that tells connections apart by where they go knows
// it, and nothing else first: a change of its listener filters would drain all of them.
// Only who the peer is may be kept too, where the PROXY header says both.
func (f *findings) destination(m *listenerv3.Listener) {
	filters := m.GetListenerFilters()
	if m.GetFilterChainMatcher() == nil || len(filters) == 1 {
		return
	}
	if len(filters) != 2 || filters[0].GetName() != proxyHeaderFilter || filters[1].GetName() != keepPeerFilter {
		f.addf("listener_filters: %d instead of 1, which finds the destination", len(filters))
	}
}

// reenters says that a route takes nothing but CONNECT, which enters the outbound listener.
func reenters(r *routev3.Route) bool {
	a := r.GetRoute()
	return a.GetCluster() == OutboundListener && r.GetMatch().GetConnectMatcher() != nil && len(a.GetUpgradeConfigs()) == 1 &&
		a.GetUpgradeConfigs()[0].GetConnectConfig() != nil
}
