package envoy

import (
	"fmt"
	"net/netip"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	dnsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/dns/v3"
)

// dns checks a cluster that Envoy resolves, with the load assignment that it holds,
// in which names may stand beside addresses.
func (f *findings) dns(m *clusterv3.Cluster) {
	if m.GetEdsClusterConfig() != nil {
		f.addf("eds_cluster_config: a cluster that is resolved by DNS has none")
	}
	settings := new(dnsv3.DnsCluster)
	packed := m.GetClusterType()
	if packed.GetName() != dnsClusterName {
		f.addf("cluster_type: %q is not served", packed.GetName())
		return
	}
	if !f.unpack("cluster_type", packed.GetTypedConfig(), settings) {
		return
	}
	if settings.GetDnsRefreshRate() == nil || settings.GetDnsFailureRefreshRate() == nil {
		f.addf("cluster_type: how often names are resolved is missing, so Envoy's 5 s would hold")
	}
	if r := settings.GetDnsFailureRefreshRate(); r.GetMaxInterval().AsDuration() < r.GetBaseInterval().AsDuration() {
		f.addf("cluster_type: dns_failure_refresh_rate: max_interval is below base_interval")
	}
	f.held(m, settings.GetAllAddressesInSingleEndpoint())
}

// held checks the load assignment that a cluster holds; a logical one has exactly
// one endpoint, or Envoy refuses it.
func (f *findings) held(m *clusterv3.Cluster, logical bool) {
	cla := m.GetLoadAssignment()
	if cla.GetClusterName() != m.GetName() {
		f.addf("load_assignment: is called %q, not like the cluster", cla.GetClusterName())
	}
	f.names = map[string]bool{}
	f.loadAssignment(cla)
	n := 0
	for i, g := range cla.GetEndpoints() {
		n += len(g.GetLbEndpoints())
		for j, e := range g.GetLbEndpoints() {
			if len(e.GetEndpoint().GetAdditionalAddresses()) > 0 {
				f.addf("%s.additional_addresses: an endpoint that is resolved has one address", where{i, j})
			}
		}
	}
	if logical && n != 1 {
		f.addf("load_assignment: %d endpoints, but all addresses are those of a single one", n)
	}
}

// host checks an address that is a name, and that it stands once with its port; it
// says no to what is an IP.
func (f *findings) host(w where, field string, a *corev3.SocketAddress) bool {
	if _, err := netip.ParseAddr(a.GetAddress()); a == nil || err == nil {
		return false
	}
	name := strings.TrimSuffix(a.GetAddress(), ".")
	at := fmt.Sprintf("%s port %d", name, a.GetPortValue())
	switch p := a.GetPortValue(); {
	case !isHostName(name):
		f.addf("%s.%s: %q is neither an IP nor a host name", w, field, a.GetAddress())
	case p < 1 || p > maxPort:
		f.addf("%s.%s: port %d is not in 1..65535", w, field, p)
	case f.names[at]:
		f.addf("%s.%s: %s stands twice", w, field, at)
	}
	f.names[at] = true
	return true
}

// isHostName says whether DNS can be asked for a name: labels of 1..63 lower-case
// letters, digits, "-" and "_", at most 253 in all, the last not a number.
func isHostName(s string) bool {
	if len(s) > 253 {
		return false
	}
	label := ""
	for label = range strings.SplitSeq(s, ".") {
		if len(label) < 1 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return strings.Trim(label, "0123456789") != ""
}
