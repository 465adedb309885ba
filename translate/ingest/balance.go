package ingest

import (
	"cmp"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// The sizes that hold where none is written (reference/destination-rule.md 2.2).
const (
	ringSize  = 1024
	tableSize = 65537
)

// balance resolves consistentHash and warmup. The Service's sessionAffinity is a
// hash of the source address where the rule names no algorithm.
func (r *resolver) balance(p *model.Policy, lb *v1alpha1.LoadBalancer) {
	if lb == nil {
		lb = &v1alpha1.LoadBalancer{}
	}
	switch {
	case lb.ConsistentHash != nil:
		p.Algorithm, p.Cluster.Hash = consistentHash(lb.ConsistentHash)
	case r.affinity && (lb.Simple == "" || lb.Simple == "UNSPECIFIED"):
		p.Algorithm, p.Cluster.Hash = model.RingHash, &model.Hash{SourceIP: true, Size: ringSize}
	}
	switch p.Algorithm {
	case model.LeastRequest, model.RoundRobin:
		p.Cluster.Warmup = warmup(lb)
	}
}

// affinity says that a Service has sessionAffinity: ClientIP; Kubernetes ignores it
// where it gives the Service no IP (reference/kubernetes.md 4).
func affinity(svc *corev1.Service) bool {
	return svc.Spec.SessionAffinity == corev1.ServiceAffinityClientIP && svc.Spec.ClusterIP != corev1.ClusterIPNone
}

func consistentHash(c *v1alpha1.ConsistentHash) (model.Algorithm, *model.Hash) {
	h := &model.Hash{
		Header: word(c.HTTPHeaderName), QueryParameter: word(c.HTTPQueryParameterName),
		SourceIP: c.UseSourceIP != nil && *c.UseSourceIP, Cookie: cookie(c.HTTPCookie),
	}
	if c.Maglev != nil {
		h.Size = size(c.Maglev.TableSize, tableSize)
		return model.Maglev, h
	}
	written := c.MinimumRingSize
	if c.RingHash != nil {
		written = c.RingHash.MinimumRingSize
	}
	h.Size = size(written, ringSize)
	return model.RingHash, h
}

func cookie(c *v1alpha1.HTTPCookie) *model.Cookie {
	if c == nil {
		return nil
	}
	out := &model.Cookie{Name: c.Name, Path: c.Path, TTL: optional(c.TTL)}
	for _, a := range c.Attributes {
		out.Attributes = append(out.Attributes, model.CookieAttribute{Name: a.Name, Value: a.Value})
	}
	return out
}

// size takes 0 for absent, as Istio does: an empty ring would serve nobody.
func size(n *int64, absent uint64) uint64 {
	if n == nil {
		return absent
	}
	return cmp.Or(uint64(*n), absent)
}

func word(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// warmup is nil where none is written; the old form counts where the new one is absent.
func warmup(lb *v1alpha1.LoadBalancer) *model.Warmup {
	w := &model.Warmup{Minimum: 10, Aggression: 1}
	switch {
	case lb.Warmup != nil:
		w.Window = length(lb.Warmup.Duration, 0)
		if m := lb.Warmup.MinimumPercent; m != nil {
			w.Minimum = *m
		}
		if a := lb.Warmup.Aggression; a != nil {
			w.Aggression = *a
		}
	case lb.WarmupDurationSecs != nil:
		w.Window = length(lb.WarmupDurationSecs, 0)
	}
	if w.Window < time.Millisecond {
		return nil
	}
	return w
}

// hashWithLocality tells that a key stays on its endpoint only as long as its
// priority and locality do (semantics 6.6).
func hashWithLocality(s *model.Service, set set) []model.Problem {
	if set.policy.Cluster.Hash == nil || set.policy.Mode == model.Flat {
		return nil
	}
	at := place{s.Object, "spec.sessionAffinity"}
	if lb := set.blocks.LoadBalancer; lb != nil && lb.ConsistentHash != nil {
		at = set.blocks.At.LoadBalancer.child("consistentHash")
	}
	return []model.Problem{{
		Object: at.Object, Field: at.Field, Severity: model.Info, Reason: model.HashWithLocality,
		Message: "the hash acts inside the priority and locality that were chosen: clients of other places, and the same client after a failover, find another endpoint",
	}}
}

// noWarmup tells of a warmup under an algorithm that has none.
func noWarmup(set set) []model.Problem {
	lb := set.blocks.LoadBalancer
	if lb == nil || set.policy.Cluster.Warmup != nil {
		return nil
	}
	at := set.blocks.At.LoadBalancer
	switch {
	case lb.Warmup != nil:
		at = at.child("warmup")
	case lb.WarmupDurationSecs != nil:
		at = at.child("warmupDurationSecs")
	default:
		return nil
	}
	return []model.Problem{{
		Object: at.Object, Field: at.Field, Severity: model.Info, Reason: model.NoEffect,
		Message: "has no effect: only ROUND_ROBIN and LEAST_REQUEST warm up, and the algorithm is " + string(set.policy.Algorithm),
	}}
}
