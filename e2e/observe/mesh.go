package observe

import "fmt"

// The MeshConfigs, each a world of its own. Where one holds many fields, none of
// them is in the way of another's observation.
const (
	meshDefaults = "rootNamespace: mesh-root, connectTimeout: 200ms, tcpKeepalive: {time: 11s, interval: 5s, probes: 3}, h2UpgradePolicy: UPGRADE, " +
		"defaultTrafficPolicy: {connectionPool: {http: {maxRequestsPerConnection: 2}}, outlierDetection: {consecutive5xxErrors: 3, maxEjectionPercent: 50}}, " +
		"localityLbSetting: {enabled: true, failover: [{from: eu, to: ap}]}"
	meshSuspended  = "suspend: true, localityLbSetting: {enabled: true, allowedRegions: [eu, ap]}"
	meshDistribute = "localityLbSetting: {enabled: true, distribute: [{from: eu, to: {us: 100}}], failoverPriority: [version], failoverThreshold: 50}"
	meshNames      = "dnsRefreshRate: 200ms"
	meshOff        = "localityLbSetting: {failover: [{from: eu, to: ap}]}"
)

// spills says whether a second zone answers too.
func spills(s *Site) (string, error) {
	if len(distinct(s.inTurn(100, plain), zoneOf)) > 1 {
		return "spills", nil
	}
	return "one zone", nil
}

// renamed says whether requests follow soon when the name of a host's endpoint gets
// another address.
func renamed(s *Site) (string, error) {
	host := Request{Host: "NAME.example"}
	if first := s.ask(host); first.Zone != "eu-1" {
		return "", fmt.Errorf("answered by %s", zoneOf(first))
	}
	if err := s.world.lab.names.Set(s.name+".test", s.world.lab.address(at(1, 0))); err != nil {
		return "", err
	}
	if within(soon, func() bool { return s.ask(host).Zone == "eu-2" }) {
		return "moves", nil
	}
	return "stays", nil
}

func meshes() []Observation {
	row := func(names ...string) []string { return rows("MeshConfig spec.", names) }
	three, away := oneEach(3), []Endpoint{at(2, 0), at(3, 0)}
	return []Observation{
		{
			Name: "mesh-root", Rows: row("rootNamespace"), Measure: asked(plain, statusOf),
			With:    Side{Mesh: meshDefaults, Policy: marker, RuleHost: "NAME.default.svc.cluster.local", RuleNamespace: "mesh-root", Want: "503"},
			Without: Side{Policy: marker, RuleHost: "NAME.default.svc.cluster.local", RuleNamespace: "mesh-root", Want: "200"},
		},
		{
			Name: "mesh-suspend", Rows: row("suspend"), Measure: reached(plain),
			With:    Side{Mesh: meshSuspended, Policy: local(""), Endpoints: oneEach(2), Want: "eu-1 eu-2"},
			Without: Side{Policy: local(""), Endpoints: oneEach(2), Want: "eu-1"},
		},
		{
			Name: "mesh-locality", Rows: row("localityLbSetting", "localityLbSetting.enabled"), Measure: reached(plain),
			With:    Side{Mesh: meshDefaults, Endpoints: three, Want: "eu-1"},
			Without: Side{Mesh: meshOff, Endpoints: three, Want: "eu-1 eu-2 us-1"},
		},
		{
			Name: "mesh-failover", Rows: row("localityLbSetting"), Measure: reached(plain),
			With:    Side{Mesh: meshDefaults, Endpoints: away, Want: "ap-1"},
			Without: Side{Mesh: meshOff, Endpoints: away, Want: "ap-1 us-1"},
		},
		{
			Name: "mesh-distribute", Rows: row("localityLbSetting"), Measure: reached(plain),
			With:    Side{Mesh: meshDistribute, Endpoints: three, Want: "us-1"},
			Without: Side{Mesh: meshDefaults, Endpoints: three, Want: "eu-1"},
		},
		{
			Name: "mesh-priority", Rows: row("localityLbSetting"), Measure: reached(plain),
			With:    Side{Mesh: meshDistribute, Endpoints: versioned(0, 3), More: versions, Want: "ap-1"},
			Without: Side{Mesh: meshDefaults, Endpoints: versioned(0, 3), More: versions, Want: "eu-1"},
		},
		{
			Name: "mesh-threshold", Rows: row("localityLbSetting"), Measure: spills,
			With:    Side{Mesh: meshDistribute, Endpoints: []Endpoint{at(2, 0), unready(2, 1), at(0, 0)}, Want: "one zone"},
			Without: Side{Mesh: meshDefaults, Endpoints: []Endpoint{at(0, 0), unready(0, 1), at(1, 0)}, Want: "spills"},
		},
		{
			Name: "mesh-fence", Rows: row("localityLbSetting.allowedRegions"), Measure: reached(plain),
			With:    Side{Mesh: meshSuspended, Endpoints: three, Want: "eu-1 eu-2"},
			Without: Side{Endpoints: three, Want: "eu-1 eu-2 us-1"},
		},
		{
			Name: "mesh-connect-timeout", Rows: row("connectTimeout"), Measure: asked(Request{Limit: soon}, statusOf),
			With:    Side{Mesh: meshDefaults, Endpoints: []Endpoint{special(Silent)}, Want: "503"},
			Without: Side{Endpoints: []Endpoint{special(Silent)}, Want: "no answer"},
		},
		{
			Name: "mesh-keepalive", Rows: row("tcpKeepalive.time", "tcpKeepalive.interval", "tcpKeepalive.probes"), Measure: probed,
			With:    Side{Mesh: meshDefaults, Want: "time 11, interval 5, probes 3"},
			Without: Side{Want: "off"},
		},
		{
			Name: "mesh-keepalive-parts", Rows: policy("connectionPool.tcp.tcpKeepalive.time"), Measure: probed,
			With:    Side{Mesh: meshDefaults, Policy: "{connectionPool: {tcp: {tcpKeepalive: {time: 7s}}}}", Want: "time 7, interval 5, probes 3"},
			Without: Side{Mesh: meshDefaults, Policy: "{connectionPool: {tcp: {tcpKeepalive: {probes: 4}}}}", Want: "time 11, interval 5, probes 4"},
		},
		{
			Name: "mesh-keepalive-off", Rows: policy("connectionPool.tcp.tcpKeepalive.probes"), Measure: probed,
			With:    Side{Mesh: meshDefaults, Policy: "{connectionPool: {tcp: {tcpKeepalive: {probes: 0}}}}", Want: "off"},
			Without: Side{Mesh: meshDefaults, Want: "time 11, interval 5, probes 3"},
		},
		{
			Name: "mesh-upgrade-not", Rows: policy("connectionPool.http.h2UpgradePolicy"), Measure: asked(plain, func(a Answer) string { return a.Proto }),
			With:    Side{Mesh: meshDefaults, Policy: "{connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}}", Want: "HTTP/1.1"},
			Without: Side{Mesh: meshDefaults, Policy: "{connectionPool: {http: {maxRetries: 5}}}", Want: "HTTP/2.0"},
		},
		{
			Name: "mesh-upgrade", Rows: row("h2UpgradePolicy"), Measure: asked(plain, func(a Answer) string { return a.Proto }),
			With:    Side{Mesh: meshDefaults, Want: "HTTP/2.0"},
			Without: Side{Want: "HTTP/1.1"},
		},
		{
			Name: "mesh-dns", Rows: row("dnsRefreshRate"), Measure: renamed,
			With:    Side{Mesh: meshNames}.entered("moves", "resolution: DNS", "endpoints: [{address: NAME.test}]"),
			Without: Side{}.entered("stays", "resolution: DNS", "endpoints: [{address: NAME.test}]"),
		},
		{
			Name: "mesh-pool", Rows: row("defaultTrafficPolicy.connectionPool"), Measure: connections(turns(6)),
			With:    Side{Mesh: meshDefaults, Endpoints: inFirstZone(1), Want: "connections: 3"},
			Without: Side{Endpoints: inFirstZone(1), Want: "connections: 1"},
		},
		{
			Name: "mesh-outliers", Rows: row("defaultTrafficPolicy.outlierDetection"), Measure: ejects(500),
			With:    Side{Mesh: meshDefaults, Want: "ejected"},
			Without: Side{Want: "stays"},
		},
	}
}
