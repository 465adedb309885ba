package envoy

import (
	"net/netip"
	"strconv"
	"strings"

	xdscorev3 "github.com/cncf/xds/go/xds/core/v3"
	matcherv3 "github.com/cncf/xds/go/xds/type/matcher/v3"
	mutationrulesv3 "github.com/envoyproxy/go-control-plane/envoy/config/common/mutation_rules/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	setstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/common/set_filter_state/v3"
	headermutationv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	originaldstv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/original_dst/v3"
	proxyprotocolv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/proxy_protocol/v3"
	listenersetstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/set_filter_state/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	networkv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/matching/common_inputs/network/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The keys of filter state that a connection's facts are kept under.
const (
	connectAuthority = "coastwise.connect_authority"
	peerPrincipal    = "coastwise.peer_principal"
	hashableString   = "envoy.hashable_string"
)

// The listener filters of a waypoint behind a ztunnel.
const (
	proxyHeaderFilter = "envoy.filters.listener.proxy_protocol"
	keepPeerFilter    = "envoy.filters.listener.set_filter_state"
)

// tlvPrincipal is the TLV of a PROXY v2 header in which a ztunnel gives its peer's
// SPIFFE id (reference/ambient.md 2).
const tlvPrincipal = 0xD0

// blackholeCluster is the name of a cluster that there never is.
const blackholeCluster = "blackhole"

// blackhole fails every connection at once.
func blackhole() *tcpproxyv3.TcpProxy {
	return &tcpproxyv3.TcpProxy{
		StatPrefix: blackholeCluster, ClusterSpecifier: &tcpproxyv3.TcpProxy_Cluster{Cluster: blackholeCluster},
		MaxConnectAttempts: wrapperspb.UInt32(1),
	}
}

func networkFilter(name string, config proto.Message) *listenerv3.Filter {
	return &listenerv3.Filter{Name: name, ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: pack(config)}}
}

func httpFilter(name string, config proto.Message) *hcmv3.HttpFilter {
	return &hcmv3.HttpFilter{Name: name, ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: pack(config)}}
}

func listenerFilter(name string, config proto.Message) *listenerv3.ListenerFilter {
	return &listenerv3.ListenerFilter{Name: name, ConfigType: &listenerv3.ListenerFilter_TypedConfig{TypedConfig: pack(config)}}
}

// listenerFilters learn where a connection was to go: from the PROXY header, which also
// says who the peer is, or from the kernel or the filter state.
func (e Entrance) listenerFilters() []*listenerv3.ListenerFilter {
	if e.Proxied {
		return []*listenerv3.ListenerFilter{listenerFilter(proxyHeaderFilter, &proxyprotocolv3.ProxyProtocol{
			Rules: []*proxyprotocolv3.ProxyProtocol_Rule{{
				TlvType:      tlvPrincipal,
				OnTlvPresent: &proxyprotocolv3.ProxyProtocol_KeyValuePair{MetadataNamespace: MetadataKey, Key: "peer_principal"},
			}},
			TlvLocation: proxyprotocolv3.ProxyProtocol_FILTER_STATE,
		}), listenerFilter(keepPeerFilter, principalFromHeader())}
	}
	return []*listenerv3.ListenerFilter{listenerFilter("envoy.filters.listener.original_dst", &originaldstv3.OriginalDst{})}
}

// principalFromHeader keeps the peer of a PROXY header where policy looks for it, for
// all chains at once: as a filter of each it was a sixth of what a chain costs.
func principalFromHeader() *listenersetstatev3.Config {
	return &listenersetstatev3.Config{OnAccept: []*setstatev3.FilterStateValue{
		stateValue(peerPrincipal, "%FILTER_STATE(envoy.network.proxy_protocol.tlv:FIELD:peer_principal)%", setstatev3.FilterStateValue_NONE),
	}}
}

// stateValue keeps what a format gives under a key of ours.
func stateValue(key, format string, shared setstatev3.FilterStateValue_SharedWithUpstream) *setstatev3.FilterStateValue {
	return &setstatev3.FilterStateValue{
		Key:                &setstatev3.FilterStateValue_ObjectKey{ObjectKey: key},
		FactoryKey:         hashableString,
		Value:              &setstatev3.FilterStateValue_FormatString{FormatString: textFormat(format)},
		SharedWithUpstream: shared,
	}
}

func textFormat(format string) *corev3.SubstitutionFormatString {
	return &corev3.SubstitutionFormatString{Format: &corev3.SubstitutionFormatString_TextFormatSource{
		TextFormatSource: &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: format}},
	}}
}

// forwardedCert says who the peer is, in x-forwarded-client-cert; what a client says
// of it there is dropped, since forward_client_cert_details is SANITIZE by default.
func forwardedCert() *headermutationv3.HeaderMutation {
	return &headermutationv3.HeaderMutation{Mutations: &headermutationv3.Mutations{
		RequestMutations: []*mutationrulesv3.HeaderMutation{{Action: &mutationrulesv3.HeaderMutation_Append{
			Append: &corev3.HeaderValueOption{
				Header:       &corev3.HeaderValue{Key: "x-forwarded-client-cert", Value: "URI=%FILTER_STATE(" + peerPrincipal + ":PLAIN)%"},
				AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
			},
		}}},
	}}
}

// matcher finds a connection's chain: by its authority, then by its destination.
// nil where nothing leads to any.
func (e Entrance) matcher(chains []Chain) *matcherv3.Matcher {
	byIP := e.elsewhere(e.ipMatcher(chains), chains)
	if !e.Authority || len(chains) == 0 {
		return byIP
	}
	names := map[string]*matcherv3.Matcher_OnMatch{}
	for _, c := range chains {
		at := portText(c.Port)
		for _, host := range append(shortNames(e.Namespace, c.Service), c.VIPs...) {
			authority := bracketed(host) + ":" + at
			if names[authority] == nil {
				names[authority] = e.to(c)
			}
		}
	}
	tree := &matcherv3.Matcher_MatcherTree{
		Input:    input("authority", &networkv3.FilterStateInput{Key: connectAuthority}),
		TreeType: &matcherv3.Matcher_MatcherTree_ExactMatchMap{ExactMatchMap: &matcherv3.Matcher_MatcherTree_MatchMap{Map: names}},
	}
	out := &matcherv3.Matcher{MatcherType: &matcherv3.Matcher_MatcherTree_{MatcherTree: tree}}
	if byIP != nil {
		out.OnNoMatch = &matcherv3.Matcher_OnMatch{OnMatch: &matcherv3.Matcher_OnMatch_Matcher{Matcher: byIP}}
	}
	return out
}

// bracketed is a host as it stands before a port.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// ipMatcher is by virtual IP and block, of which Envoy takes the longest prefix that has
// the port, then by port; nil where no chain has any.
func (e Entrance) ipMatcher(chains []Chain) *matcherv3.Matcher {
	ranges := &matcherv3.IPMatcher{}
	ports := map[netip.Prefix]map[string]*matcherv3.Matcher_OnMatch{}
	for _, c := range chains {
		for _, block := range c.prefixes() {
			if ports[block] == nil {
				ports[block] = map[string]*matcherv3.Matcher_OnMatch{}
				ranges.RangeMatchers = append(ranges.RangeMatchers, &matcherv3.IPMatcher_IPRangeMatcher{
					Ranges:  []*xdscorev3.CidrRange{{AddressPrefix: block.Addr().String(), PrefixLen: wrapperspb.UInt32(uint32(block.Bits()))}},
					OnMatch: &matcherv3.Matcher_OnMatch{OnMatch: &matcherv3.Matcher_OnMatch_Matcher{Matcher: byPort(ports[block])}},
				})
			}
			if at := portText(c.Port); ports[block][at] == nil {
				ports[block][at] = e.to(c)
			}
		}
	}
	if len(ranges.RangeMatchers) == 0 {
		return nil
	}
	return &matcherv3.Matcher{MatcherType: &matcherv3.Matcher_MatcherTree_{MatcherTree: &matcherv3.Matcher_MatcherTree{
		Input: input("ip", &networkv3.DestinationIPInput{}),
		TreeType: &matcherv3.Matcher_MatcherTree_CustomMatch{
			CustomMatch: &xdscorev3.TypedExtensionConfig{Name: "ip", TypedConfig: pack(ranges)},
		},
	}}}
}

// prefixes are its virtual IPs and blocks; ingest gives none that cannot be read.
func (c Chain) prefixes() []netip.Prefix {
	out := make([]netip.Prefix, 0, len(c.VIPs)+len(c.Blocks))
	for _, vip := range c.VIPs {
		if ip, err := netip.ParseAddr(vip); err == nil {
			out = append(out, netip.PrefixFrom(ip, ip.BitLen()))
		}
	}
	for _, text := range c.Blocks {
		if block, err := netip.ParsePrefix(text); err == nil {
			out = append(out, block)
		}
	}
	return out
}

// byPort finds by the destination's port.
func byPort(ports map[string]*matcherv3.Matcher_OnMatch) *matcherv3.Matcher {
	return &matcherv3.Matcher{MatcherType: &matcherv3.Matcher_MatcherTree_{MatcherTree: &matcherv3.Matcher_MatcherTree{
		Input:    input("port", &networkv3.DestinationPortInput{}),
		TreeType: &matcherv3.Matcher_MatcherTree_ExactMatchMap{ExactMatchMap: &matcherv3.Matcher_MatcherTree_MatchMap{Map: ports}},
	}}}
}

func portText(port uint32) string { return strconv.FormatUint(uint64(port), 10) }

// input is an extension of a matcher: what it looks at, or an action.
func input(name string, config proto.Message) *xdscorev3.TypedExtensionConfig {
	return &xdscorev3.TypedExtensionConfig{Name: name, TypedConfig: pack(config)}
}

// elsewhere is what byIP finds, and then what is told by its port alone: the proxy's own
// ports, which are closed, and those of chains that have them at any address.
func (e Entrance) elsewhere(byIP *matcherv3.Matcher, chains []Chain) *matcherv3.Matcher {
	ports := map[string]*matcherv3.Matcher_OnMatch{}
	for _, port := range e.Own {
		ports[portText(port)] = leadsToChain(nowhereChain)
	}
	for _, c := range chains {
		if at := portText(c.Port); c.Alone && ports[at] == nil {
			ports[at] = leadsToChain(c.aloneName())
		}
	}
	if len(ports) == 0 {
		return byIP
	}
	if byIP == nil {
		return byPort(ports)
	}
	byIP.OnNoMatch = &matcherv3.Matcher_OnMatch{OnMatch: &matcherv3.Matcher_OnMatch_Matcher{Matcher: byPort(ports)}}
	return byIP
}

// to names the chain, or the one that closes.
func (e Entrance) to(c Chain) *matcherv3.Matcher_OnMatch {
	if e.closes(c) {
		return leadsToChain(nowhereChain)
	}
	return leadsToChain(c.Name())
}

func leadsToChain(chain string) *matcherv3.Matcher_OnMatch {
	name := &wrapperspb.StringValue{Value: chain}
	return &matcherv3.Matcher_OnMatch{OnMatch: &matcherv3.Matcher_OnMatch_Action{
		Action: &xdscorev3.TypedExtensionConfig{Name: "chain", TypedConfig: pack(name)},
	}}
}
