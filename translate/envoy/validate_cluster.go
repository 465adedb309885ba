package envoy

import (
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
)

// compiledIn says which load balancing policies Envoy 1.40 has and coastwise
// sends (reference envoy 10).
func compiledIn(policy string) bool {
	switch strings.TrimPrefix(policy, lbPolicyPrefix) {
	case "least_request", "round_robin", "random", "ring_hash", "maglev", "cluster_provided":
		return strings.HasPrefix(policy, lbPolicyPrefix)
	}
	return false
}

func (f *findings) cluster(m *clusterv3.Cluster) {
	if _, _, _, ok := ParseClusterName(m.GetName()); !ok && !isFixed(m.GetName()) {
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
	default:
		f.balance(policies[0].GetTypedExtensionConfig().GetTypedConfig())
	}
	if m.GetCommonLbConfig().GetHealthyPanicThreshold() == nil {
		f.addf("common_lb_config.healthy_panic_threshold: missing")
	}
	f.outliers(m)
	f.pool(m)
	f.httpOptions(m)
	f.noFiles(m)
	switch {
	case IsTunnelName(m.GetName()):
		f.tunnelTLS(m)
		f.secrets(m, ofTunnel)
		return
	case f.hbone:
		f.byHop(m)
	}
	f.secrets(m, ofCredential)
}

// outliers checks that ejection is as written: Envoy would eject by success rate
// by itself, bounds an ejection below its base without a word, and merges updates
// over a second.
func (f *findings) outliers(m *clusterv3.Cluster) {
	o := m.GetOutlierDetection()
	if o == nil {
		return
	}
	if o.GetEnforcingSuccessRate() == nil {
		f.addf("outlier_detection.enforcing_success_rate: missing, so Envoy's 100 %% would hold")
	}
	if o.GetSplitExternalLocalOriginErrors() && o.GetEnforcingLocalOriginSuccessRate() == nil {
		f.addf("outlier_detection.enforcing_local_origin_success_rate: missing, so Envoy's 100 %% would hold")
	}
	longest, base := o.GetMaxEjectionTime(), o.GetBaseEjectionTime()
	if longest != nil && longest.AsDuration() < base.AsDuration() {
		f.addf("outlier_detection.max_ejection_time: %s is below base_ejection_time, %s", longest.AsDuration(), base.AsDuration())
	}
	if w := m.GetCommonLbConfig().GetUpdateMergeWindow(); w == nil || w.AsDuration() != 0 {
		f.addf("common_lb_config.update_merge_window: not 0s, which holds ejections back")
	}
}

// pool checks that limits are the user's, not Envoy's 1024, and that Linux takes
// the times of keep-alive, or no connection could be made.
func (f *findings) pool(m *clusterv3.Cluster) {
	thresholds := m.GetCircuitBreakers().GetThresholds()
	if len(thresholds) != 1 {
		f.addf("circuit_breakers.thresholds: %d instead of 1", len(thresholds))
	}
	for i, t := range thresholds {
		if t.MaxConnections == nil || t.MaxPendingRequests == nil || t.MaxRequests == nil || t.MaxRetries == nil {
			f.addf("circuit_breakers.thresholds[%d]: a limit is missing, so Envoy's 1024 would hold", i)
		}
	}
	if m.GetConnectTimeout().AsDuration() <= 0 {
		f.addf("connect_timeout: missing or not above 0")
	}
	k := m.GetUpstreamConnectionOptions().GetTcpKeepalive()
	if k.GetKeepaliveProbes().GetValue() > 127 || k.GetKeepaliveTime().GetValue() > 32767 || k.GetKeepaliveInterval().GetValue() > 32767 {
		f.addf("upstream_connection_options.tcp_keepalive: Linux takes at most 127 probes and 32767 s")
	}
}

// httpOptions checks what is packed inside the cluster.
func (f *findings) httpOptions(m *clusterv3.Cluster) {
	f.unpack("typed_extension_protocol_options", m.GetTypedExtensionProtocolOptions()[httpOptionsName], new(httpv3.HttpProtocolOptions))
}

// discovery checks that endpoints come over this stream, under a name that is
// the cluster's alone (reference xds rule 19), from DNS, or from nowhere at all.
func (f *findings) discovery(m *clusterv3.Cluster) {
	if m.GetOriginalDstLbConfig() != nil {
		f.addf("original_dst_lb_config: who sends a header or filter state would choose where the proxy connects")
	}
	if m.GetClusterType() != nil {
		f.dns(m)
		return
	}
	if isFixed(m.GetName()) {
		f.fixed(m)
		return
	}
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
