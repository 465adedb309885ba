package compat

// meshConfig is reference/destination-rule.md 2.10. Istio's MeshConfig is no
// object of a cluster; of its fields those that touch load balancing are here.
func meshConfig() Section {
	const (
		rule     = "DestinationRule spec.trafficPolicy."
		notAKind = "unknown field"
	)
	return Section{
		Kind: "MeshConfig", APIVersion: ours, Istio: "the mesh's config",
		About: "Cluster-scoped, and the only one is named `default`. Istio's is no object and is not read; of its fields only what touches load balancing is listed.",
		Rows: []Row{
			{Field: "spec.rootNamespace", Status: Honoured, Becomes: "where rules for all namespaces stand", Notes: "coastwise-system by default"},
			{Field: "spec.suspend", Status: Honoured, Own: true, Becomes: "`ClusterLoadAssignment.endpoints.priority`", Notes: "one flat pool for all; what is forbidden stays forbidden"},
			{
				Field: "spec.localityLbSetting", Status: Honoured, As: rule + "loadBalancer.localityLbSetting",
				Becomes: "`ClusterLoadAssignment.endpoints.priority`", Notes: "where neither rule nor service speaks",
			},
			{
				Field: "spec.localityLbSetting.enabled", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`",
				Notes: "only true switches it on; in Istio it is on by default",
			},
			{
				Field: "spec.localityLbSetting.allowedRegions", Status: Honoured, Own: true, Becomes: "`ClusterLoadAssignment.endpoints`",
				Notes: "intersected with those of every rule",
			},
			{Field: "spec.zoneAwareLbSetting.enabled", Status: NotYet, Notes: "localityLbSetting of the mesh counts instead"},
			{Field: "spec.zoneAwareLbSetting.minClusterSize", Status: NotYet, Notes: "as enabled"},
			{Field: "spec.zoneAwareLbSetting.failover[].from", Status: NotYet, Notes: "as enabled"},
			{Field: "spec.zoneAwareLbSetting.failover[].to", Status: NotYet, Notes: "as enabled"},
			{Field: "spec.zoneAwareLbSetting.failoverPriority", Status: NotYet, Notes: "as enabled"},
			{
				Field: "spec.defaultTrafficPolicy.connectionPool", Status: Honoured, As: rule + "connectionPool",
				Becomes: "every cluster whose policy has no such block", Notes: "for clients of every kind",
			},
			{
				Field: "spec.defaultTrafficPolicy.outlierDetection", Status: Honoured, As: rule + "outlierDetection",
				Becomes: "every cluster whose policy has no such block", Notes: "for clients of every kind",
			},
			{Field: "spec.connectTimeout", Status: Honoured, Becomes: "`Cluster.connect_timeout`", Notes: "10s by default"},
			{
				Field: "spec.tcpKeepalive.probes", Status: Honoured, Becomes: "`Cluster.upstream_connection_options.tcp_keepalive.keepalive_probes`",
				Notes: "a rule's keepalive wins, attribute by attribute",
			},
			{Field: "spec.tcpKeepalive.time", Status: Honoured, Becomes: "`Cluster.upstream_connection_options.tcp_keepalive.keepalive_time`"},
			{Field: "spec.tcpKeepalive.interval", Status: Honoured, Becomes: "`Cluster.upstream_connection_options.tcp_keepalive.keepalive_interval`"},
			{
				Field: "spec.h2UpgradePolicy", Status: Honoured, Becomes: "`HttpProtocolOptions.explicit_http_config.http2_protocol_options`",
				Notes: "only where a port declares HTTP",
			},
			{Field: "spec.dnsRefreshRate", Status: Honoured, Becomes: "`DnsCluster.dns_refresh_rate`", Notes: "where an answer has no TTL; 60s by default"},
			{
				Field: "spec.outboundTrafficPolicy.mode", Value: "REGISTRY_ONLY", Status: Honoured, Becomes: "`Listener.default_filter_chain` of capture and outbound",
				Notes: "missing: captured connections to unknown destinations are closed, and so are those of CONNECT", Story: "9.7-capture-registry-only",
			},
			{
				Field: "spec.outboundTrafficPolicy.mode", Status: Honoured, Becomes: "`Listener.default_filter_chain` of capture and outbound",
				Notes: "ALLOW_ANY by default: they are passed on to where they go; a plain request for an unknown host is answered 502 in both modes",
			},
			{Field: "spec.enableAutoMtls", Status: Refused, Notes: notAKind + ": a rule's tls says what is encrypted"},
			{Field: "spec.serviceSettings", Status: Refused, Notes: notAKind + ": there is one cluster of Kubernetes"},
			{Field: "spec.serviceScopeConfigs", Status: Refused, Notes: notAKind + ": there is one cluster of Kubernetes"},
			{Field: "spec.defaultHttpRetryPolicy", Status: Refused, Notes: notAKind + ": 2 retries of what no endpoint has begun to serve"},
			{Field: "spec.defaultServiceExportTo", Status: Refused, Notes: notAKind + ": a Service says it by annotation"},
			{Field: "spec.defaultDestinationRuleExportTo", Status: Refused, Notes: notAKind + ": a rule says it in spec.exportTo"},
		},
	}
}
