package observe

import "fmt"

// part is how many of three hundred requests a zone answers, from "none" to "all".
func part(zone string) func(*Site) (string, error) {
	return shareOfHost(zone, plain)
}

// shareOfHost is part for a host.
func shareOfHost(zone string, r Request) func(*Site) (string, error) {
	return func(s *Site) (string, error) { return about(share(s.inTurn(300, r), zone)), nil }
}

// partOfKeys is that of requests with as many hash keys.
func partOfKeys(zone string) func(*Site) (string, error) {
	return func(s *Site) (string, error) {
		var answers []Answer
		for i := range 300 {
			answers = append(answers, s.ask(Request{Headers: []string{fmt.Sprintf("X-User: %d", i)}}))
		}
		return about(share(answers, zone)), nil
	}
}

func about(percent float64) string {
	switch {
	case percent == 0:
		return "none"
	case percent < 35:
		return "few"
	case percent < 65:
		return "half"
	case percent < 100:
		return "most"
	default:
		return "all"
	}
}

func local(setting string) string { return "{loadBalancer: {localityLbSetting: {" + setting + "}}}" }

// unready is the N-th backend of a zone, which is not ready.
func unready(zone, n int) Endpoint {
	return bare(zone, n, fmt.Sprintf("zone: %s, nodeName: node-%[1]s, conditions: {ready: false}", zones[zone].Zone))
}

func localities() []Observation {
	row := func(name string) []string { return policy("loadBalancer.localityLbSetting." + name) }
	three, away := oneEach(3), []Endpoint{at(2, 0), at(3, 0)}
	half := []Endpoint{at(0, 0), unready(0, 1), at(1, 0)}
	return []Observation{
		{
			Name: "locality", Rows: row("enabled"), Measure: reached(plain),
			With:    Side{Policy: local(""), Endpoints: three, Want: "eu-1"},
			Without: Side{Endpoints: three, Want: "eu-1 eu-2 us-1"},
		},
		{
			Name: "locality-enabled", Rows: row("enabled"), Measure: reached(plain),
			With:    Side{Policy: local("enabled: true"), Endpoints: three, Want: "eu-1"},
			Without: Side{Policy: local("enabled: false"), Endpoints: three, Want: "eu-1 eu-2 us-1"},
		},
		{
			Name: "distribute", Rows: row("distribute[].to"), Measure: reached(plain),
			With:    Side{Policy: local("distribute: [{from: eu, to: {us: 100}}]"), Endpoints: three, Want: "us-1"},
			Without: Side{Policy: local(""), Endpoints: three, Want: "eu-1"},
		},
		{
			Name: "distribute-from", Rows: row("distribute[].from"), Measure: reached(plain),
			With:    Side{Policy: local("distribute: [{from: eu/eu-1, to: {us: 100}}]"), Endpoints: three, Want: "us-1"},
			Without: Side{Policy: local("distribute: [{from: eu/eu-2, to: {us: 100}}]"), Endpoints: three, Want: "eu-1 eu-2 us-1"},
		},
		{
			Name: "distribute-to", Rows: row("distribute[].to"), Measure: part("us-1"),
			With:    Side{Policy: local("distribute: [{from: eu, to: {eu/eu-1: 80, us: 20}}]"), Endpoints: three, Want: "few"},
			Without: Side{Policy: local("distribute: [{from: eu, to: {eu/eu-1: 20, us: 80}}]"), Endpoints: three, Want: "most"},
		},
		{
			Name: "distribute-hash", Rows: row("distribute[].to"), Measure: partOfKeys("us-1"),
			With:    Side{Policy: "{loadBalancer: {consistentHash: {httpHeaderName: x-user}, localityLbSetting: {distribute: [{from: eu, to: {eu/eu-1: 80, us: 20}}]}}}", Endpoints: three, Want: "few"},
			Without: Side{Policy: "{loadBalancer: {consistentHash: {httpHeaderName: x-user}, localityLbSetting: {distribute: [{from: eu, to: {eu/eu-1: 20, us: 80}}]}}}", Endpoints: three, Want: "most"},
		},
		{
			Name: "distribute-maglev", Rows: row("distribute[].to"), Measure: partOfKeys("us-1"),
			With:    Side{Policy: "{loadBalancer: {consistentHash: {httpHeaderName: x-user, maglev: {}}, localityLbSetting: {distribute: [{from: eu, to: {eu/eu-1: 80, us: 20}}]}}}", Endpoints: three, Want: "few"},
			Without: Side{Policy: "{loadBalancer: {consistentHash: {httpHeaderName: x-user, maglev: {}}, localityLbSetting: {distribute: [{from: eu, to: {eu/eu-1: 20, us: 80}}]}}}", Endpoints: three, Want: "most"},
		},
		{
			Name: "failover", Rows: row("failover[].to"), Measure: reached(plain),
			With:    Side{Policy: local("failover: [{from: eu, to: ap}]"), Endpoints: away, Want: "ap-1"},
			Without: Side{Policy: local("failover: [{from: eu, to: us}]"), Endpoints: away, Want: "us-1"},
		},
		{
			Name: "failover-from", Rows: row("failover[].from"), Measure: reached(plain),
			With:    Side{Policy: local("failover: [{from: eu, to: ap}]"), Endpoints: away, Want: "ap-1"},
			Without: Side{Policy: local("failover: [{from: us, to: ap}]"), Endpoints: away, Want: "ap-1 us-1"},
		},
		{
			Name: "failover-priority", Rows: row("failoverPriority"), Measure: reached(plain),
			With:    Side{Policy: local("failoverPriority: [version]"), Endpoints: versioned(0, 2), More: versions, Want: "us-1"},
			Without: Side{Policy: local(""), Endpoints: versioned(0, 2), More: versions, Want: "eu-1"},
		},
		{
			Name: "failover-priority-value", Rows: row("failoverPriority"), Measure: reached(plain),
			With:    Side{Policy: local("failoverPriority: [version=v1]"), Endpoints: versioned(0, 2), More: versions, Want: "eu-1"},
			Without: Side{Policy: local("failoverPriority: [version=v2]"), Endpoints: versioned(0, 2), More: versions, Want: "us-1"},
		},
		{
			Name: "allowed-regions", Rows: row("allowedRegions"), Measure: reached(plain),
			With:    Side{Policy: local("enabled: false, allowedRegions: [us]"), Endpoints: three, Want: "us-1"},
			Without: Side{Policy: local("enabled: false"), Endpoints: three, Want: "eu-1 eu-2 us-1"},
		},
		{
			Name: "failover-threshold", Rows: row("failoverThreshold"), Measure: part("eu-1"),
			With:    Side{Policy: local("enabled: true, failoverThreshold: 50"), Endpoints: half, Want: "all"},
			Without: Side{Policy: local("enabled: true, failoverThreshold: 100"), Endpoints: half, Want: "half"},
		},
	}
}
