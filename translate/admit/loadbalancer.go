package admit

import (
	"math"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// loadBalancer checks 2.2.
func (r *report) loadBalancer(p path, l *v1alpha1.LoadBalancer) {
	r.oneOf(p.child("simple"), l.Simple,
		"LEAST_REQUEST", "ROUND_ROBIN", "RANDOM", "PASSTHROUGH", "UNSPECIFIED", "LEAST_CONN")
	if l.ConsistentHash != nil {
		if l.Simple != "" {
			r.invalid(p.child("consistentHash"), "not together with simple; keep one of them")
		}
		r.consistentHash(p.child("consistentHash"), l.ConsistentHash)
	}
	if l.LocalityLbSetting != nil {
		r.locality(p.child("localityLbSetting"), l.LocalityLbSetting)
	}
	if l.ZoneAwareLbSetting != nil {
		if l.LocalityLbSetting != nil {
			r.invalid(p.child("zoneAwareLbSetting"), "not together with localityLbSetting in a rule; keep one of them")
		}
		r.zoneAware(p.child("zoneAwareLbSetting"), l.ZoneAwareLbSetting)
	}
	if l.Warmup != nil {
		r.warmup(p.child("warmup"), l.Warmup)
	}
	r.duration(p.child("warmupDurationSecs"), l.WarmupDurationSecs, time.Millisecond)
}

func (r *report) warmup(p path, w *v1alpha1.Warmup) {
	if w.Duration == nil {
		r.invalid(p.child("duration"), "is missing; write how long an endpoint warms up, such as \"60s\"")
	}
	r.duration(p.child("duration"), w.Duration, time.Millisecond)
	between(r, p.child("minimumPercent"), w.MinimumPercent, 0, 100)
	if w.Aggression != nil && *w.Aggression <= 0 {
		r.invalid(p.child("aggression"), "%v is not allowed: more than 0, 1 is linear", *w.Aggression)
	}
}

func (r *report) consistentHash(p path, c *v1alpha1.ConsistentHash) {
	keys := 0
	for _, given := range []bool{
		c.HTTPHeaderName != nil, c.HTTPCookie != nil, c.UseSourceIP != nil, c.HTTPQueryParameterName != nil,
	} {
		if given {
			keys++
		}
	}
	if keys != 1 {
		r.invalid(p, "has %d hash keys; write exactly one of httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName", keys)
	}
	if c.HTTPHeaderName != nil {
		r.headerName(p.child("httpHeaderName"), *c.HTTPHeaderName)
	}
	if c.HTTPQueryParameterName != nil {
		r.notEmpty(p.child("httpQueryParameterName"), c.HTTPQueryParameterName)
		r.printable(p.child("httpQueryParameterName"), *c.HTTPQueryParameterName, "")
	}
	if c.UseSourceIP != nil && !*c.UseSourceIP {
		r.invalid(p.child("useSourceIp"), "false is no hash key; write true or remove it")
	}
	if c.HTTPCookie != nil {
		r.cookie(p.child("httpCookie"), c.HTTPCookie)
	}
	r.hashTables(p, c)
}

func (r *report) notEmpty(p path, s *string) {
	if s != nil && *s == "" {
		r.invalid(p, "is empty; write a name")
	}
}

func (r *report) cookie(p path, c *v1alpha1.HTTPCookie) {
	r.token(p.child("name"), c.Name)
	r.printable(p.child("path"), c.Path, ";")
	r.duration(p.child("ttl"), c.TTL, 0)
	seen := map[string]bool{}
	for i, a := range c.Attributes {
		at := p.child("attributes").index(i).child("name")
		r.token(at, a.Name)
		r.printable(p.child("attributes").index(i).child("value"), a.Value, ";")
		if a.Name != "" && seen[a.Name] {
			r.invalid(at, "%q names an earlier attribute", clip(a.Name))
		}
		seen[a.Name] = true
	}
}

// Envoy's bounds on its hash tables.
const (
	maxRingSize  = 8 << 20
	maxTableSize = 5000011 - 1
)

func (r *report) hashTables(p path, c *v1alpha1.ConsistentHash) {
	between(r, p.child("minimumRingSize"), c.MinimumRingSize, 0, maxRingSize)
	if c.MinimumRingSize != nil && (c.RingHash != nil || c.Maglev != nil) {
		r.invalid(p.child("minimumRingSize"), "not together with ringHash or maglev; write ringHash.minimumRingSize")
	}
	if c.RingHash != nil {
		between(r, p.child("ringHash", "minimumRingSize"), c.RingHash.MinimumRingSize, 0, maxRingSize)
		if c.Maglev != nil {
			r.invalid(p.child("maglev"), "not together with ringHash; keep one of them")
		}
	}
	if c.Maglev != nil && c.Maglev.TableSize != nil {
		if n := *c.Maglev.TableSize; n > maxTableSize || !isPrime(n) {
			r.invalid(p.child("maglev", "tableSize"), "%d is not allowed: a prime below 5000011, such as 65537", n)
		}
	}
}

// isPrime is for numbers below 5000011.
func isPrime(n int64) bool {
	if n < 2 {
		return false
	}
	for d := int64(2); d <= int64(math.Sqrt(float64(n))); d++ {
		if n%d == 0 {
			return false
		}
	}
	return true
}
