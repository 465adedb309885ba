package envoy

import (
	"fmt"
	"strconv"
	"strings"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
)

func (f *findings) listener(m *listenerv3.Listener) {
	if _, wrong := parseSocket(m.GetAddress(), true); wrong != "" {
		f.addf("address: %s", wrong)
	}
	if len(m.GetFilterChains()) == 0 {
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
	f.noFiles(m)
}

// filter knows the two kinds of filter that are served.
func (f *findings) filter(where string, filter *listenerv3.Filter) {
	if tcp := new(tcpproxyv3.TcpProxy); filter.GetTypedConfig().MessageIs(tcp) {
		f.tcpProxy(where, filter, tcp)
		return
	}
	hcm := new(hcmv3.HttpConnectionManager)
	if err := filter.GetTypedConfig().UnmarshalTo(hcm); err != nil {
		f.addf("%s: %v", where, err)
		return
	}
	if err := hcm.ValidateAll(); err != nil {
		f.addf("%s: %v", where, err)
	}
	if rds := hcm.GetRds(); rds.GetConfigSource().GetAds() == nil || rds.GetRouteConfigName() == "" {
		f.addf("%s: routes do not come over ADS", where)
	}
}

func (f *findings) tcpProxy(where string, filter *listenerv3.Filter, m *tcpproxyv3.TcpProxy) {
	if err := filter.GetTypedConfig().UnmarshalTo(m); err != nil {
		f.addf("%s: %v", where, err)
		return
	}
	if err := m.ValidateAll(); err != nil {
		f.addf("%s: %v", where, err)
	}
	if _, _, _, ok := ParseClusterName(m.GetCluster()); !ok {
		f.addf("%s.cluster: %q is not outbound|PORT|SUBSET|HOST", where, m.GetCluster())
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
