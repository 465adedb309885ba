package observe

// places are what Nodes, Pods and Namespaces say of where endpoints are.
func places() []Observation {
	node := func(labels string) string {
		return "apiVersion: v1\nkind: Node\nmetadata: {name: node-NAME, labels: {" + labels + "}}\n"
	}
	// onNode are an endpoint on the Node of that name and one of another zone of the
	// client's region.
	onNode := []Endpoint{bare(0, 0, "nodeName: node-NAME"), at(1, 0)}
	podIn := func(namespace, more string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME, namespace: " + namespace + more + "}\n"
	}
	pod := func(more string) string { return podIn("default", more) }
	ofPod := bare(0, 0, "targetRef: {kind: Pod, name: NAME}")
	network := local("failoverPriority: [topology.istio.io/network]")
	return append([]Observation{
		{
			Name: "node-zone", Rows: []string{"Node metadata.labels[topology.kubernetes.io/zone]"}, Measure: reached(plain),
			With:    Side{Policy: local(""), Endpoints: onNode, More: node("topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: eu-1"), Want: "eu-1"},
			Without: Side{Policy: local(""), Endpoints: onNode, More: node("topology.kubernetes.io/region: eu"), Want: "eu-1 eu-2"},
		},
		{
			Name: "node-region", Rows: []string{"Node metadata.labels[topology.kubernetes.io/region]"}, Measure: reached(plain),
			With:    Side{Policy: local(""), Endpoints: onNode, More: node("topology.kubernetes.io/region: us"), Want: "eu-2"},
			Without: Side{Policy: local(""), Endpoints: onNode, More: node("topology.kubernetes.io/region: eu"), Want: "eu-1 eu-2"},
		},
		{
			Name: "node-sub-zone", Rows: []string{"Node metadata.labels[topology.istio.io/subzone]"}, Measure: part("eu-1"),
			With:    Side{Policy: subZones, Endpoints: onNode, More: node("topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: eu-9, topology.istio.io/subzone: rack"), Want: "few"},
			Without: Side{Policy: subZones, Endpoints: onNode, More: node("topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: eu-9"), Want: "none"},
		},
		{
			Name: "node-name", Rows: []string{"Node metadata.name"}, Measure: reached(plain),
			With:    Side{Policy: local(""), Endpoints: onNode, More: node("topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: eu-1"), Want: "eu-1"},
			Without: Side{Policy: local(""), Endpoints: onNode, More: "apiVersion: v1\nkind: Node\nmetadata: {name: other-NAME, labels: {topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: eu-1}}\n", Want: "eu-2"},
		},
		{
			Name: "pod-node", Rows: []string{"Pod spec.nodeName"}, Measure: reached(plain),
			With:    Side{Policy: local(""), Endpoints: []Endpoint{ofPod, at(1, 0)}, More: pod("") + "spec: {nodeName: node-eu-1, containers: [{name: main}]}\n", Want: "eu-1"},
			Without: Side{Policy: local(""), Endpoints: []Endpoint{ofPod, at(1, 0)}, More: pod("") + "spec: {nodeName: node-us-1, containers: [{name: main}]}\n", Want: "eu-2"},
		},
		{
			Name: "pod-locality", Rows: []string{"Pod metadata.labels[topology.istio.io/locality]"}, Measure: reached(plain),
			With:    Side{Policy: local(""), Endpoints: []Endpoint{ofPod, at(1, 0)}, More: pod(", labels: {topology.istio.io/locality: eu.eu-1}"), Want: "eu-1"},
			Without: Side{Policy: local(""), Endpoints: []Endpoint{ofPod, at(1, 0)}, More: pod(""), Want: "eu-2"},
		},
		{
			Name: "pod-locality-old", Rows: []string{"Pod metadata.labels[istio-locality]"}, Measure: reached(plain),
			With:    Side{Policy: local(""), Endpoints: []Endpoint{ofPod, at(1, 0)}, More: pod(", labels: {istio-locality: eu.eu-1}"), Want: "eu-1"},
			Without: Side{Policy: local(""), Endpoints: []Endpoint{ofPod, at(1, 0)}, More: pod(""), Want: "eu-2"},
		},
		{
			Name: "pod-network", Rows: []string{"Pod metadata.labels[topology.istio.io/network]"}, Measure: reached(plain),
			With:    Side{Policy: network, Endpoints: []Endpoint{ofPod, at(1, 0)}, More: pod(", labels: {topology.istio.io/network: n1}"), Want: "eu-1"},
			Without: Side{Policy: network, Endpoints: []Endpoint{ofPod, at(1, 0)}, More: pod(", labels: {topology.istio.io/network: n2}"), Want: "eu-1 eu-2"},
		},
		{
			Name: "namespace-network", Rows: []string{"Namespace metadata.labels[topology.istio.io/network]"}, Measure: reached(plain),
			With:    Side{Namespace: "near", Policy: network, Endpoints: []Endpoint{ofPod, at(1, 0)}, More: podIn("near", ", labels: {topology.istio.io/network: n2}"), Want: "eu-2"},
			Without: Side{Namespace: "far", Policy: network, Endpoints: []Endpoint{ofPod, at(1, 0)}, More: podIn("far", ", labels: {topology.istio.io/network: n2}"), Want: "eu-1 eu-2"},
		},
		{
			Name: "pod-labels", Rows: []string{"Pod metadata.labels"}, Measure: reached(plain),
			With:    Side{Policy: local("failoverPriority: [version]"), Endpoints: []Endpoint{ofPod, at(1, 0)}, More: pod(", labels: {version: v2}"), Want: "eu-1"},
			Without: Side{Policy: local("failoverPriority: [version]"), Endpoints: []Endpoint{ofPod, at(1, 0)}, More: pod(", labels: {version: v1}"), Want: "eu-1 eu-2"},
		},
	}, neverReady()...)
}

// subZones gives a sub-zone that only one Node can have a fifth.
const subZones = "{loadBalancer: {localityLbSetting: {distribute: [{from: eu, to: {eu/eu-9/rack: 20, eu/eu-2: 80}}]}}}"

// neverReady are an endpoint that is ready beside one that is not, in one zone, and
// another zone: only one that was ready before counts as lost.
func neverReady() []Observation {
	pod := func(changed string) string {
		return `apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: default}
spec: {containers: [{name: main}]}
status: {startTime: "2026-01-01T00:00:00Z", conditions: [{type: Ready, status: "False", lastTransitionTime: "` + changed + `"}]}
`
	}
	endpoints := []Endpoint{at(0, 0), bare(0, 1, "zone: eu-1, conditions: {ready: false}, targetRef: {kind: Pod, namespace: default, name: NAME}"), at(1, 0)}
	return []Observation{{
		Name: "pod-ready", Rows: []string{"Pod status.conditions", "Pod status.startTime"}, Measure: spills,
		With:    Side{Policy: local(""), Endpoints: endpoints, More: pod("2026-01-01T00:00:01Z"), Want: "one zone"},
		Without: Side{Policy: local(""), Endpoints: endpoints, More: pod("2026-01-01T01:00:00Z"), Want: "spills"},
	}}
}
