package observe

// marker lets no request through: where it holds, the answer is 503.
const marker = "{connectionPool: {http: {http2MaxRequests: 0}}}"

// versions are Pods of two versions, one in each of the first two zones.
const versions = `apiVersion: v1
kind: Pod
metadata: {name: NAME-1, namespace: default, labels: {version: v1}}
---
apiVersion: v1
kind: Pod
metadata: {name: NAME-2, namespace: default, labels: {version: v2}}
`

// versioned are their endpoints: v1 in the zone first, v2 in second.
func versioned(first, second int) []Endpoint {
	return []Endpoint{
		bare(first, 0, "zone: "+zones[first].Zone+", targetRef: {kind: Pod, namespace: default, name: NAME-1}"),
		bare(second, 0, "zone: "+zones[second].Zone+", targetRef: {kind: Pod, namespace: default, name: NAME-2}"),
	}
}

func rules() []Observation {
	v1 := Request{Subset: "v1"}
	return []Observation{
		{
			Name: "host", Rows: rule("host"), Measure: asked(plain, statusOf),
			With:    Side{Policy: marker, Want: "503"},
			Without: Side{Policy: marker, RuleHost: "nobody", Want: "200"},
		},
		{
			Name: "host-wildcard", Rows: rule("host"), Measure: asked(plain, statusOf),
			With:    Side{Policy: marker, RuleHost: "NAME.default.svc.cluster.local", Want: "503"},
			Without: Side{Policy: marker, RuleHost: "'*.elsewhere.svc.cluster.local'", Want: "200"},
		},
		{ // Neither the client's namespace, nor the service's, nor the root namespace.
			Name: "rule-namespace", Rows: []string{"DestinationRule metadata.namespace"}, Measure: asked(plain, statusOf),
			With:    Side{Policy: marker, RuleHost: "NAME.default.svc.cluster.local", RuleNamespace: "elsewhere", Want: "200"},
			Without: Side{Policy: marker, RuleHost: "NAME.default.svc.cluster.local", RuleNamespace: "coastwise-system", Want: "503"},
		},
		{
			Name: "export-to", Rows: rule("exportTo"), Measure: asked(plain, statusOf),
			With:    Side{Policy: marker, Rule: "exportTo: [elsewhere]", Want: "200"},
			Without: Side{Policy: marker, Want: "503"},
		},
		{
			Name: "selector", Rows: rule("workloadSelector.matchLabels"), Measure: asked(plain, statusOf),
			With:    Side{Policy: marker, Rule: "workloadSelector: {matchLabels: {app: shop}}", Want: "200"},
			Without: Side{Policy: marker, Rule: "workloadSelector: {matchLabels: {app: cart}}", Want: "503"},
		},
		{
			Name: "subset-name", Rows: rule("subsets[].name"), Measure: asked(v1, statusOf),
			With:    Side{Rule: "subsets: [{name: v1, labels: {}}]", Want: "200"},
			Without: Side{Rule: "subsets: [{name: v2, labels: {}}]", Want: "503"},
		},
		{
			Name: "subset-labels", Rows: rule("subsets[].labels"), Measure: reached(v1),
			With:    Side{Rule: "subsets: [{name: v1, labels: {version: v1}}]", Endpoints: versioned(0, 1), More: versions, Want: "eu-1"},
			Without: Side{Rule: "subsets: [{name: v1, labels: {}}]", Endpoints: versioned(0, 1), More: versions, Want: "eu-1 eu-2"},
		},
		{
			Name: "subset-policy", Rows: rule("subsets[].trafficPolicy"), Measure: asked(v1, statusOf),
			With:    Side{Rule: "subsets: [{name: v1, labels: {}, trafficPolicy: " + marker + "}]", Want: "503"},
			Without: Side{Rule: "subsets: [{name: v1, labels: {}}]", Want: "200"},
		},
		{
			Name: "port-number", Rows: policy("portLevelSettings[].port.number", "portLevelSettings[].connectionPool"), Measure: asked(plain, statusOf),
			With:    Side{Policy: "{portLevelSettings: [{port: {number: 80}, connectionPool: {http: {http2MaxRequests: 0}}}]}", Want: "503"},
			Without: Side{Policy: "{portLevelSettings: [{port: {number: 81}, connectionPool: {http: {http2MaxRequests: 0}}}]}", Want: "200"},
		},
		{
			Name: "port-balancer", Rows: policy("portLevelSettings[].loadBalancer"), Measure: spread(Request{Headers: []string{"X-User: 7"}}),
			With:    Side{Policy: "{portLevelSettings: [{port: {number: 80}, loadBalancer: {consistentHash: {httpHeaderName: x-user}}}]}", Want: "one endpoint"},
			Without: Side{Want: "several endpoints"},
		},
		{
			Name: "port-outliers", Rows: policy("portLevelSettings[].outlierDetection"), Measure: ejects(500),
			With:    Side{Policy: "{portLevelSettings: [{port: {number: 80}, outlierDetection: {consecutive5xxErrors: 3, maxEjectionPercent: 50}}]}", Want: "ejected"},
			Without: Side{Want: "stays"},
		},
		{
			Name: "port-tls", Rows: policy("portLevelSettings[].tls"), Measure: asked(plain, statusOf),
			With:    Side{Policy: "{portLevelSettings: [{port: {number: 80}, tls: {mode: SIMPLE, insecureSkipVerify: true}}]}", Slice: SliceShape{TLS: true}, Want: "200"},
			Without: Side{Slice: SliceShape{TLS: true}, Want: "400"},
		},
	}
}
