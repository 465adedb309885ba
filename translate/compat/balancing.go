package compat

const balancer = "spec.trafficPolicy.loadBalancer."

func loadBalancerRows() []Row {
	const hash = balancer + "consistentHash."
	return []Row{
		{
			Field: balancer + "simple", Status: Honoured, Becomes: "`Cluster.load_balancing_policy`",
			Notes: "LEAST_REQUEST is the default (UNSPECIFIED and LEAST_CONN too), ROUND_ROBIN, RANDOM, which knows no weights of endpoints",
		},
		{
			Field: balancer + "simple", Value: "PASSTHROUGH", Status: Honoured, Becomes: "`Cluster.type`",
			Notes: "ORIGINAL_DST, for captured traffic; LEAST_REQUEST where it would go around allowedRegions, a subset's labels or internalTrafficPolicy, which is told",
		},
		{
			Field: hash + "httpHeaderName", Status: Honoured, Becomes: "`RouteAction.hash_policy.header.header_name`",
			Notes: "a hash acts inside the priority and locality that were chosen",
		},
		{Field: hash + "httpCookie.name", Status: Honoured, Becomes: "`RouteAction.hash_policy.cookie.name`"},
		{Field: hash + "httpCookie.path", Status: Honoured, Becomes: "`RouteAction.hash_policy.cookie.path`"},
		{
			Field: hash + "httpCookie.ttl", Status: Honoured, Becomes: "`RouteAction.hash_policy.cookie.ttl`",
			Notes: "with it an absent cookie is made; 0s makes one of the session",
		},
		{Field: hash + "httpCookie.attributes[].name", Status: Honoured, Becomes: "`RouteAction.hash_policy.cookie.attributes.name`"},
		{Field: hash + "httpCookie.attributes[].value", Status: Honoured, Becomes: "`RouteAction.hash_policy.cookie.attributes.value`"},
		{
			Field: hash + "useSourceIp", Status: Honoured,
			Becomes: "`RouteAction.hash_policy.connection_properties.source_ip`, `TcpProxy.hash_policy.source_ip`",
		},
		{Field: hash + "httpQueryParameterName", Status: Honoured, Becomes: "`RouteAction.hash_policy.query_parameter.name`"},
		{Field: hash + "ringHash.minimumRingSize", Status: Honoured, Becomes: "`RingHash.minimum_ring_size`", Notes: "1024 by default"},
		{Field: hash + "maglev.tableSize", Status: Honoured, Becomes: "`Maglev.table_size`", Notes: "65537 by default, also of {}, which Istio refuses"},
		{Field: hash + "minimumRingSize", Status: Honoured, Becomes: "`RingHash.minimum_ring_size`", Notes: "old form of ringHash.minimumRingSize"},
		{Field: balancer + "zoneAwareLbSetting.enabled", Status: NotYet, Notes: zoneAwareEffect},
		{Field: balancer + "zoneAwareLbSetting.minClusterSize", Status: NotYet, Notes: zoneAwareEffect},
		{Field: balancer + "zoneAwareLbSetting.failover[].from", Status: NotYet, Notes: zoneAwareEffect},
		{Field: balancer + "zoneAwareLbSetting.failover[].to", Status: NotYet, Notes: zoneAwareEffect},
		{Field: balancer + "zoneAwareLbSetting.failoverPriority", Status: NotYet, Notes: zoneAwareEffect},
		{
			Field: balancer + "warmup.duration", Status: Honoured, Becomes: "`LeastRequest.slow_start_config.slow_start_window`",
			Notes: "with LEAST_REQUEST and ROUND_ROBIN; told where it does nothing",
		},
		{Field: balancer + "warmup.minimumPercent", Status: Honoured, Becomes: "`LeastRequest.slow_start_config.min_weight_percent`"},
		{Field: balancer + "warmup.aggression", Status: Honoured, Becomes: "`LeastRequest.slow_start_config.aggression`"},
		{
			Field: balancer + "warmupDurationSecs", Status: Honoured, Becomes: "`LeastRequest.slow_start_config.slow_start_window`",
			Notes: "old form of warmup.duration, which wins",
		},
	}
}

const zoneAwareEffect = "the next of rule, service and mesh that speaks decides, as if the block were absent"

func localityRows() []Row {
	const locality = balancer + "localityLbSetting."
	return []Row{
		{
			Field: locality + "enabled", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`",
			Notes: "absent is true in a rule; false is one flat pool",
		},
		{
			Field: locality + "distribute[].from", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.load_balancing_weight`",
			Notes: "the most specific pattern counts, whatever the order",
		},
		{
			Field: locality + "distribute[].to", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.load_balancing_weight`",
			Notes: "exact shares of 10,000",
		},
		{Field: locality + "failover[].from", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`"},
		{
			Field: locality + "failover[].to", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`",
			Notes: "it orders regions, it never forbids one",
		},
		{
			Field: locality + "failoverPriority", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`",
			Notes: "tiers by labels; alone, with failover, or below distribute",
		},
		{
			Field: locality + "allowedRegions", Status: Honoured, Own: true, Becomes: "`ClusterLoadAssignment.endpoints`",
			Notes: "endpoints of other regions are never sent, whatever else holds",
		},
		{
			Field: locality + "failoverThreshold", Status: Honoured, Own: true,
			Becomes: "`ClusterLoadAssignment.policy.overprovisioning_factor`", Notes: "ceil(10000/t); 140 by default",
		},
	}
}
