package observe

func httpPools() []Observation {
	row := func(names ...string) []string {
		return rows("DestinationRule spec.trafficPolicy.connectionPool.http.", names)
	}
	set := func(s string) string { return "{connectionPool: {http: {" + s + "}}}" }
	http2 := func(s string) string { return set("h2UpgradePolicy: UPGRADE" + s) }
	proto := func(a Answer) string { return a.Proto }
	single := func(s string) string { return "{connectionPool: {tcp: {maxConnections: 1}" + s + "}}" }
	half := []Endpoint{special(Dead), at(0, 0)}
	return []Observation{
		{
			Name: "max-pending", Rows: row("http1MaxPendingRequests"), Measure: overlapping(5),
			With:    Side{Policy: single(", http: {http1MaxPendingRequests: 1}"), Want: "200 503"},
			Without: Side{Policy: single(""), Want: "200"},
		},
		{
			Name: "max-requests", Rows: row("http2MaxRequests"), Measure: overlapping(5),
			With:    Side{Policy: set("http2MaxRequests: 2"), Want: "200 503"},
			Without: Side{Want: "200"},
		},
		{
			Name: "max-retries", Rows: row("maxRetries"), Measure: retried(0),
			With:    Side{Policy: "{loadBalancer: {simple: ROUND_ROBIN}, connectionPool: {http: {maxRetries: 1}}}", Endpoints: half, Want: "200 503"},
			Without: Side{Policy: "{loadBalancer: {simple: ROUND_ROBIN}}", Endpoints: half, Want: "200"},
		},
		{
			Name: "max-requests-per-connection", Rows: row("maxRequestsPerConnection"), Measure: connections(turns(6)),
			With:    Side{Policy: set("maxRequestsPerConnection: 2"), Endpoints: inFirstZone(1), Want: "connections: 3"},
			Without: Side{Endpoints: inFirstZone(1), Want: "connections: 1"},
		},
		{
			Name: "http-idle", Rows: row("idleTimeout"), Measure: afterwards,
			With:    Side{Policy: set("idleTimeout: 200ms"), Want: "closed"},
			Without: Side{Want: "open"},
		},
		{
			Name: "upgrade", Rows: row("h2UpgradePolicy"), Measure: asked(plain, proto),
			With:    Side{Policy: http2(""), Want: "HTTP/2.0"},
			Without: Side{Want: "HTTP/1.1"},
		},
		{
			Name: "client-protocol", Rows: row("useClientProtocol"), Measure: asked(Request{HTTP2: true}, proto),
			With:    Side{Policy: set("useClientProtocol: true"), Want: "HTTP/2.0"},
			Without: Side{Want: "HTTP/1.1"},
		},
		{
			Name: "streams", Rows: row("maxConcurrentStreams"), Measure: connections(together(4)),
			With:    Side{Policy: http2(", maxConcurrentStreams: 1"), Endpoints: inFirstZone(1), Want: "connections: 4"},
			Without: Side{Policy: http2(""), Endpoints: inFirstZone(1), Want: "connections: 1"},
		},
		{
			Name: "pings", Rows: row("http2KeepAlive.interval", "http2KeepAlive.timeout"), Measure: pinged,
			With:    Side{Policy: http2(", http2KeepAlive: {interval: 100ms, timeout: 20s}"), Want: "pings"},
			Without: Side{Policy: http2(""), Want: "no pings"},
		},
		{
			Name: "ping-interval", Rows: row("http2KeepAlive.interval"), Measure: pinged,
			With:    Side{Policy: http2(", http2KeepAlive: {interval: 100ms, timeout: 20s}"), Want: "pings"},
			Without: Side{Policy: http2(", http2KeepAlive: {interval: 1h, timeout: 20s}"), Want: "no pings"},
		},
		{
			Name: "ping-timeout", Rows: row("http2KeepAlive.timeout"), Measure: asked(Request{Limit: soon}, statusOf),
			With:    Side{Policy: http2(", http2KeepAlive: {interval: 100ms, timeout: 100ms}"), Endpoints: []Endpoint{special(Mute)}, Want: "503"},
			Without: Side{Policy: http2(", http2KeepAlive: {interval: 100ms, timeout: 1h}"), Endpoints: []Endpoint{special(Mute)}, Want: "no answer"},
		},
	}
}
