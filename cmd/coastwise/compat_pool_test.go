package main

func poolSamples() map[string]sample {
	const (
		tcp       = "spec.trafficPolicy.connectionPool.tcp."
		http      = "spec.trafficPolicy.connectionPool.http."
		upgraded  = "spec: {trafficPolicy: {connectionPool: {http: {h2UpgradePolicy: UPGRADE}}}}"
		keptAlive = "spec: {trafficPolicy: {connectionPool: {http: {h2UpgradePolicy: UPGRADE, http2KeepAlive: {interval: 10s, timeout: 1s}}}}}"
	)
	return map[string]sample{
		tcp + "maxConnections":            {value: "7"},
		tcp + "connectTimeout":            {value: "7s"},
		tcp + "tcpKeepalive.probes":       {value: "7"},
		tcp + "tcpKeepalive.time":         {value: "7s"},
		tcp + "tcpKeepalive.interval":     {value: "7s"},
		tcp + "maxConnectionDuration":     {value: "7s"},
		tcp + "idleTimeout":               {value: "7s"},
		http + "http1MaxPendingRequests":  {value: "7"},
		http + "http2MaxRequests":         {value: "7"},
		http + "maxRequestsPerConnection": {value: "7"},
		http + "maxRetries":               {value: "7"},
		http + "idleTimeout":              {value: "7s"},
		http + "h2UpgradePolicy":          {value: "UPGRADE"},
		http + "useClientProtocol":        {value: "true"},
		http + "maxConcurrentStreams":     {value: "7", beside: upgraded},
		http + "http2KeepAlive.interval":  {value: "7s", beside: keptAlive},
		http + "http2KeepAlive.timeout":   {value: "7s", beside: keptAlive},
	}
}

func outlierSamples() map[string]sample {
	const (
		at     = "spec.trafficPolicy.outlierDetection."
		beside = "spec: {trafficPolicy: {outlierDetection: {maxEjectionPercent: 100}}}"
		split  = "spec: {trafficPolicy: {outlierDetection: {maxEjectionPercent: 100, splitExternalLocalOriginErrors: true}}}"
	)
	return map[string]sample{
		at + "consecutiveErrors":               {value: "7", beside: beside},
		at + "splitExternalLocalOriginErrors":  {value: "true", beside: beside},
		at + "consecutiveLocalOriginFailures":  {value: "7", beside: split},
		at + "consecutiveGatewayErrors":        {value: "7", beside: beside},
		at + "consecutive5xxErrors":            {value: "7", beside: beside},
		at + "interval":                        {value: "7s", beside: beside},
		at + "baseEjectionTime":                {value: "7s", beside: beside},
		at + "maxEjectionPercent":              {value: "77", beside: "spec: {trafficPolicy: {outlierDetection: {}}}"},
		at + "minHealthPercent":                {value: "7", beside: beside},
		at + "outlierDetectionHttpErrorCodes":  {value: "[429]", beside: beside},
		at + "successRate.minimumHosts":        {value: "7", beside: beside},
		at + "successRate.requestVolume":       {value: "7", beside: beside},
		at + "successRate.stdevFactor":         {value: "7", beside: beside},
		at + "failurePercentage.threshold":     {value: "7", beside: beside},
		at + "failurePercentage.minimumHosts":  {value: "7", beside: beside},
		at + "failurePercentage.requestVolume": {value: "7", beside: beside},
		at + "maxEjectionTime":                 {value: "700s", beside: beside},
		at + "maxEjectionTimeJitter":           {value: "7s", beside: beside},
	}
}

func tlsSamples() map[string]sample {
	const (
		at     = "spec.trafficPolicy.tls."
		mutual = "spec: {trafficPolicy: {tls: {mode: MUTUAL, credentialName: web}}}"
	)
	return map[string]sample{
		at + "mode":              {value: "SIMPLE", instead: "DISABLE", beside: "spec: {trafficPolicy: {tls: {credentialName: web}}}"},
		at + "mode=ISTIO_MUTUAL": {value: "ISTIO_MUTUAL"},
		at + "mode=SIMPLE, without credentialName or insecureSkipVerify": {value: "SIMPLE"},
		at + "clientCertificate":  {value: "/c.pem", beside: mutual},
		at + "privateKey":         {value: "/k.pem", beside: mutual},
		at + "caCertificates":     {value: "/ca.pem", beside: mutual},
		at + "caCrl":              {value: "/crl.pem", beside: mutual},
		at + "credentialName":     {value: "web", instead: "other", beside: "spec: {trafficPolicy: {tls: {mode: MUTUAL}}}"},
		at + "subjectAltNames":    {value: "[web.example]", beside: mutual},
		at + "sni":                {value: "web.example", beside: mutual},
		at + "insecureSkipVerify": {value: "true", beside: mutual},
	}
}

func meshSamples() map[string]sample {
	const (
		locality = "spec.localityLbSetting"
		zone     = "spec.zoneAwareLbSetting."
		defaults = "spec.defaultTrafficPolicy."
	)
	return map[string]sample{
		"spec.rootNamespace": {value: "mesh", world: `
apiVersion: networking.coastwise.dev/v1alpha1
kind: DestinationRule
metadata: {name: for-all, namespace: mesh}
spec: {host: reviews.default.svc.cluster.local, trafficPolicy: {loadBalancer: {simple: RANDOM}}}
---
apiVersion: networking.coastwise.dev/v1alpha1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec: {host: ratings}
`},
		"spec.suspend":                {value: "true", beside: "spec: {localityLbSetting: {enabled: true}}"},
		locality:                      {value: "{failoverPriority: [rack]}", beside: "spec: {localityLbSetting: {enabled: true}}"},
		locality + ".enabled":         {value: "true"},
		locality + ".allowedRegions":  {value: "[eu]"},
		zone + "enabled":              {value: "true"},
		zone + "minClusterSize":       {value: "3"},
		zone + "failover[].from":      {value: "eu", beside: "spec: {zoneAwareLbSetting: {failover: [{to: us}]}}"},
		zone + "failover[].to":        {value: "us", beside: "spec: {zoneAwareLbSetting: {failover: [{from: eu}]}}"},
		zone + "failoverPriority":     {value: "[rack]"},
		defaults + "connectionPool":   {value: "{tcp: {maxConnections: 7}}"},
		defaults + "outlierDetection": {value: "{maxEjectionPercent: 100}"},
		"spec.connectTimeout":         {value: "7s"},
		"spec.tcpKeepalive.probes":    {value: "7"},
		"spec.tcpKeepalive.time":      {value: "7s"},
		"spec.tcpKeepalive.interval":  {value: "7s"},
		"spec.h2UpgradePolicy":        {value: "UPGRADE"},
		"spec.dnsRefreshRate": {value: "7s", world: `
apiVersion: v1
kind: Service
metadata: {name: elsewhere, namespace: default}
spec: {type: ExternalName, externalName: a.example.com, ports: [{name: http, port: 80}]}
`},
		"spec.outboundTrafficPolicy.mode":     {value: "ALLOW_ANY", instead: "REGISTRY_ONLY", args: "--capture"},
		"spec.enableAutoMtls":                 {value: "true"},
		"spec.serviceSettings":                {value: "[]"},
		"spec.serviceScopeConfigs":            {value: "[]"},
		"spec.defaultHttpRetryPolicy":         {value: "{attempts: 2}"},
		"spec.defaultServiceExportTo":         {value: "[.]"},
		"spec.defaultDestinationRuleExportTo": {value: "[.]"},

		"spec.outboundTrafficPolicy.mode=REGISTRY_ONLY": {value: "REGISTRY_ONLY", args: "--capture"},
	}
}
