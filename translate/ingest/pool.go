package ingest

import (
	"math"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

const (
	upgrade      = "UPGRADE"
	doNotUpgrade = "DO_NOT_UPGRADE"
)

// pool resolves a block, nil if there is none, over the mesh's word
// (reference/destination-rule.md 2.5).
func pool(c *v1alpha1.ConnectionPool, mesh defaults) model.Pool {
	var p model.Pool
	if c == nil {
		c = &v1alpha1.ConnectionPool{}
	}
	http := c.HTTP
	if http == nil {
		http = &v1alpha1.HTTPSettings{}
	}
	tcp := c.TCP
	if tcp == nil {
		tcp = &v1alpha1.TCPSettings{}
	}
	tcpPool(&p, tcp, mesh)
	httpPool(&p, http, mesh)
	if p.IdleTimeout == nil { // HTTP idles as long as TCP where it does not say
		p.IdleTimeout = p.TCPIdleTimeout
	}
	return p
}

func tcpPool(p *model.Pool, t *v1alpha1.TCPSettings, mesh defaults) {
	p.MaxConnections = limit(t.MaxConnections)
	p.ConnectTimeout = length(t.ConnectTimeout, length(mesh.connectTimeout, 0))
	p.Keepalive = keepalive(mesh.keepalive, t.TCPKeepalive)
	p.MaxConnectionDuration = length(t.MaxConnectionDuration, 0)
	p.TCPIdleTimeout = optional(t.IdleTimeout)
}

func httpPool(p *model.Pool, h *v1alpha1.HTTPSettings, mesh defaults) {
	p.MaxPendingRequests = limit(h.HTTP1MaxPendingRequests)
	p.MaxRequests = limit(h.HTTP2MaxRequests)
	p.MaxRetries = limit(h.MaxRetries)
	p.IdleTimeout = optional(h.IdleTimeout)
	p.MaxRequestsPerConnection = number(h.MaxRequestsPerConnection, 0)
	p.MaxConcurrentStreams = number(h.MaxConcurrentStreams, 0)
	p.UseClientProtocol = h.UseClientProtocol
	switch {
	case h.H2UpgradePolicy == upgrade:
		p.Upgrade = model.UpgradeAlways
	case h.H2UpgradePolicy != doNotUpgrade && mesh.upgrade:
		p.Upgrade = model.UpgradeOfHTTP1
	}
	if k := h.HTTP2KeepAlive; k != nil {
		p.HTTP2Keepalive = &model.HTTP2Keepalive{Interval: length(k.Interval, 0), Timeout: length(k.Timeout, 0)}
	}
}

// retryBudget has Envoy's defaults; nil is none.
func retryBudget(b *v1alpha1.RetryBudget) *model.RetryBudget {
	if b == nil {
		return nil
	}
	out := &model.RetryBudget{Percent: 20, MinConcurrency: number(b.MinRetryConcurrency, 3), Interval: length(b.BudgetInterval, 0)}
	if b.Percent != nil {
		out.Percent = *b.Percent
	}
	return out
}

// keepalive is the mesh's, with what the rule says attribute by attribute; nil
// where neither speaks.
func keepalive(levels ...*v1alpha1.TCPKeepalive) *model.Keepalive {
	var out *model.Keepalive
	for _, k := range levels {
		if k == nil {
			continue
		}
		if out == nil {
			out = &model.Keepalive{}
		}
		if k.Probes != nil {
			n := uint32(*k.Probes)
			out.Probes = &n
		}
		if k.Time != nil {
			out.Time = seconds(length(k.Time, 0))
		}
		if k.Interval != nil {
			out.Interval = seconds(length(k.Interval, 0))
		}
	}
	return out
}

// seconds rounds up: a probe never comes before its time.
func seconds(d time.Duration) *uint32 {
	n := uint32(min((d+time.Second-1)/time.Second, math.MaxUint32))
	return &n
}

// limit is nil where nothing is limited: for the largest number too.
func limit(n *int32) *uint32 {
	if n == nil || *n == math.MaxInt32 {
		return nil
	}
	limit := uint32(*n)
	return &limit
}

func optional(d *v1alpha1.Duration) *time.Duration {
	if d == nil {
		return nil
	}
	l := length(d, 0)
	return &l
}
