package compat

// service is what is read of a Kubernetes Service (semantics 1.3, 3.3, 5, 9).
func service() Section {
	return Section{
		Kind: "Service", APIVersion: "v1",
		About: "Other fields are for those who make addresses and slices; they are checked, and not used.",
		Rows: []Row{
			{Field: "metadata.name", Status: Honoured, Becomes: "`Cluster.name`, `VirtualHost.domains`"},
			{Field: "metadata.namespace", Status: Honoured, Becomes: "`Cluster.name`, `VirtualHost.domains`"},
			{
				Field: "metadata.creationTimestamp", Status: Honoured, Becomes: "who has a listener port or domain that two claim",
				Notes: "the older", Story: "9.3-clash-older",
			},
			{
				Field: "metadata.labels[service.kubernetes.io/service-proxy-name]", Status: Honoured, Becomes: "`Cluster.name`",
				Notes: "another value than coastwise: the Service is somebody else's and not served",
			},
			{
				Field: "metadata.annotations[networking.coastwise.dev/export-to]", Status: Honoured, Becomes: "which clients see the Service",
			},
			{
				Field: "metadata.annotations[networking.istio.io/exportTo]", Status: Honoured, Becomes: "which clients see the Service",
				Notes: "where the one above is absent",
			},
			{
				Field: "metadata.annotations[networking.coastwise.dev/listen]", Status: Honoured, Becomes: "`Listener.name`, `Listener.address`",
				Notes: "PORT=LISTENER-PORT with commas between",
			},
			{
				Field: "metadata.annotations[networking.coastwise.dev/traffic-distribution]", Status: Honoured,
				Becomes: "`ClusterLoadAssignment.endpoints.priority`", Notes: "tiers, where the field is absent and there are no hints",
			},
			{
				Field: "metadata.annotations[networking.istio.io/traffic-distribution]", Status: Honoured,
				Becomes: "`ClusterLoadAssignment.endpoints.priority`", Notes: "as the one above, which wins",
			},
			{
				Field: "metadata.annotations[service.kubernetes.io/topology-mode]", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`",
				Notes: "Auto without hints is flat",
			},
			{
				Field: "metadata.annotations[service.kubernetes.io/topology-aware-hints]", Status: Honoured,
				Becomes: "`ClusterLoadAssignment.endpoints.priority`", Notes: "the older form, which wins",
			},
			{
				Field: "spec.type", Value: "ExternalName", Status: Honoured, Becomes: "`Cluster.cluster_type`, `Cluster.load_assignment`",
				Notes: "all addresses of the name, found by Envoy; of the other types nothing is used",
			},
			{Field: "spec.externalName", Status: Honoured, Becomes: "`SocketAddress.address`"},
			{Field: "spec.ports[].name", Status: Honoured, Becomes: "which port of the slices is meant, and by its prefix `HttpProtocolOptions.explicit_http_config`"},
			{Field: "spec.ports[].port", Status: Honoured, Becomes: "`Cluster.name`, `VirtualHost.domains`"},
			{Field: "spec.ports[].protocol", Status: Honoured, Becomes: "`Cluster.name`", Notes: "TCP ports are served, others not"},
			{Field: "spec.ports[].appProtocol", Status: Honoured, Becomes: "`HttpProtocolOptions.explicit_http_config`", Notes: "before the port's name"},
			{
				Field: "spec.ipFamilies", Status: Honoured, Becomes: "`SocketAddress.address`",
				Notes: "the first makes the cluster, the other is `Endpoint.additional_addresses`",
			},
			{Field: "spec.internalTrafficPolicy", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints`", Notes: "Local: the client's Node alone"},
			{
				Field: "spec.trafficDistribution", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`",
				Notes: "by itself only where nobody manages the slices; else their hints count",
			},
			{
				Field: "spec.sessionAffinity", Status: Honoured, Becomes: "`RouteAction.hash_policy.connection_properties.source_ip`",
				Notes: "ClientIP, where the rule names no algorithm; no effect on a headless Service, as in Kubernetes",
			},
			{
				Field: "spec.sessionAffinityConfig.clientIP.timeoutSeconds", Status: NoEffect,
				Notes: "a hash has no memory: an address stays on its endpoint as long as that is there",
			},
		},
	}
}

// endpointSlice is what is read of an EndpointSlice (semantics 2, 5, 7).
func endpointSlice() Section {
	const at = "endpoints[]."
	return Section{
		Kind: "EndpointSlice", APIVersion: "discovery.k8s.io/v1",
		Rows: []Row{
			{Field: "metadata.labels[kubernetes.io/service-name]", Status: Honoured, Becomes: "which Service the endpoints are of"},
			{
				Field: "metadata.labels[endpointslice.kubernetes.io/managed-by]", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`",
				Notes: "somebody writes hints, or has decided not to: trafficDistribution does not act by itself",
			},
			{Field: "addressType", Status: Honoured, Becomes: "which slices make the cluster", Notes: "IPv4 or IPv6; slices of FQDN are not used"},
			{Field: at + "addresses", Status: Honoured, Becomes: "`SocketAddress.address`", Notes: "the first"},
			{Field: at + "conditions.ready", Status: Honoured, Becomes: "`LbEndpoint.health_status`", Notes: "in some modes: not sent"},
			{Field: at + "conditions.serving", Status: Honoured, Becomes: "`LbEndpoint.health_status`", Notes: "where nothing is ready"},
			{Field: at + "conditions.terminating", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints`", Notes: "such an endpoint is left out unless nothing is ready"},
			{Field: at + "zone", Status: Honoured, Becomes: "`LocalityLbEndpoints.locality.zone`"},
			{Field: at + "nodeName", Status: Honoured, Becomes: "`LocalityLbEndpoints.locality`", Notes: "the Node's region and sub-zone"},
			{Field: at + "hints.forZones[].name", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`"},
			{Field: at + "hints.forNodes[].name", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`"},
			{Field: at + "targetRef", Status: Honoured, Becomes: "which Pod's labels and readiness count"},
			{Field: "ports[].name", Status: Honoured, Becomes: "which port of the Service it is"},
			{Field: "ports[].port", Status: Honoured, Becomes: "`SocketAddress.port_value`"},
			{Field: "ports[].protocol", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints`", Notes: "TCP ports are served, others not"},
		},
	}
}

// node is what is read of a Node (semantics 1.2, 2.1).
func node() Section {
	return Section{
		Kind: "Node", APIVersion: "v1",
		Rows: []Row{
			{Field: "metadata.name", Status: Honoured, Becomes: "which Node endpoints and clients are on"},
			{Field: "metadata.labels[topology.kubernetes.io/region]", Status: Honoured, Becomes: "`LocalityLbEndpoints.locality.region`"},
			{
				Field: "metadata.labels[topology.kubernetes.io/zone]", Status: Honoured, Becomes: "`LocalityLbEndpoints.locality.zone`",
				Notes: "where the slice says none",
			},
			{
				Field: "metadata.labels[topology.istio.io/subzone]", Status: Honoured, Becomes: "`LocalityLbEndpoints.locality.sub_zone`",
				Notes: "where the zone is the Node's",
			},
		},
	}
}

// pod is what is read of a Pod (semantics 1.2, 2.1, 2.4, 7).
func pod() Section {
	const never = "an unready endpoint whose Pod was never ready, or is ready by now, is left out"
	return Section{
		Kind: "Pod", APIVersion: "v1",
		Rows: []Row{
			{
				Field: "metadata.labels", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints`",
				Notes: "which subsets and tiers its endpoint is in",
			},
			{
				Field: "metadata.labels[topology.istio.io/locality]", Status: Honoured, Becomes: "`LocalityLbEndpoints.locality`",
				Notes: "REGION.ZONE.SUBZONE; before slice and Node",
			},
			{
				Field: "metadata.labels[istio-locality]", Status: Honoured, Becomes: "`LocalityLbEndpoints.locality`",
				Notes: "the older name of the one above",
			},
			{
				Field: "metadata.labels[topology.istio.io/network]", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`",
				Notes: "in tiers by network; it never filters",
			},
			{Field: "spec.nodeName", Status: Honoured, Becomes: "which Node a client, or an endpoint without nodeName, is on"},
			{Field: "status.podIP", Status: Honoured, Becomes: "`SocketAddress.address`", Notes: "of Pods that a ServiceEntry selects"},
			{Field: "status.startTime", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints`", Notes: never},
			{Field: "status.conditions", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints`", Notes: never + "; of the conditions Ready"},
		},
	}
}

// namespace is what is read of a Namespace (semantics 1.3, 2.4, 5.4).
func namespace() Section {
	return Section{
		Kind: "Namespace", APIVersion: "v1",
		Rows: []Row{
			{
				Field: "metadata.labels[topology.istio.io/network]", Status: Honoured, Becomes: "`ClusterLoadAssignment.endpoints.priority`",
				Notes: "of Pods without that label",
			},
			{
				Field: "metadata.annotations[networking.coastwise.dev/scope]", Status: Honoured, Becomes: "which Services its clients see",
				Notes: "NS/*,NS/NAME; what cannot be read allows nothing",
			},
			{
				Field: "metadata.annotations[networking.coastwise.dev/traffic-distribution]", Status: Honoured,
				Becomes: "`ClusterLoadAssignment.endpoints.priority`", Notes: "of Services and ServiceEntries that say nothing",
			},
			{
				Field: "metadata.annotations[networking.istio.io/traffic-distribution]", Status: Honoured,
				Becomes: "`ClusterLoadAssignment.endpoints.priority`", Notes: "as the one above, which wins",
			},
		},
	}
}
