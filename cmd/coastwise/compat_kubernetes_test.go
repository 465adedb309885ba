package main

func serviceSamples() map[string]sample {
	const (
		annotations = "metadata.annotations"
	)
	return map[string]sample{
		"metadata.name":              {value: "reviews", instead: "ratings"},
		"metadata.namespace":         {value: "default", instead: "other"},
		"metadata.creationTimestamp": {value: "2026-01-01T00:00:00Z"},
		"metadata.labels[service.kubernetes.io/service-proxy-name]":     {value: "another"},
		annotations + "[networking.coastwise.dev/export-to]":            {value: "nobody", args: otherNamespace},
		annotations + "[networking.istio.io/exportTo]":                  {value: "nobody", args: otherNamespace},
		annotations + "[networking.coastwise.dev/listen]":               {value: "http=18080", instead: `""`},
		annotations + "[networking.coastwise.dev/traffic-distribution]": {value: "PreferClose"},
		annotations + "[networking.istio.io/traffic-distribution]":      {value: "PreferClose"},
		annotations + "[service.kubernetes.io/topology-mode]":           {value: "Auto", beside: "spec: {trafficDistribution: PreferSameZone}"},
		annotations + "[service.kubernetes.io/topology-aware-hints]":    {value: "Auto", beside: "spec: {trafficDistribution: PreferSameZone}"},
		"spec.type=ExternalName":                                        {value: "ExternalName", instead: "ClusterIP", beside: "spec: {externalName: a.example.com}"},
		"spec.externalName":                                             {value: "a.example.com", instead: "b.example.com", beside: "spec: {type: ExternalName}"},
		"spec.ports[].name":                                             {value: "http", instead: "grpc"},
		"spec.ports[].port":                                             {value: "80", instead: "81"},
		"spec.ports[].protocol":                                         {value: "UDP"},
		"spec.ports[].appProtocol":                                      {value: "kubernetes.io/h2c"},
		"spec.ipFamilies":                                               {value: "[IPv6, IPv4]", world: sliceOfIPv6},
		"spec.internalTrafficPolicy":                                    {value: "Local", args: "--node n-eu-1"},
		"spec.trafficDistribution":                                      {value: "PreferSameZone"},
		"spec.sessionAffinity":                                          {value: "ClientIP"},
		"spec.sessionAffinityConfig.clientIP.timeoutSeconds":            {value: "60", beside: "spec: {sessionAffinity: ClientIP}"},
	}
}

const sliceOfIPv6 = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: reviews-6, namespace: default, labels: {kubernetes.io/service-name: reviews}}
addressType: IPv6
ports: [{name: http, port: 8080}, {name: db, port: 3306}]
endpoints:
- {addresses: ["fd00::1:1"], zone: eu-1, nodeName: n-eu-1, targetRef: {kind: Pod, namespace: default, name: p1}}
`

func sliceSamples() map[string]sample {
	const (
		at       = "endpoints[]."
		ordered  = "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: reviews, namespace: default}\nspec: {host: reviews, trafficPolicy: {loadBalancer: {localityLbSetting: {enabled: true}}}}\n"
		none     = "endpoints: [{conditions: {ready: false}}, {conditions: {ready: false}}, {conditions: {ready: false}}, {conditions: {ready: false}}]"
		dying    = "endpoints: [{conditions: {ready: false, terminating: true}}, {conditions: {ready: false}}, {conditions: {ready: false}}, {conditions: {ready: false}}]"
		hinted   = "endpoints: [{}, {hints: {forZones: [{name: eu-1}]}}, {hints: {forZones: [{name: eu-2}]}}, {hints: {forZones: [{name: us-1}]}}]"
		onNodes  = "endpoints: [{}, {hints: {forNodes: [{name: n-eu-1}]}}, {hints: {forNodes: [{name: n-eu-2}]}}, {hints: {forNodes: [{name: n-us-1}]}}]"
		wishes   = "apiVersion: v1\nkind: Service\nmetadata: {name: reviews, namespace: default}\nspec: {ports: [{name: http, port: 80}, {name: db, port: 3306}], trafficDistribution: PreferSameZone}\n"
		subsets  = "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: reviews, namespace: default}\nspec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}]}\n"
		sameNode = "apiVersion: v1\nkind: Service\nmetadata: {name: reviews, namespace: default}\nspec: {ports: [{name: http, port: 80}, {name: db, port: 3306}], trafficDistribution: PreferSameNode}\n"
	)
	return map[string]sample{
		"metadata.labels[kubernetes.io/service-name]":             {value: "reviews", instead: "ratings"},
		"metadata.labels[endpointslice.kubernetes.io/managed-by]": {value: "a-controller", world: wishes},
		"addressType":                 {value: "IPv4", instead: "FQDN", beside: ""},
		at + "addresses":              {value: "[10.0.1.9]"},
		at + "conditions.ready":       {value: "false", world: ordered},
		at + "conditions.serving":     {value: "false", beside: dying},
		at + "conditions.terminating": {value: "true", beside: none},
		at + "zone":                   {value: "eu-2"},
		at + "nodeName":               {value: "n-us-1"},
		at + "hints.forZones[].name":  {value: "eu-1", instead: "eu-2", beside: hinted, world: wishes},
		at + "hints.forNodes[].name":  {value: "n-eu-1", instead: "n-eu-2", beside: onNodes, world: sameNode, args: "--node n-eu-1"},
		at + "targetRef":              {value: "{kind: Pod, namespace: default, name: p2}", world: subsets},
		"ports[].name":                {value: "http", instead: "other"},
		"ports[].port":                {value: "9999"},
		"ports[].protocol":            {value: "UDP"},
	}
}

func nodeSamples() map[string]sample {
	const zoneless = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: reviews-1, namespace: default, labels: {kubernetes.io/service-name: reviews}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.0.1.1], nodeName: n-eu-1}, {addresses: [10.0.2.1], nodeName: n-eu-2}]
`
	return map[string]sample{
		"metadata.name": {value: "n-eu-1", instead: "n-9", world: zoneless},
		"metadata.labels[topology.kubernetes.io/region]": {value: "asia"},
		"metadata.labels[topology.kubernetes.io/zone]":   {value: "eu-9", world: zoneless},
		"metadata.labels[topology.istio.io/subzone]":     {value: "rack-1"},
	}
}

func podSamples() map[string]sample {
	const (
		subsets = "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: reviews, namespace: default}\nspec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}]}\n"
		network = "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: reviews, namespace: default}\nspec: {host: reviews, trafficPolicy: {loadBalancer: {localityLbSetting: {failoverPriority: [topology.istio.io/network]}}}}\n"
		ordered = "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: reviews, namespace: default}\nspec: {host: reviews, trafficPolicy: {loadBalancer: {localityLbSetting: {enabled: true}}}}\n"
		unready = ordered + "---\n" + `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: reviews-1, namespace: default, labels: {kubernetes.io/service-name: reviews}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints:
- {addresses: [10.0.1.1], conditions: {ready: false}, targetRef: {kind: Pod, namespace: default, name: p1}}
- {addresses: [10.0.2.1], zone: eu-2, nodeName: n-eu-2}
`
	)
	return map[string]sample{
		"metadata.labels": {value: "{version: v2}", world: subsets},
		"metadata.labels[topology.istio.io/locality]": {value: "us.us-1"},
		"metadata.labels[istio-locality]":             {value: "us.us-1"},
		"metadata.labels[topology.istio.io/network]":  {value: "n1", world: network, args: "--network n1"},
		"spec.nodeName": {value: "n-us-1", world: unready},
		"status.podIP":  {value: "10.0.1.7", instead: "10.0.1.8", beside: "status: {conditions: [{type: Ready, status: \"True\"}]}", world: entryOfPods},
		"status.startTime": {
			value: "2026-01-01T00:00:00Z", beside: "status: {conditions: [{type: Ready, status: \"False\"}]}", world: unready,
		},
		"status.conditions": {
			value:   "[{type: Ready, status: \"False\", lastTransitionTime: 2026-01-01T00:00:01Z}]",
			instead: "[{type: Ready, status: \"False\", lastTransitionTime: 2026-01-01T01:00:00Z}]",
			beside:  "status: {startTime: 2026-01-01T00:00:00Z}", world: unready,
		},
	}
}

func namespaceSamples() map[string]sample {
	const network = "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: reviews, namespace: default}\nspec: {host: reviews, trafficPolicy: {loadBalancer: {localityLbSetting: {failoverPriority: [topology.istio.io/network]}}}}\n---\n" +
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p1, namespace: default, labels: {topology.istio.io/network: n2}}\n"
	return map[string]sample{
		"metadata.labels[topology.istio.io/network]":                          {value: "n1", world: network, args: "--network n1"},
		"metadata.annotations[networking.coastwise.dev/scope]":                {value: "other/*"},
		"metadata.annotations[networking.coastwise.dev/traffic-distribution]": {value: "PreferClose"},
		"metadata.annotations[networking.istio.io/traffic-distribution]":      {value: "PreferClose"},
	}
}

// entryOfPods selects the first Pod.
const entryOfPods = `
apiVersion: networking.coastwise.dev/v1alpha1
kind: ServiceEntry
metadata: {name: db, namespace: default}
spec: {hosts: [db.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC, workloadSelector: {labels: {rack: r2}}}
`
