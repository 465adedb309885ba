package envoy

import (
	"fmt"
	"strconv"
	"strings"

	matcherv3 "github.com/cncf/xds/go/xds/type/matcher/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func (f *findings) listener(m *listenerv3.Listener) {
	if m.GetInternalListener() == nil {
		if _, wrong := parseSocket(m.GetAddress(), true); wrong != "" {
			f.addf("address: %s", wrong)
		}
	} else if m.GetAddress() != nil {
		f.addf("address: an internal listener has none")
	}
	if len(m.GetFilterChains()) == 0 && m.GetDefaultFilterChain() == nil {
		f.addf("filter_chains: empty")
	}
	names := make(map[string]bool, len(m.GetFilterChains()))
	for i, c := range m.GetFilterChains() {
		if names[c.GetName()] {
			f.addf("filter_chains[%d].name: %q stands twice", i, c.GetName())
		}
		names[c.GetName()] = true
		for j, filter := range c.GetFilters() {
			f.filter(fmt.Sprintf("filter_chains[%d].filters[%d]", i, j), filter)
		}
	}
	f.encrypted(m)
	for j, filter := range m.GetDefaultFilterChain().GetFilters() {
		f.filter(fmt.Sprintf("default_filter_chain.filters[%d]", j), filter)
	}
	switch matcher := m.GetFilterChainMatcher(); {
	case matcher != nil:
		f.leadsTo(matcher, names)
	case len(m.GetFilterChains()) > 1 && !byServerName(m):
		f.addf("filter_chain_matcher: missing, and there are %d chains", len(m.GetFilterChains()))
	}
	f.destination(m)
	f.noLoop(m)
	f.noFiles(m)
}

// leadsTo checks that each action of a matcher names a chain that there is: Envoy
// closes the connections of others without a word.
func (f *findings) leadsTo(m *matcherv3.Matcher, chains map[string]bool) {
	err := protorange.Range(m.ProtoReflect(), func(p protopath.Values) error {
		value, ok := p.Index(-1).Value.Interface().(protoreflect.Message)
		if !ok {
			return nil
		}
		if name, ok := value.Interface().(*wrapperspb.StringValue); ok && !chains[name.GetValue()] {
			f.addf("filter_chain_matcher: leads to chain %q, which is not there", name.GetValue())
		}
		return nil
	})
	if err != nil {
		f.addf("filter_chain_matcher: %v", err)
	}
}

// filter knows the two kinds of filter that are served.
func (f *findings) filter(where string, filter *listenerv3.Filter) {
	if tcp := new(tcpproxyv3.TcpProxy); filter.GetTypedConfig().MessageIs(tcp) {
		f.tcpProxy(where, filter, tcp)
		return
	}
	hcm := new(hcmv3.HttpConnectionManager)
	if !f.unpack(where, filter.GetTypedConfig(), hcm) {
		return
	}
	if rds := hcm.GetRds(); rds.GetConfigSource().GetAds() == nil || rds.GetRouteConfigName() == "" {
		f.addf("%s: routes do not come over ADS", where)
	}
}

func (f *findings) tcpProxy(where string, filter *listenerv3.Filter, m *tcpproxyv3.TcpProxy) {
	if !f.unpack(where, filter.GetTypedConfig(), m) {
		return
	}
	if _, _, _, ok := ParseClusterName(m.GetCluster()); !ok && m.GetCluster() != blackholeCluster && !passesOn(m.GetCluster()) {
		f.addf("%s.cluster: %q is not outbound|PORT|SUBSET|HOST", where, m.GetCluster())
	}
	if IsTunnelName(m.GetCluster()) && m.GetTunnelingConfig() == nil {
		f.addf("%s.tunneling_config: missing, and the cluster's endpoints are ztunnels", where)
	}
	if t := m.GetTunnelingConfig(); t != nil {
		f.tunneling(where+".tunneling_config", t)
	}
	if n := len(m.GetHashPolicy()); n > 1 {
		f.addf("%s.hash_policy: %d keys, and Envoy takes one", where, n)
	}
	if m.GetMaxConnectAttempts() == nil {
		f.addf("%s.max_connect_attempts: missing, so the first endpoint that is down would fail the connection", where)
	}
	if m.GetMaxConnectAttempts().GetValue() > 1 && m.GetBackoffOptions() == nil {
		f.addf("%s.backoff_options: missing, so all attempts may meet the same endpoint before it is ejected", where)
	}
}

// tunneling knows only a literal target: its hostname is a format in Envoy.
func (f *findings) tunneling(where string, m *tcpproxyv3.TcpProxy_TunnelingConfig) {
	host, port, _ := cutLast(m.GetHostname(), ":")
	if n, err := strconv.ParseUint(port, 10, 16); host == "" || err != nil || n == 0 || strings.ContainsAny(m.GetHostname(), "% /@") {
		f.addf("%s.hostname: %q is not HOST:PORT", where, m.GetHostname())
	}
	if len(m.GetHeadersToAdd()) > 0 || m.GetPostPath() != "" {
		f.addf("%s: headers and paths are not served", where)
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
