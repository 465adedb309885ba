package main

// other is a rule elsewhere, of which the sample's rule gets its company.
const otherNamespace = "--namespace other"

func ruleSamples() map[string]sample {
	const (
		policy = "spec.trafficPolicy."
		port   = policy + "portLevelSettings[]"
		entry  = "spec: {trafficPolicy: {portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]}}"
		budget = policy + "retryBudget."
		beside = "spec: {trafficPolicy: {retryBudget: {percent: 30}}}"
	)
	return map[string]sample{
		"metadata.namespace": {
			value: "default", instead: "elsewhere", // the rule's name stays, its host is the full one
			beside: "spec: {host: reviews.default.svc.cluster.local, trafficPolicy: {loadBalancer: {simple: RANDOM}}}",
		},
		"metadata.creationTimestamp": {value: "2026-01-01T00:00:00Z"},
		"spec.host":                  {value: "reviews", instead: "ratings", beside: "spec: {trafficPolicy: {loadBalancer: {simple: RANDOM}}}"},
		"spec.exportTo": {
			value: "[.]", beside: "spec: {host: reviews.default.svc.cluster.local, trafficPolicy: {loadBalancer: {simple: RANDOM}}}", args: otherNamespace,
		},
		"spec.workloadSelector.matchLabels": {
			value: "{version: v2}", instead: "{version: v1}", beside: "spec: {trafficPolicy: {loadBalancer: {simple: RANDOM}}}",
		},
		"spec.subsets[].name":          {value: "v1", instead: "v2"},
		"spec.subsets[].labels":        {value: "{version: v1}", beside: "spec: {subsets: [{name: v1}]}"},
		"spec.subsets[].trafficPolicy": {value: "{loadBalancer: {simple: RANDOM}}", beside: "spec: {subsets: [{name: v1}]}"},
		port + ".port.number":          {value: "80", instead: "3306", beside: entry},
		port + ".loadBalancer": {
			value: "{simple: RANDOM}", beside: "spec: {trafficPolicy: {portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: {}}}]}}",
		},
		port + ".connectionPool":   {value: "{tcp: {maxConnections: 7}}", beside: entry},
		port + ".outlierDetection": {value: "{consecutive5xxErrors: 7}", beside: entry},
		port + ".tls":              {value: "{mode: SIMPLE, credentialName: web}", beside: entry},

		policy + "tunnel.protocol":   {value: "POST", beside: "spec: {trafficPolicy: {tunnel: {targetHost: a.example, targetPort: 443}}}"},
		policy + "tunnel.targetHost": {value: "a.example", beside: "spec: {trafficPolicy: {tunnel: {targetPort: 443}}}"},
		policy + "tunnel.targetPort": {value: "443", beside: "spec: {trafficPolicy: {tunnel: {targetHost: a.example}}}"},

		policy + "proxyProtocol.version": {value: "V2", beside: "spec: {trafficPolicy: {proxyProtocol: {}}}"},

		budget + "percent":             {value: "40", beside: beside},
		budget + "minRetryConcurrency": {value: "7", beside: beside},
		budget + "budgetInterval":      {value: "10s", beside: beside},
	}
}

func balancerSamples() map[string]sample {
	const (
		at     = "spec.trafficPolicy.loadBalancer."
		hash   = at + "consistentHash."
		zone   = at + "zoneAwareLbSetting."
		header = "spec: {trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x}}}}"
		cookie = "spec: {trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: c, ttl: 0s}}}}}"
		warm   = "spec: {trafficPolicy: {loadBalancer: {warmup: {duration: 60s}}}}"

		locality   = at + "localityLbSetting."
		fails      = "spec: {trafficPolicy: {loadBalancer: {localityLbSetting: {failover: [{from: eu, to: us}]}}}}"
		distribute = "spec: {trafficPolicy: {loadBalancer: {localityLbSetting: {distribute: [{from: eu, to: {eu/eu-1: 70, us: 30}}]}}}}"
		asia       = `
apiVersion: v1
kind: Node
metadata: {name: n-asia, labels: {topology.kubernetes.io/region: asia, topology.kubernetes.io/zone: asia-1}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: reviews-2, namespace: default, labels: {kubernetes.io/service-name: reviews}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.0.4.1], zone: asia-1, nodeName: n-asia}]
`
	)
	return map[string]sample{
		at + "simple":             {value: "ROUND_ROBIN"},
		at + "simple=PASSTHROUGH": {value: "PASSTHROUGH"},

		hash + "httpHeaderName": {value: "x-user", instead: "x-other"},
		hash + "httpCookie.name": {
			value: "session", instead: "other", beside: "spec: {trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {ttl: 0s}}}}}",
		},
		hash + "httpCookie.path":               {value: "/shop", beside: cookie},
		hash + "httpCookie.ttl":                {value: "60s", beside: "spec: {trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: c}}}}}"},
		hash + "httpCookie.attributes[].name":  {value: "SameSite", beside: cookie},
		hash + "httpCookie.attributes[].value": {value: "Strict", beside: "spec: {trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: c, attributes: [{name: SameSite}]}}}}}"},
		hash + "useSourceIp":                   {value: "true", beside: "spec: {trafficPolicy: {loadBalancer: {}}}"},
		hash + "httpQueryParameterName":        {value: "user", instead: "other"},
		hash + "ringHash.minimumRingSize":      {value: "2048", beside: header},
		hash + "maglev.tableSize":              {value: "251", beside: header + "\n"},
		hash + "minimumRingSize":               {value: "2048", beside: header},

		zone + "enabled":             {value: "true"},
		zone + "minClusterSize":      {value: "3"},
		zone + "failover[].from":     {value: "eu", beside: "spec: {trafficPolicy: {loadBalancer: {zoneAwareLbSetting: {failover: [{to: us}]}}}}"},
		zone + "failover[].to":       {value: "us", beside: "spec: {trafficPolicy: {loadBalancer: {zoneAwareLbSetting: {failover: [{from: eu}]}}}}"},
		zone + "failoverPriority":    {value: "[rack]"},
		at + "warmup.duration":       {value: "60s", instead: "90s"},
		at + "warmup.minimumPercent": {value: "20", beside: warm},
		at + "warmup.aggression":     {value: "2", beside: warm},
		at + "warmupDurationSecs":    {value: "60s"},

		locality + "enabled": {value: "true", instead: "false"},
		locality + "distribute[].from": {
			value: "eu", instead: "us", beside: distribute,
		},
		locality + "distribute[].to":   {value: "{eu/eu-1: 60, us: 40}", beside: distribute},
		locality + "failover[].from":   {value: "eu", instead: "us", beside: "spec: {trafficPolicy: {loadBalancer: {localityLbSetting: {failover: [{to: asia}]}}}}", world: asia},
		locality + "failover[].to":     {value: "us", instead: "asia", beside: fails, world: asia},
		locality + "failoverPriority":  {value: "[rack]"},
		locality + "allowedRegions":    {value: "[eu]"},
		locality + "failoverThreshold": {value: "50", beside: "spec: {trafficPolicy: {loadBalancer: {localityLbSetting: {enabled: true}}}}"},
	}
}
