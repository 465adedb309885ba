package main

func entrySamples() map[string]sample {
	const (
		entry    = "apiVersion: networking.coastwise.dev/v1alpha1\nkind: ServiceEntry\nmetadata: {name: api, namespace: default}\n"
		selected = entry + "spec: {hosts: [api.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC}\n---\n" + workload
		secure   = "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: api, namespace: default}\n" +
			"spec: {host: api.example.com, trafficPolicy: {tls: {mode: SIMPLE, credentialName: web}}}\n"
	)
	return map[string]sample{
		"metadata.annotations[networking.coastwise.dev/traffic-distribution]": {value: "PreferSameZone"},
		"metadata.annotations[networking.istio.io/traffic-distribution]":      {value: "PreferSameZone"},
		"spec.hosts":                  {value: "[api.example.com]", instead: "[other.example.com]"},
		"spec.addresses":              {value: "[10.9.0.1]"},
		"spec.addresses=CIDR":         {value: "[10.9.0.0/16]", args: "--capture"},
		"spec.ports[].number":         {value: "80", instead: "81"},
		"spec.ports[].protocol":       {value: "GRPC", instead: "HTTP"},
		"spec.ports[].name":           {value: "web", instead: "http", beside: "spec: {endpoints: [{ports: {http: 8080}}]}"},
		"spec.ports[].targetPort":     {value: "8080"},
		"spec.location=MESH_INTERNAL": {value: "MESH_INTERNAL"},
		"spec.resolution":             {value: "DNS", instead: "STATIC"},
		"spec.resolution=NONE": {
			value: "NONE", instead: "STATIC", world: entry + "spec: {hosts: [api.example.com], ports: [{number: 80, name: http}]}\n", args: "--capture",
		},
		"spec.resolution=DYNAMIC_DNS": {
			value: "DYNAMIC_DNS", world: entry + "spec: {hosts: [\"*.example.com\"], ports: [{number: 80, name: http, protocol: HTTP}]}\n",
		},
		"spec.endpoints[]":             {value: "{address: 10.1.0.9}", instead: "{address: 10.1.0.8}"},
		"spec.workloadSelector.labels": {value: "{app: api}", instead: "{app: web}", world: selected},
		"spec.exportTo":                {value: "[.]", args: otherNamespace},
		"spec.subjectAltNames":         {value: "[api.example.com]", world: secure},
	}
}

const workload = `
apiVersion: networking.coastwise.dev/v1alpha1
kind: WorkloadEntry
metadata: {name: vm-1, namespace: default}
spec: {address: 10.1.0.5, labels: {app: api}, locality: eu/eu-1}
---
apiVersion: networking.coastwise.dev/v1alpha1
kind: WorkloadEntry
metadata: {name: vm-2, namespace: default}
spec: {address: 10.1.0.6, labels: {app: api, topology.istio.io/network: n2}, locality: us/us-1}
`

func workloadSamples() map[string]sample {
	const (
		entry = "apiVersion: networking.coastwise.dev/v1alpha1\nkind: ServiceEntry\nmetadata: {name: api, namespace: default}\n" +
			"spec: {hosts: [api.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC, workloadSelector: {labels: {app: api}}}\n"
		rule    = "---\napiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: api, namespace: default}\n"
		world   = workload + "---\n" + entry
		network = world + rule + "spec: {host: api.example.com, trafficPolicy: {loadBalancer: {localityLbSetting: {failoverPriority: [topology.istio.io/network]}}}}\n"
		subsets = world + rule + "spec: {host: api.example.com, subsets: [{name: v1, labels: {version: v1}}]}\n"
	)
	return map[string]sample{
		"metadata.labels":     {value: "{version: v1}", world: subsets},
		"spec.address":        {value: "10.1.0.5", instead: "10.1.0.7", world: world},
		"spec.ports":          {value: "{http: 8080}", world: world},
		"spec.labels":         {value: "{version: v1}", world: subsets},
		"spec.network":        {value: "n1", world: network, args: "--network n1"},
		"spec.locality":       {value: "us/us-1", world: world},
		"spec.weight":         {value: "3", world: world},
		"spec.serviceAccount": {value: "api", world: world},
	}
}
