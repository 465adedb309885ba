package model

import (
	"strings"
	"testing"
	"time"
)

func whole() Policy {
	limit, idle := uint32(7), time.Minute
	at := func(field string) Place { return Place{ObjectRef{Kind: "DestinationRule", Name: "r"}, field} }
	p := Policy{Algorithm: RingHash}
	p.Cluster = ClusterSettings{
		Hash: &Hash{Header: "x"}, Warmup: &Warmup{Window: time.Second},
		Outliers: &Outliers{
			Interval: 1, BaseEjectionTime: 2, MaxEjectionTime: 3, MaxEjectionPercent: 4, Consecutive5xx: 5, Jitter: 6,
			SuccessRate: &SuccessRate{},
		},
		Pool: Pool{MaxRequests: &limit, MaxConnections: &limit, IdleTimeout: &idle, RetryBudget: &RetryBudget{}},
	}
	p.At = Blocks{
		LoadBalancer: at("loadBalancer"), ConnectionPool: at("connectionPool"), OutlierDetection: at("outlierDetection"),
		RetryBudget: at("retryBudget"), TLS: at("tls"), ProxyProtocol: at("proxyProtocol"), Tunnel: at("tunnel"),
	}
	return p
}

// TestPolicyForGRPC: what gRPC clients cannot do is gone, what they can is as it was,
// and the policy itself is not changed (semantics 9.5).
func TestPolicyForGRPC(t *testing.T) {
	p := whole()
	got := p.For(GRPCForm)
	if got.Algorithm != RingHash || got.Cluster.Hash != p.Cluster.Hash {
		t.Errorf("a header's hash became %+v", got.Cluster.Hash)
	}
	if got.Cluster.Warmup != nil || got.Cluster.Pool != (Pool{MaxRequests: p.Cluster.Pool.MaxRequests}) {
		t.Errorf("kept: %+v", got.Cluster)
	}
	o := got.Cluster.Outliers
	if o.Consecutive5xx != 0 || o.Jitter != 0 || o.Interval != 1 || o.BaseEjectionTime != 2 || o.MaxEjectionTime != 3 || o.MaxEjectionPercent != 4 || o.SuccessRate == nil {
		t.Errorf("outliers: %+v", o)
	}
	if p.Cluster.Warmup == nil || p.Cluster.Outliers.Jitter != 6 || p.For(Plain).Cluster.Pool.MaxConnections == nil {
		t.Error("the policy itself was changed, or an Envoy's was")
	}
	for _, tc := range []struct {
		algorithm Algorithm
		hash      *Hash
		want      Algorithm
	}{
		{LeastRequest, nil, LeastRequest},
		{RoundRobin, nil, RoundRobin},
		{Random, nil, RoundRobin},
		{Passthrough, nil, RoundRobin},
		{Maglev, &Hash{Header: "x"}, RoundRobin},
		{RingHash, &Hash{SourceIP: true}, RingHash},
		{RingHash, &Hash{QueryParameter: "q"}, RoundRobin},
		{RingHash, &Hash{Cookie: &Cookie{Name: "c"}}, RoundRobin},
	} {
		p := Policy{Algorithm: tc.algorithm}
		p.Cluster.Hash = tc.hash
		if got := p.For(GRPCForm); got.Algorithm != tc.want || (got.Cluster.Hash != nil) != (tc.want == RingHash) {
			t.Errorf("%s by %+v became %s by %+v", tc.algorithm, tc.hash, got.Algorithm, got.Cluster.Hash)
		}
	}
	none := whole()
	none.Cluster.Outliers.SuccessRate = nil
	if got := none.For(GRPCForm).Cluster.Outliers; got != nil {
		t.Errorf("nothing ejects, and yet: %+v", got)
	}
	none.Cluster.Outliers.FailurePercentage = &FailurePercentage{}
	if got := none.For(GRPCForm).Cluster.Outliers; got == nil || got.FailurePercentage == nil {
		t.Error("failurePercentage is lost")
	}
}

// TestCannot: each block is told of where it stands, and nobody where nobody wrote.
func TestCannot(t *testing.T) {
	s := &Service{Object: ObjectRef{Kind: "ServiceEntry", Name: "e"}}
	want := map[string]string{
		"loadBalancer": "warm", "connectionPool": "http.idleTimeout", "outlierDetection": "consecutive5xxErrors", "retryBudget": "budget",
	}
	told := s.Cannot(whole(), GRPCForm)
	for _, p := range told {
		if !strings.Contains(p.Message, want[p.Field]) || p.Severity != Info {
			t.Errorf("%+v", p)
		}
		delete(want, p.Field)
	}
	if len(want) > 0 || len(told) != 4 {
		t.Errorf("not told: %v", want)
	}
	unwritten := whole()
	unwritten.At = Blocks{}
	if told := s.Cannot(unwritten, GRPCForm); len(told) > 0 {
		t.Errorf("a block that nobody wrote: %+v", told)
	}
	if told := s.Cannot(whole(), Plain); len(told) > 0 {
		t.Errorf("an Envoy: %+v", told)
	}
	idle := time.Minute
	tcp := whole()
	tcp.Cluster.Pool = Pool{IdleTimeout: &idle, TCPIdleTimeout: &idle}
	for _, p := range s.Cannot(tcp, GRPCForm) {
		if strings.Contains(p.Message, "http.idleTimeout") {
			t.Errorf("the TCP idle timeout is told as HTTP's: %s", p.Message)
		}
	}
	for field, change := range map[string]func(*Policy){
		"tls":           func(p *Policy) { p.Cluster.TLS = &TLS{} },
		"proxyProtocol": func(p *Policy) { p.Cluster.ProxyProtocol = ProxyProtocolV1 },
		"tunnel":        func(p *Policy) { p.Cluster.Tunnel = &Tunnel{} },
	} {
		p := whole()
		change(&p)
		if told := s.Cannot(p, GRPCForm); len(told) != 1 || told[0].Field != field || told[0].Severity != Warning {
			t.Errorf("%s: %+v", field, told)
		}
	}
	for _, how := range []Resolution{DNS, DNSRoundRobin, OriginalDestination} {
		s.Resolution = how
		if told := s.Cannot(whole(), GRPCForm); len(told) != 1 || told[0].Field != "spec.resolution" {
			t.Errorf("%s: %+v", how, told)
		}
	}
}
