package model

import "testing"

// Direct tunnels are for TCP whose endpoints all have a ztunnel, each its own address,
// and that no policy carries otherwise.
func TestDirect(t *testing.T) {
	ztunnel := func(ip string, port uint32) Endpoint {
		return Endpoint{Address: ip, Port: port, HBONE: true, Identity: SPIFFE("cluster.local", "a", "b")}
	}
	both := []Endpoint{ztunnel("10.0.0.1", 1), ztunnel("10.0.0.2", 1)}
	for name, c := range map[string]struct {
		service Service
		port    Port
		want    bool
	}{
		"tcp":               {Service{}, Port{Protocol: ProtocolTCP, Endpoints: both}, true},
		"undeclared":        {Service{}, Port{Endpoints: both}, true},
		"http":              {Service{}, Port{Protocol: ProtocolHTTP, Endpoints: both}, false},
		"routed":            {Service{}, Port{Endpoints: both, Routes: make([]Route, 1)}, false},
		"none":              {Service{}, Port{}, false},
		"a plain one":       {Service{}, Port{Endpoints: append([]Endpoint{{Address: "10.0.0.0"}}, both...)}, false},
		"one address twice": {Service{}, Port{Endpoints: []Endpoint{ztunnel("10.0.0.1", 1), ztunnel("10.0.0.1", 2)}}, false},
		"names":             {Service{Resolution: DNS}, Port{Endpoints: both}, false},
		"encrypted":         {Service{Policies: []Policy{{}, {Cluster: ClusterSettings{TLS: &TLS{}}}}}, Port{Endpoints: both}, false},
		"PROXY header":      {Service{Policies: []Policy{{Cluster: ClusterSettings{ProxyProtocol: ProxyProtocolV2}}}}, Port{Endpoints: both}, false},
		"a rule's tunnel":   {Service{Policies: []Policy{{Cluster: ClusterSettings{Tunnel: &Tunnel{}}}}}, Port{Endpoints: both}, false},
		"an ordinary rule":  {Service{Policies: []Policy{{}, {Algorithm: Random}}}, Port{Endpoints: both}, true},
	} {
		if got := c.service.Direct(c.port); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Outlier detection that cannot act is told of at the rule that asks for it.
func TestBlind(t *testing.T) {
	at := Place{ObjectRef{Kind: "DestinationRule", Name: "r"}, "spec.trafficPolicy.outlierDetection"}
	policy := Policy{Cluster: ClusterSettings{Outliers: &Outliers{}}, At: Blocks{OutlierDetection: at}}
	mixed := Port{Number: 9, Endpoints: []Endpoint{{Address: "10.0.0.1"}, {Address: "10.0.0.2", HBONE: true}}}
	s := Service{Key: ServiceKey("a", "s")}
	if told := s.Blind(mixed, policy); len(told) != 1 || told[0].Object != at.Object || told[0].Field != at.Field || told[0].Severity != Info {
		t.Errorf("mixed: %+v", told)
	}
	for name, quiet := range map[string]struct {
		port   Port
		policy Policy
	}{
		"direct":       {Port{Endpoints: mixed.Endpoints[1:]}, policy},
		"plain":        {Port{Endpoints: mixed.Endpoints[:1]}, policy},
		"no detection": {mixed, Policy{}},
		"HTTP":         {Port{Protocol: ProtocolHTTP, Endpoints: mixed.Endpoints}, policy},
	} {
		if told := s.Blind(quiet.port, quiet.policy); len(told) > 0 {
			t.Errorf("%s: %+v", name, told)
		}
	}
}
