package main

import "maps"

// sampleWorld is what the samples are about: of each kind the first object.
const sampleWorld = `
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: default, annotations: {networking.coastwise.dev/listen: db=15432}}
spec: {ports: [{name: http, port: 80}, {name: db, port: 3306}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: reviews-1, namespace: default, labels: {kubernetes.io/service-name: reviews}}
addressType: IPv4
ports: [{name: http, port: 8080}, {name: db, port: 3306}]
endpoints:
- {addresses: [10.0.1.1], zone: eu-1, nodeName: n-eu-1, targetRef: {kind: Pod, namespace: default, name: p1}}
- {addresses: [10.0.1.2], zone: eu-1, nodeName: n-eu-1, targetRef: {kind: Pod, namespace: default, name: p2}}
- {addresses: [10.0.2.1], zone: eu-2, nodeName: n-eu-2, targetRef: {kind: Pod, namespace: default, name: p3}}
- {addresses: [10.0.3.1], zone: us-1, nodeName: n-us-1}
---
apiVersion: v1
kind: Node
metadata: {name: n-eu-1, labels: {topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: eu-1}}
---
apiVersion: v1
kind: Node
metadata: {name: n-eu-2, labels: {topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: eu-2}}
---
apiVersion: v1
kind: Node
metadata: {name: n-us-1, labels: {topology.kubernetes.io/region: us, topology.kubernetes.io/zone: us-1}}
---
apiVersion: v1
kind: Pod
metadata: {name: p1, namespace: default, labels: {version: v1, rack: r2}}
---
apiVersion: v1
kind: Pod
metadata: {name: p2, namespace: default, labels: {version: v2, rack: r1}}
---
apiVersion: v1
kind: Pod
metadata: {name: p3, namespace: default, labels: {version: v1, rack: r1}}
---
apiVersion: v1
kind: Namespace
metadata: {name: default}
---
apiVersion: networking.coastwise.dev/v1alpha1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec: {host: reviews}
---
apiVersion: networking.coastwise.dev/v1alpha1
kind: MeshConfig
metadata: {name: default}
spec: {}
---
apiVersion: networking.coastwise.dev/v1alpha1
kind: ServiceEntry
metadata: {name: api, namespace: default}
spec:
  hosts: [api.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 10.1.0.1, locality: eu/eu-1}, {address: 10.1.0.2, locality: us/us-1}]
`

// samplesOf are the samples of a kind, by the names of rows.
func samplesOf(kind string) map[string]sample {
	out := map[string]sample{}
	switch kind {
	case "DestinationRule":
		maps.Copy(out, ruleSamples())
		maps.Copy(out, balancerSamples())
		maps.Copy(out, poolSamples())
		maps.Copy(out, outlierSamples())
		maps.Copy(out, tlsSamples())
	case "MeshConfig":
		return meshSamples()
	case "ServiceEntry":
		return entrySamples()
	case "WorkloadEntry":
		return workloadSamples()
	case "Service":
		return serviceSamples()
	case "EndpointSlice":
		return sliceSamples()
	case "Node":
		return nodeSamples()
	case "Pod":
		return podSamples()
	case "Namespace":
		return namespaceSamples()
	}
	return out
}
