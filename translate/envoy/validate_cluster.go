package envoy

import (
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
)

// compiledIn says which load balancing policies Envoy 1.40 has and coastwise
// sends (reference envoy 10).
func compiledIn(policy string) bool {
	switch strings.TrimPrefix(policy, lbPolicyPrefix) {
	case "least_request", "round_robin", "random", "cluster_provided":
		return strings.HasPrefix(policy, lbPolicyPrefix)
	}
	return false
}

func (f *findings) cluster(m *clusterv3.Cluster) {
	if _, _, _, ok := ParseClusterName(m.GetName()); !ok {
		f.addf("name: %q is not outbound|PORT|SUBSET|HOST", m.GetName())
	}
	switch alt := m.GetAltStatName(); {
	case alt == "":
		f.addf("alt_stat_name: missing")
	case strings.Contains(alt, "."):
		f.addf("alt_stat_name: %q has a dot, which spoils Envoy's stat tags", alt)
	}
	f.discovery(m)
	switch policies := m.GetLoadBalancingPolicy().GetPolicies(); {
	case len(policies) != 1:
		f.addf("load_balancing_policy: %d policies instead of 1", len(policies))
	case !compiledIn(policies[0].GetTypedExtensionConfig().GetName()):
		f.addf("load_balancing_policy: Envoy has no %q", policies[0].GetTypedExtensionConfig().GetName())
	}
	if m.GetCommonLbConfig().GetHealthyPanicThreshold() == nil {
		f.addf("common_lb_config.healthy_panic_threshold: missing")
	}
	f.noFiles(m)
}

// discovery checks that endpoints come over this stream, under a name that is
// the cluster's alone (reference xds rule 19), or from nowhere at all.
func (f *findings) discovery(m *clusterv3.Cluster) {
	eds := m.GetEdsClusterConfig()
	switch m.GetType() {
	case clusterv3.Cluster_EDS:
		if eds.GetEdsConfig().GetAds() == nil {
			f.addf("eds_cluster_config: not over ADS")
		}
		if eds.GetServiceName() != m.GetName() {
			f.addf("eds_cluster_config.service_name: %q is not the cluster's name", eds.GetServiceName())
		}
	case clusterv3.Cluster_ORIGINAL_DST:
		if eds != nil {
			f.addf("eds_cluster_config: an ORIGINAL_DST cluster has none")
		}
	default:
		f.addf("type: %s is not served", m.GetType())
	}
	if m.GetLoadAssignment() != nil {
		f.addf("load_assignment: must come by EDS")
	}
}
