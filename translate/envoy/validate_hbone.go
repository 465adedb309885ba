package envoy

import (
	"net/netip"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	netsetstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/set_filter_state/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	internalv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/internal_upstream/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/translate/model"
)

// ofHBONE says that a cluster or a listener is one that every HBONE waypoint has, and
// no service.
func ofHBONE(name string) bool {
	return name == MainInternal || name == ConnectOriginate || name == ConnectTerminate
}

// hboneCluster checks MainInternal and ConnectOriginate.
func (f *findings) hboneCluster(m *clusterv3.Cluster) {
	if len(m.GetCircuitBreakers().GetThresholds()) != 1 {
		f.addf("circuit_breakers: missing, so Envoy's 1024 would hold")
	}
	switch m.GetName() {
	case MainInternal:
		f.internalUpstream(m)
		for _, g := range m.GetLoadAssignment().GetEndpoints() {
			for _, e := range g.GetLbEndpoints() {
				if to := e.GetEndpoint().GetAddress().GetEnvoyInternalAddress().GetServerListenerName(); to != MainInternal {
					f.addf("load_assignment: leads to listener %q", to)
				}
			}
		}
	case ConnectOriginate:
		if m.GetType() != clusterv3.Cluster_ORIGINAL_DST || m.GetOriginalDstLbConfig().GetUpstreamPortOverride().GetValue() != model.PortTunnel {
			f.addf("original_dst_lb_config: does not lead to port %d of a pod", model.PortTunnel)
		}
		f.tunnelTLS(m)
	}
	f.noFiles(m)
	f.secrets(m, ofTunnel)
}

// internalUpstream checks that a cluster lets what an internal listener needs cross.
func (f *findings) internalUpstream(m *clusterv3.Cluster) *internalv3.InternalUpstreamTransport {
	out := new(internalv3.InternalUpstreamTransport)
	if err := m.GetTransportSocket().GetTypedConfig().UnmarshalTo(out); err != nil {
		f.addf("transport_socket: no hop to an internal listener: %v", err)
		return nil
	}
	if err := out.ValidateAll(); err != nil {
		f.addf("transport_socket: %v", err)
	}
	return out
}

// byHop checks a service's cluster at an HBONE waypoint: without the endpoint's metadata
// a tunnel would go nowhere, and to a ztunnel of any identity.
func (f *findings) byHop(m *clusterv3.Cluster) {
	if m.GetType() != clusterv3.Cluster_EDS || m.GetClusterType() != nil {
		return
	}
	passed := map[string]bool{}
	for _, p := range f.internalUpstream(m).GetPassthroughMetadata() {
		if p.GetKind().GetHost() != nil {
			passed[p.GetName()] = true
		}
	}
	if !passed[originalDstMeta] || !passed[MetadataKey] {
		f.addf("transport_socket: does not pass the endpoint's address and identity on")
	}
}

// tunnelTLS checks that tunnels of a cluster are encrypted, and to whom they lead.
func (f *findings) tunnelTLS(m *clusterv3.Cluster) {
	t := new(tlsv3.UpstreamTlsContext)
	if err := m.GetTransportSocket().GetTypedConfig().UnmarshalTo(t); err != nil {
		f.addf("transport_socket: no TLS: %v", err)
		return
	}
	f.mutualTLS(t.GetCommonTlsContext())
	for i, match := range m.GetTransportSocketMatches() {
		one := new(tlsv3.UpstreamTlsContext)
		if err := match.GetTransportSocket().GetTypedConfig().UnmarshalTo(one); err != nil {
			f.addf("transport_socket_matches[%d]: no TLS: %v", i, err)
		}
		f.mutualTLS(one.GetCommonTlsContext())
		names := one.GetCommonTlsContext().GetCombinedValidationContext().GetDefaultValidationContext().GetMatchTypedSubjectAltNames()
		if want := match.GetMatch().GetFields()[identityKey].GetStringValue(); len(names) != 1 || names[0].GetMatcher().GetExact() != want {
			f.addf("transport_socket_matches[%d]: lets others in than %q", i, want)
		}
	}
}

func (f *findings) mutualTLS(c *tlsv3.CommonTlsContext) {
	if err := c.ValidateAll(); err != nil {
		f.addf("common_tls_context: %v", err)
	}
	p := c.GetTlsParams()
	if p.GetTlsMinimumProtocolVersion() != tlsv3.TlsParameters_TLSv1_3 || p.GetTlsMaximumProtocolVersion() != tlsv3.TlsParameters_TLSv1_3 {
		f.addf("tls_params: not TLS 1.3 alone, which Envoy's clients do not speak by themselves")
	}
	if len(c.GetTlsCertificateSdsSecretConfigs()) != 1 || len(c.GetTlsCertificates()) > 0 {
		f.addf("tls_certificate_sds_secret_configs: %d instead of 1", len(c.GetTlsCertificateSdsSecretConfigs()))
	}
	v := c.GetCombinedValidationContext()
	names := v.GetDefaultValidationContext().GetMatchTypedSubjectAltNames()
	if len(names) == 0 || v.GetValidationContextSdsSecretConfig() == nil {
		f.addf("combined_validation_context: whoever has a certificate would do")
	}
	for i, n := range names {
		if is := n.GetMatcher().GetExact() + n.GetMatcher().GetPrefix(); n.GetSanType() != tlsv3.SubjectAltNameMatcher_URI || !strings.HasPrefix(is, "spiffe://") {
			f.addf("match_typed_subject_alt_names[%d]: %q is no SPIFFE id", i, is)
		}
	}
}

// hboneListener checks ConnectTerminate and ConnectOriginate; MainInternal is checked
// like the other listeners of services.
func (f *findings) hboneListener(m *listenerv3.Listener) {
	chains := m.GetFilterChains()
	if len(chains) != 1 || m.GetDefaultFilterChain() != nil {
		f.addf("filter_chains: %d instead of 1", len(chains))
		return
	}
	if m.GetName() == ConnectTerminate {
		f.terminates(m, chains[0])
	} else {
		f.originates(m, chains[0])
	}
	f.noFiles(m)
	f.secrets(m, ofTunnel)
}

func (f *findings) terminates(m *listenerv3.Listener, c *listenerv3.FilterChain) {
	if _, wrong := parseSocket(m.GetAddress(), true); wrong != "" {
		f.addf("address: %s", wrong)
	}
	t := new(tlsv3.DownstreamTlsContext)
	if err := c.GetTransportSocket().GetTypedConfig().UnmarshalTo(t); err != nil {
		f.addf("transport_socket: no TLS: %v", err)
	} else if !t.GetRequireClientCertificate().GetValue() {
		f.addf("transport_socket: clients without a certificate would do")
	}
	f.mutualTLS(t.GetCommonTlsContext())
	hcm := new(hcmv3.HttpConnectionManager)
	if f.only(c, hcm) == nil {
		return
	}
	for _, h := range hcm.GetRouteConfig().GetVirtualHosts() {
		for _, r := range h.GetRoutes() {
			if to := r.GetRoute().GetCluster(); r.GetMatch().GetConnectMatcher() == nil || to != MainInternal {
				f.addf("route_config: something else than CONNECT, or it leads to %q", to)
			}
		}
	}
}

func (f *findings) originates(m *listenerv3.Listener, c *listenerv3.FilterChain) {
	if m.GetInternalListener() == nil || m.GetAddress() != nil {
		f.addf("address: not internal")
	}
	filters := c.GetFilters()
	if len(filters) != 2 || !filters[0].GetTypedConfig().MessageIs(new(netsetstatev3.Config)) {
		f.addf("filters: the identity is not pinned before the tunnel begins")
		return
	}
	tcp := new(tcpproxyv3.TcpProxy)
	if f.last(c, tcp) != nil && (tcp.GetCluster() != ConnectOriginate || tcp.GetTunnelingConfig().GetHostname() != originalHost) {
		f.addf("filters: no tunnel to where the endpoint is")
	}
}

// only reads the one filter of a chain; nil if it is another.
func (f *findings) only(c *listenerv3.FilterChain, m checked) proto.Message {
	if n := len(c.GetFilters()); n != 1 {
		f.addf("filters: %d instead of 1", n)
		return nil
	}
	return f.last(c, m)
}

// last reads the last filter of a chain, which has some; nil if it is another.
func (f *findings) last(c *listenerv3.FilterChain, m checked) proto.Message {
	if !f.unpack("filters", c.GetFilters()[len(c.GetFilters())-1].GetTypedConfig(), m) {
		return nil
	}
	return m
}

// behindHop checks an endpoint that a ztunnel is in front of, and gives its address.
func (f *findings) behindHop(w where, e *endpointv3.LbEndpoint) (at netip.AddrPort, ok bool) {
	to := e.GetEndpoint().GetAddress().GetEnvoyInternalAddress()
	at, err := netip.ParseAddrPort(to.GetEndpointId())
	word := func(key, name string) string {
		return e.GetMetadata().GetFilterMetadata()[key].GetFields()[name].GetStringValue()
	}
	switch {
	case !f.hbone:
		f.addf("%s.address: not a socket address", w)
	case to.GetServerListenerName() != ConnectOriginate:
		f.addf("%s.address: leads to listener %q", w, to.GetServerListenerName())
	case err != nil || at.Port() == 0:
		f.addf("%s.address: %q is not IP:PORT", w, to.GetEndpointId())
	case word(originalDstMeta, "local") != to.GetEndpointId():
		f.addf("%s.metadata: does not say where the endpoint is", w)
	case !strings.HasPrefix(word(MetadataKey, identityKey), "spiffe://"):
		f.addf("%s.metadata: no identity", w)
	case len(e.GetEndpoint().GetAdditionalAddresses()) > 0:
		f.addf("%s.additional_addresses: an internal address has none", w)
	default:
		return at, true
	}
	return at, false
}
