package envoy

import (
	"cmp"
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
	httpsetstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/set_filter_state/v3"
	originaldstv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/original_dst/v3"
	proxyprotocolv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/proxy_protocol/v3"
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

// listenerFilters learn where a connection was to go: from the PROXY header, or from
// the kernel or the filter state.
func (e Entrance) listenerFilters() []*listenerv3.ListenerFilter {
	if e.Proxied {
		return []*listenerv3.ListenerFilter{listenerFilter("envoy.filters.listener.proxy_protocol", &proxyprotocolv3.ProxyProtocol{
			Rules: []*proxyprotocolv3.ProxyProtocol_Rule{{
				TlvType:      tlvPrincipal,
				OnTlvPresent: &proxyprotocolv3.ProxyProtocol_KeyValuePair{MetadataNamespace: MetadataKey, Key: "peer_principal"},
			}},
			TlvLocation: proxyprotocolv3.ProxyProtocol_FILTER_STATE,
		})}
	}
	return []*listenerv3.ListenerFilter{listenerFilter("envoy.filters.listener.original_dst", &originaldstv3.OriginalDst{})}
}

// principalFromHeader keeps the peer of a PROXY header where policy looks for it.
func principalFromHeader() *httpsetstatev3.Config {
	return &httpsetstatev3.Config{OnRequestHeaders: []*setstatev3.FilterStateValue{
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
	byIP := e.elsewhere(ipMatcher(chains))
	if !e.Authority || len(chains) == 0 {
		return byIP
	}
	names := map[string]*matcherv3.Matcher_OnMatch{}
	for _, c := range chains {
		at := strconv.FormatUint(uint64(c.Port), 10)
		for _, host := range append(shortNames(e.Namespace, c.Service), c.VIPs...) {
			authority := bracketed(host) + ":" + at
			if names[authority] == nil {
				names[authority] = leadsTo(c)
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

// ipMatcher is by virtual IP, then by port; nil where no chain has a virtual IP.
func ipMatcher(chains []Chain) *matcherv3.Matcher {
	ranges := &matcherv3.IPMatcher{}
	ports := map[string]map[string]*matcherv3.Matcher_OnMatch{}
	for _, c := range chains {
		for _, vip := range c.VIPs {
			ip, err := netip.ParseAddr(vip)
			if err != nil {
				continue // ingest gives none such
			}
			if ports[vip] == nil {
				ports[vip] = map[string]*matcherv3.Matcher_OnMatch{}
				ranges.RangeMatchers = append(ranges.RangeMatchers, &matcherv3.IPMatcher_IPRangeMatcher{
					Ranges: []*xdscorev3.CidrRange{{AddressPrefix: vip, PrefixLen: wrapperspb.UInt32(uint32(ip.BitLen()))}},
					OnMatch: &matcherv3.Matcher_OnMatch{OnMatch: &matcherv3.Matcher_OnMatch_Matcher{Matcher: &matcherv3.Matcher{
						MatcherType: &matcherv3.Matcher_MatcherTree_{MatcherTree: &matcherv3.Matcher_MatcherTree{
							Input:    input("port", &networkv3.DestinationPortInput{}),
							TreeType: &matcherv3.Matcher_MatcherTree_ExactMatchMap{ExactMatchMap: &matcherv3.Matcher_MatcherTree_MatchMap{Map: ports[vip]}},
						}},
					}}},
				})
			}
			at := strconv.FormatUint(uint64(c.Port), 10)
			if ports[vip][at] == nil {
				ports[vip][at] = leadsTo(c)
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

// input is an extension of a matcher: what it looks at, or an action.
func input(name string, config proto.Message) *xdscorev3.TypedExtensionConfig {
	return &xdscorev3.TypedExtensionConfig{Name: name, TypedConfig: pack(config)}
}

// elsewhere is what byIP finds, and then the proxy's own ports.
func (e Entrance) elsewhere(byIP *matcherv3.Matcher) *matcherv3.Matcher {
	own := ownPorts(e.Own)
	if byIP == nil || own == nil {
		return cmp.Or(byIP, own)
	}
	byIP.OnNoMatch = &matcherv3.Matcher_OnMatch{OnMatch: &matcherv3.Matcher_OnMatch_Matcher{Matcher: own}}
	return byIP
}

// ownPorts closes connections to these ports; nil without any.
func ownPorts(ports []uint32) *matcherv3.Matcher {
	if len(ports) == 0 {
		return nil
	}
	closed := map[string]*matcherv3.Matcher_OnMatch{}
	for _, port := range ports {
		closed[strconv.FormatUint(uint64(port), 10)] = leadsToChain(nowhereChain)
	}
	return &matcherv3.Matcher{MatcherType: &matcherv3.Matcher_MatcherTree_{MatcherTree: &matcherv3.Matcher_MatcherTree{
		Input:    input("port", &networkv3.DestinationPortInput{}),
		TreeType: &matcherv3.Matcher_MatcherTree_ExactMatchMap{ExactMatchMap: &matcherv3.Matcher_MatcherTree_MatchMap{Map: closed}},
	}}}
}

// leadsTo names the chain.
func leadsTo(c Chain) *matcherv3.Matcher_OnMatch { return leadsToChain(c.Name()) }

func leadsToChain(chain string) *matcherv3.Matcher_OnMatch {
	name := &wrapperspb.StringValue{Value: chain}
	return &matcherv3.Matcher_OnMatch{OnMatch: &matcherv3.Matcher_OnMatch_Action{
		Action: &xdscorev3.TypedExtensionConfig{Name: "chain", TypedConfig: pack(name)},
	}}
}
