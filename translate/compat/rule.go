package compat

import "slices"

const (
	ours  = "networking.coastwise.dev/v1alpha1"
	istio = "networking.istio.io"
)

// destinationRule is reference/destination-rule.md 2.1 to 2.8.
func destinationRule() Section {
	return Section{
		Kind: "DestinationRule", APIVersion: ours, Istio: istio,
		About: "A `trafficPolicy` stands in a rule and in each of its subsets; `loadBalancer`, `connectionPool`, `outlierDetection` and `tls` " +
			"also in each entry of `portLevelSettings`. Their fields are listed once.",
		Rows: slices.Concat(ruleRows(), policyRows(), loadBalancerRows(), localityRows(), poolRows(), outlierRows(), tlsRows()),
	}
}

func ruleRows() []Row {
	return []Row{
		{
			Field: "metadata.namespace", Status: Honoured, Becomes: "the level at which the rule is found",
			Notes: "the client's namespace, then the service's, then the root namespace",
		},
		{
			Field: "metadata.creationTimestamp", Status: Honoured, Becomes: "which of two rules for one host counts",
			Notes: "the older; absent is equal", Story: "3-lookup-older",
		},
		{
			Field: "spec.host", Status: Honoured, Becomes: "which clusters the rule is for",
			Notes: "a name without a dot is completed with the rule's namespace; a wildcard is the whole first label",
		},
		{
			Field: "spec.exportTo", Status: Honoured, Becomes: "which clients the rule is for",
		},
		{
			Field: "spec.workloadSelector.matchLabels", Status: Honoured, Becomes: "which clients of the rule's namespace it is for",
		},
		{
			Field: "spec.subsets[].name", Status: Honoured, Becomes: "`Cluster.name`",
			Notes: "a cluster of its own for each port; at most 64, in Istio's kind 256",
		},
		{
			Field: "spec.subsets[].labels", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints`",
			Notes: "which endpoints the cluster of the subset has",
		},
		{
			Field: "spec.subsets[].trafficPolicy", Status: Honoured, As: "DestinationRule spec.trafficPolicy",
			Becomes: "the cluster of the subset", Notes: "overrides the rule's block by block",
		},
	}
}

func policyRows() []Row {
	const port = "spec.trafficPolicy.portLevelSettings[]"
	return []Row{
		{
			Field: port + ".port.number", Status: Honoured, Becomes: "which cluster the entry is for",
			Notes: "the entry replaces loadBalancer, connectionPool, outlierDetection and tls, all four",
		},
		{Field: port + ".loadBalancer", Status: Honoured, As: "DestinationRule spec.trafficPolicy.loadBalancer", Becomes: "the clusters of that port"},
		{Field: port + ".connectionPool", Status: Honoured, As: "DestinationRule spec.trafficPolicy.connectionPool", Becomes: "the clusters of that port"},
		{Field: port + ".outlierDetection", Status: Honoured, As: "DestinationRule spec.trafficPolicy.outlierDetection", Becomes: "the clusters of that port"},
		{Field: port + ".tls", Status: Honoured, As: "DestinationRule spec.trafficPolicy.tls", Becomes: "the clusters of that port"},
		{
			Field: "spec.trafficPolicy.tunnel.protocol", Status: Honoured, Becomes: "`TcpProxy.tunneling_config.use_post`",
			Notes: "CONNECT by default; TCP listeners lead into the tunnel, and no request goes past it",
		},
		{Field: "spec.trafficPolicy.tunnel.targetHost", Status: Honoured, Becomes: "`TcpProxy.tunneling_config.hostname`"},
		{Field: "spec.trafficPolicy.tunnel.targetPort", Status: Honoured, Becomes: "`TcpProxy.tunneling_config.hostname`"},
		{
			Field: "spec.trafficPolicy.proxyProtocol.version", Status: Honoured, Becomes: "`ProxyProtocolUpstreamTransport.config`",
			Notes: "V1 is the default, also of {}; no entry of a port takes it away",
		},
		{
			Field: "spec.trafficPolicy.retryBudget.percent", Status: Honoured,
			Becomes: "`Cluster.circuit_breakers.thresholds.retry_budget.budget_percent`", Notes: "20 by default",
		},
		{
			Field: "spec.trafficPolicy.retryBudget.minRetryConcurrency", Status: Honoured,
			Becomes: "`Cluster.circuit_breakers.thresholds.retry_budget.min_retry_concurrency`", Notes: "3 by default; 0 is 0, in Istio it is unset",
		},
		{
			Field: "spec.trafficPolicy.retryBudget.budgetInterval", Status: Honoured,
			Becomes: "`Cluster.circuit_breakers.thresholds.retry_budget.budget_interval`",
		},
	}
}

func poolRows() []Row {
	const (
		tcp  = "spec.trafficPolicy.connectionPool.tcp."
		http = "spec.trafficPolicy.connectionPool.http."
	)
	return []Row{
		{Field: tcp + "maxConnections", Status: Honoured, Becomes: "`Cluster.circuit_breakers.thresholds.max_connections`"},
		{Field: tcp + "connectTimeout", Status: Honoured, Becomes: "`Cluster.connect_timeout`", Notes: "10s by default"},
		{
			Field: tcp + "tcpKeepalive.probes", Status: Honoured,
			Becomes: "`Cluster.upstream_connection_options.tcp_keepalive.keepalive_probes`", Notes: "at most 127; 0 switches probing off",
		},
		{
			Field: tcp + "tcpKeepalive.time", Status: Honoured,
			Becomes: "`Cluster.upstream_connection_options.tcp_keepalive.keepalive_time`", Notes: "whole seconds, rounded up, at most 32767s",
		},
		{
			Field: tcp + "tcpKeepalive.interval", Status: Honoured,
			Becomes: "`Cluster.upstream_connection_options.tcp_keepalive.keepalive_interval`", Notes: "as time",
		},
		{
			Field: tcp + "maxConnectionDuration", Status: Honoured,
			Becomes: "`HttpProtocolOptions.common_http_protocol_options.max_connection_duration`", Notes: "of HTTP connections",
		},
		{
			Field: tcp + "idleTimeout", Status: Honoured,
			Becomes: "`TcpProxy.idle_timeout`, `HttpProtocolOptions.common_http_protocol_options.idle_timeout`",
			Notes:   "of HTTP connections too, unless http.idleTimeout is set; 0s is never",
		},
		{Field: http + "http1MaxPendingRequests", Status: Honoured, Becomes: "`Cluster.circuit_breakers.thresholds.max_pending_requests`"},
		{Field: http + "http2MaxRequests", Status: Honoured, Becomes: "`Cluster.circuit_breakers.thresholds.max_requests`", Notes: "of HTTP/1 too"},
		{
			Field: http + "maxRequestsPerConnection", Status: Honoured,
			Becomes: "`HttpProtocolOptions.common_http_protocol_options.max_requests_per_connection`",
		},
		{Field: http + "maxRetries", Status: Honoured, Becomes: "`Cluster.circuit_breakers.thresholds.max_retries`"},
		{Field: http + "idleTimeout", Status: Honoured, Becomes: "`HttpProtocolOptions.common_http_protocol_options.idle_timeout`"},
		{
			Field: http + "h2UpgradePolicy", Status: Honoured,
			Becomes: "`HttpProtocolOptions.explicit_http_config.http2_protocol_options`", Notes: "not together with useClientProtocol",
		},
		{
			Field: http + "useClientProtocol", Status: Honoured,
			Becomes: "`HttpProtocolOptions.use_downstream_protocol_config`",
		},
		{
			Field: http + "maxConcurrentStreams", Status: Honoured,
			Becomes: "`HttpProtocolOptions.explicit_http_config.http2_protocol_options.max_concurrent_streams`", Notes: "where the cluster speaks HTTP/2",
		},
		{
			Field: http + "http2KeepAlive.interval", Status: Honoured,
			Becomes: "`HttpProtocolOptions.explicit_http_config.http2_protocol_options.connection_keepalive.interval`", Notes: "where the cluster speaks HTTP/2",
		},
		{
			Field: http + "http2KeepAlive.timeout", Status: Honoured,
			Becomes: "`HttpProtocolOptions.explicit_http_config.http2_protocol_options.connection_keepalive.timeout`", Notes: "where the cluster speaks HTTP/2",
		},
	}
}
