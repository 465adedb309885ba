package ingest

import (
	"strings"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// defaults is the mesh's word on what a rule leaves open
// (reference/destination-rule.md 2.10).
type defaults struct {
	outliers       *v1alpha1.OutlierDetection
	pool           *v1alpha1.ConnectionPool
	connectTimeout *v1alpha1.Duration
	dnsRefreshRate *v1alpha1.Duration
	keepalive      *v1alpha1.TCPKeepalive
	upgrade        bool
	at             model.ObjectRef
}

func meshDefaults(m Mesh) defaults {
	if m.Config == nil {
		return defaults{}
	}
	spec := &m.Config.Spec
	d := defaults{
		connectTimeout: spec.ConnectTimeout, dnsRefreshRate: spec.DNSRefreshRate, keepalive: spec.TCPKeepalive, upgrade: spec.H2UpgradePolicy == upgrade,
		at: model.ObjectRef{Kind: v1alpha1.KindMeshConfig, Name: m.Config.Name},
	}
	if p := spec.DefaultTrafficPolicy; p != nil {
		d.outliers, d.pool = p.OutlierDetection, p.ConnectionPool
	}
	return d
}

// fill gives the blocks that the rule lacks (reference/destination-rule.md 1).
func (d defaults) fill(b blocks) blocks {
	if b.OutlierDetection == nil && d.outliers != nil {
		b.OutlierDetection, b.At.OutlierDetection = d.outliers, place{d.at, "spec.defaultTrafficPolicy.outlierDetection"}
	}
	if b.ConnectionPool == nil && d.pool != nil {
		b.ConnectionPool, b.At.ConnectionPool = d.pool, place{d.at, "spec.defaultTrafficPolicy.connectionPool"}
	}
	return b
}

// set is a policy as it was resolved for one port, and where its blocks stand.
type set struct {
	policy model.Policy
	port   uint32
	blocks blocks
}

// settings fills in what the blocks for one port and subset say of connections
// and of ejecting endpoints.
func (r *resolver) settings(p *model.Policy, port uint32, b blocks) {
	b = r.defaults.fill(b)
	if b.OutlierDetection != nil {
		p.Cluster.Outliers = outliers(b.OutlierDetection)
		p.MinHealthPercent = number(b.OutlierDetection.MinHealthPercent, 0)
	}
	r.balance(p, b.LoadBalancer)
	p.Cluster.Pool = pool(b.ConnectionPool, r.defaults)
	p.Cluster.Pool.RetryBudget = retryBudget(b.RetryBudget)
	p.Cluster.TLS, p.Cluster.ProxyProtocol = encryption(b.TLS, r.altNames), proxyProtocol(b.ProxyProtocol)
	p.At = b.places()
	if p.Cluster.Tunnel = tunnel(b.Tunnel); p.Cluster.Tunnel != nil {
		p.Cluster.Pool.UseClientProtocol = false // the tunnel's client speaks no HTTP
	}
	if p.Cluster.Outliers != nil || p.Cluster.Hash != nil || b.LoadBalancer != nil || b.Tunnel != nil {
		r.set = append(r.set, set{*p, port, b})
	}
}

// told is what the Problems of a set hang on: of many classes of clients most
// have the same.
type told struct {
	port                   uint32
	mode                   model.Mode
	subset                 model.SubsetFrom
	loadBalancer, outliers place
	tunnel                 place
	fenced                 bool
	regions                string
}

func (s *set) told() told {
	t := told{
		port: s.port, mode: s.policy.Mode, subset: s.policy.SubsetFrom,
		loadBalancer: s.blocks.At.LoadBalancer, outliers: s.blocks.At.OutlierDetection,
		tunnel: s.blocks.At.Tunnel,
	}
	if a := s.policy.Allowed; a != nil {
		t.fenced, t.regions = true, strings.Join(a.Regions, ",")
	}
	return t
}

// settingsProblems are those of settings that cannot do what they seem to say
// (semantics 6.6).
func (r *resolver) settingsProblems(s *model.Service) []model.Problem {
	var out []model.Problem
	seen := make(map[told]bool, len(r.set))
	for _, set := range r.set {
		port, ok := s.Port(set.port)
		if t := set.told(); !ok || seen[t] {
			continue
		} else {
			seen[t] = true
		}
		out = append(out, ejectionTooSmall(s, port, set)...)
		out = append(out, hashWithLocality(s, set)...)
		out = append(out, noWarmup(set)...)
		out = append(out, tunnelled(s, port, set)...)
	}
	return out
}

// number is n, or what holds where it is absent; admission has bounded it.
func number[N int32 | int64](n *N, absent uint32) uint32 {
	if n == nil {
		return absent
	}
	return uint32(*n)
}

// length is d, or what holds where it is absent; admission has read it.
func length(d *v1alpha1.Duration, absent time.Duration) time.Duration {
	if d == nil {
		return absent
	}
	l, err := time.ParseDuration(string(*d))
	if err != nil {
		return absent
	}
	return l
}
