package observe

import (
	"bufio"
	"fmt"
	"net"
	"time"
)

// turns and together are ways to send requests whose connections are counted.
func turns(n int) func(*Site) []Answer {
	return func(s *Site) []Answer { return s.inTurn(n, plain) }
}

func together(n int) func(*Site) []Answer {
	return func(s *Site) []Answer { return s.atOnce(n, Request{Headers: []string{slow}}) }
}

// retried are the statuses of requests at once, half of which meet an endpoint that
// refuses connections, and are retried; before come so many requests in turn.
func retried(before int) func(*Site) (string, error) {
	return func(s *Site) (string, error) {
		s.inTurn(before, plain)
		return overlapping(16)(s)
	}
}

// carried is whether a connection through the site's TCP listener is answered, and
// whether it is closed soon.
func carried(s *Site) (string, error) {
	c, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", s.world.flags[s.Client].Bind, s.listens), soon)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: any.example\r\n\r\n"); err != nil {
		return "", err
	}
	_ = c.SetReadDeadline(time.Now().Add(soon))
	in := bufio.NewReader(c)
	became := "not answered, "
	for {
		if _, err := in.Discard(1); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				return became + "open", nil
			}
			return became + "closed", nil
		}
		became = "answered, "
	}
}

func pools() []Observation {
	row := func(names ...string) []string { return rows("DestinationRule spec.trafficPolicy.", names) }
	tcp := func(s string) string { return "{connectionPool: {tcp: {" + s + "}}}" }
	half := []Endpoint{special(Dead), at(0, 0)}
	budget := func(s string) string {
		return "{loadBalancer: {simple: ROUND_ROBIN}, retryBudget: {" + s + "}}"
	}
	const listen = "networking.coastwise.dev/listen: 'db=LISTENS'"
	const db = "[{name: db, port: 80}]"
	return []Observation{
		{
			Name: "max-connections", Rows: row("connectionPool.tcp.maxConnections"), Measure: connections(together(4)),
			With:    Side{Policy: tcp("maxConnections: 1"), Endpoints: inFirstZone(1), Want: "connections: 1"},
			Without: Side{Endpoints: inFirstZone(1), Want: "connections: 4"},
		},
		{
			Name: "connect-timeout", Rows: row("connectionPool.tcp.connectTimeout"), Measure: asked(Request{Limit: soon}, statusOf),
			With:    Side{Policy: tcp("connectTimeout: 200ms"), Endpoints: []Endpoint{special(Silent)}, Want: "503"},
			Without: Side{Endpoints: []Endpoint{special(Silent)}, Want: "no answer"},
		},
		{
			Name: "keepalive", Rows: row("connectionPool.tcp.tcpKeepalive.time", "connectionPool.tcp.tcpKeepalive.interval", "connectionPool.tcp.tcpKeepalive.probes"), Measure: probed,
			With:    Side{Policy: tcp("tcpKeepalive: {time: 7s, interval: 3s, probes: 5}"), Want: "time 7, interval 3, probes 5"},
			Without: Side{Want: "off"},
		},
		{
			Name: "keepalive-values", Rows: row("connectionPool.tcp.tcpKeepalive.time", "connectionPool.tcp.tcpKeepalive.interval", "connectionPool.tcp.tcpKeepalive.probes"), Measure: probed,
			With:    Side{Policy: tcp("tcpKeepalive: {time: 1500ms, interval: 4s, probes: 127}"), Want: "time 2, interval 4, probes 127"},
			Without: Side{Policy: tcp("tcpKeepalive: {time: 32767s, interval: 5s, probes: 1}"), Want: "time 32767, interval 5, probes 1"},
		},
		{
			Name: "max-duration", Rows: row("connectionPool.tcp.maxConnectionDuration"), Measure: whileBusy,
			With:    Side{Policy: tcp("maxConnectionDuration: 300ms"), Endpoints: inFirstZone(1), Want: "replaced"},
			Without: Side{Endpoints: inFirstZone(1), Want: "stays"},
		},
		{
			Name: "tcp-idle", Rows: row("connectionPool.tcp.idleTimeout"), Measure: afterwards,
			With:    Side{Policy: tcp("idleTimeout: 200ms"), Want: "closed"},
			Without: Side{Want: "open"},
		},
		{
			Name: "tcp-idle-listener", Rows: append(row("connectionPool.tcp.idleTimeout"), "Service metadata.annotations[networking.coastwise.dev/listen]"), Measure: carried,
			With:    Side{Policy: tcp("idleTimeout: 300ms"), Annotations: listen, Ports: db, Slice: SliceShape{PortName: "db"}, Want: "answered, closed"},
			Without: Side{Annotations: listen, Ports: db, Slice: SliceShape{PortName: "db"}, Want: "answered, open"},
		},
		{
			Name: "connect-timeout-tcp", Rows: row("connectionPool.tcp.connectTimeout"), Measure: carried,
			With:    Side{Policy: tcp("connectTimeout: 200ms"), Annotations: listen, Ports: db, Slice: SliceShape{PortName: "db"}, Endpoints: []Endpoint{special(Silent)}, Want: "not answered, closed"},
			Without: Side{Annotations: listen, Ports: db, Slice: SliceShape{PortName: "db"}, Endpoints: []Endpoint{special(Silent)}, Want: "not answered, open"},
		},
		{
			Name: "retry-budget", Rows: row("retryBudget.percent"), Measure: retried(0),
			With:    Side{Policy: budget("percent: 0, minRetryConcurrency: 1"), Endpoints: half, Want: "200 503"},
			Without: Side{Policy: "{loadBalancer: {simple: ROUND_ROBIN}}", Endpoints: half, Want: "200"},
		},
		{
			Name: "retry-percent", Rows: row("retryBudget.percent"), Measure: retried(0),
			With:    Side{Policy: budget("percent: 0, minRetryConcurrency: 1"), Endpoints: half, Want: "200 503"},
			Without: Side{Policy: budget("percent: 100, minRetryConcurrency: 1"), Endpoints: half, Want: "200"},
		},
		{
			Name: "retry-concurrency", Rows: row("retryBudget.minRetryConcurrency"), Measure: retried(0),
			With:    Side{Policy: budget("percent: 0, minRetryConcurrency: 100"), Endpoints: half, Want: "200"},
			Without: Side{Policy: budget("percent: 0, minRetryConcurrency: 1"), Endpoints: half, Want: "200 503"},
		},
		{
			Name: "retry-interval", Rows: row("retryBudget.budgetInterval"), Measure: retried(200),
			With:    Side{Policy: budget("percent: 10, minRetryConcurrency: 1, budgetInterval: 60s"), Endpoints: half, Want: "200"},
			Without: Side{Policy: budget("percent: 10, minRetryConcurrency: 1"), Endpoints: half, Want: "200 503"},
		},
		{
			Name: "proxy-protocol", Rows: row("proxyProtocol.version"), Measure: asked(plain, func(a Answer) string { return a.Begin }),
			With:    Side{Policy: "{proxyProtocol: {}}", Want: "PROXY V1, HTTP"},
			Without: Side{Want: "HTTP"},
		},
		{
			Name: "proxy-protocol-version", Rows: row("proxyProtocol.version"), Measure: asked(plain, func(a Answer) string { return a.Begin }),
			With:    Side{Policy: "{proxyProtocol: {version: V2}}", Want: "PROXY V2, HTTP"},
			Without: Side{Policy: "{proxyProtocol: {version: V1}}", Want: "PROXY V1, HTTP"},
		},
	}
}
