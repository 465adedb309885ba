package compat

// serviceEntry is reference/destination-rule.md 2.9.
func serviceEntry() Section {
	return Section{
		Kind: "ServiceEntry", APIVersion: ours, Istio: istio,
		About: "Each host is a service of its own. An endpoint has the fields of a WorkloadEntry's spec.",
		Rows: []Row{
			{
				Field: "metadata.annotations[networking.coastwise.dev/traffic-distribution]", Status: Honoured, Own: true,
				Becomes: "`ClusterLoadAssignment.endpoints.priority`", Notes: "tiers network, region, zone and, of PreferSameNode, node",
			},
			{
				Field: "metadata.annotations[networking.istio.io/traffic-distribution]", Status: Honoured,
				Becomes: "`ClusterLoadAssignment.endpoints.priority`", Notes: "as the one above, which wins",
			},
			{Field: "spec.hosts", Status: Honoured, Becomes: "`Cluster.name`, `VirtualHost.domains`"},
			{Field: "spec.addresses", Status: Honoured, Becomes: "`VirtualHost.domains`", Notes: "requests whose host is such an IP"},
			{
				Field: "spec.addresses", Value: "CIDR", Status: Honoured, Becomes: "`Listener.filter_chain_matcher` of capture and outbound",
				Notes: "for captured connections and CONNECT of sidecars; to all other clients it means nothing, which is told (ClientCannot)",
			},
			{Field: "spec.ports[].number", Status: Honoured, Becomes: "`Cluster.name`, `VirtualHost.domains`"},
			{Field: "spec.ports[].protocol", Status: Honoured, Becomes: "`HttpProtocolOptions.explicit_http_config`"},
			{Field: "spec.ports[].name", Status: Honoured, Becomes: "which of a workload's ports is meant"},
			{Field: "spec.ports[].targetPort", Status: Honoured, Becomes: "`SocketAddress.port_value`", Notes: "where the endpoint gives none"},
			{
				Field: "spec.location", Value: "MESH_INTERNAL", Status: NoEffect,
				Notes: "there is no mesh CA: hosts inside and outside are reached alike",
			},
			{
				Field: "spec.resolution", Status: Honoured, Becomes: "`Cluster.cluster_type`, `Cluster.load_assignment`",
				Notes: "STATIC: EDS; DNS: all addresses of the names; DNS_ROUND_ROBIN: the one that a name has now",
			},
			{
				Field: "spec.resolution", Value: "NONE", Status: Honoured, Becomes: "`Cluster.type`, `Listener.filter_chain_matcher` and routes of capture",
				Notes: "ORIGINAL_DST, for captured connections of sidecars; on the HTTP proxy port requests fail, which is told (ClientCannot); the default",
			},
			{
				Field: "spec.resolution", Value: "DYNAMIC_DNS", Status: Refused,
				Notes: "DYNAMIC_DNS is not honoured: whoever names a host would choose where the proxy connects, past all settings",
			},
			{
				Field: "spec.endpoints[]", Status: Honoured, As: "WorkloadEntry spec", Becomes: "`ClusterLoadAssignment.endpoints`",
			},
			{
				Field: "spec.workloadSelector.labels", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints`",
				Notes: "Pods and WorkloadEntries of the entry's namespace",
			},
			{Field: "spec.exportTo", Status: Honoured, Becomes: "which clients see the hosts"},
			{
				Field: "spec.subjectAltNames", Status: Honoured,
				Becomes: "`CommonTlsContext.combined_validation_context.default_validation_context.match_typed_subject_alt_names`",
				Notes:   "where a rule's tls gives none",
			},
		},
	}
}

// workloadEntry is reference/destination-rule.md 2.9.
func workloadEntry() Section {
	return Section{
		Kind: "WorkloadEntry", APIVersion: ours, Istio: istio,
		About: "An object of its own, picked by a `workloadSelector`, or an entry of a ServiceEntry's `endpoints`.",
		Rows: []Row{
			{Field: "spec.address", Status: Honoured, Becomes: "`SocketAddress.address`"},
			{Field: "spec.ports", Status: Honoured, Becomes: "`SocketAddress.port_value`"},
			{Field: "spec.labels", Status: Honoured, Becomes: "which subsets, tiers and selectors it is in"},
			{Field: "spec.network", Status: Honoured, Becomes: "the network of tiers", Notes: "it never filters"},
			{
				Field: "spec.locality", Status: Honoured, Becomes: "`LocalityLbEndpoints.locality`",
				Notes: "the label topology.istio.io/locality overrides it",
			},
			{Field: "spec.weight", Status: Honoured, Becomes: "`LbEndpoint.load_balancing_weight`", Notes: "1 by default; 0 drains, in Istio it is unset; RANDOM does not look at it, which is told"},
			{Field: "spec.serviceAccount", Status: NotYet, Notes: "there is no mesh CA whose certificates would name it; subjectAltNames instead"},
			{
				Field: "metadata.labels", Status: Honoured, Becomes: "as spec.labels", Notes: "over those of spec",
			},
		},
	}
}
