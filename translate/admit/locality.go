package admit

import (
	"maps"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// What one setting may have: every entry is compared with every client.
const (
	maxDistribute        = 16
	maxIstioDistribute   = 64
	maxDestinations      = 32
	maxIstioDestinations = 64
	maxFailover          = 64
	maxFailoverPriority  = 32
	maxRegions           = 64
	maxRegion            = 63 // what a label can hold
	maxPattern           = 3*maxRegion + 2
)

// locality checks 2.3 with the deviations D3 and D5.
func (r *report) locality(p path, s *v1alpha1.LocalityLbSetting) {
	r.distribute(p.child("distribute"), s.Distribute)
	r.failover(p.child("failover"), s.Failover)
	r.failoverPriority(p.child("failoverPriority"), s.FailoverPriority, len(s.Failover) > 0, "together with failover")
	r.allowedRegions(p.child("allowedRegions"), s.AllowedRegions)
	between(r, p.child("failoverThreshold"), s.FailoverThreshold, 1, 100)
}

// zoneAware checks 2.4.
func (r *report) zoneAware(p path, s *v1alpha1.ZoneAwareLbSetting) {
	between(r, p.child("minClusterSize"), s.MinClusterSize, 1, maxUint32)
	r.failover(p.child("failover"), s.Failover)
	r.failoverPriority(p.child("failoverPriority"), s.FailoverPriority, true, "in zoneAwareLbSetting, which orders regions itself")
}

func (r *report) distribute(p path, entries []v1alpha1.Distribute) {
	if !r.atMost(p, len(entries), r.bound(maxDistribute, maxIstioDistribute)) {
		return
	}
	first := map[string]path{}
	for i, d := range entries {
		at := p.index(i)
		r.pattern(at.child("from"), d.From, first)
		r.length(at.child("from"), d.From, maxPattern)
		if !r.atMost(at.child("to"), len(d.To), r.bound(maxDestinations, maxIstioDestinations)) {
			continue
		}
		sum := int64(0)
		to := map[string]path{}
		for _, pattern := range slices.Sorted(maps.Keys(d.To)) {
			weight := d.To[pattern]
			r.pattern(at.child("to").key(pattern), pattern, to)
			between(r, at.child("to").key(pattern), &weight, 1, 100)
			sum += int64(weight)
		}
		switch {
		case len(d.To) == 0:
			r.invalid(at.child("to"), "is missing; write at least one destination, such as {\"eu/eu-1\": 100}")
		case sum != 100:
			r.invalid(at.child("to"), "the weights are %d together; they must be 100", sum)
		}
	}
}

// pattern checks REGION[/ZONE[/SUBZONE]], and that none in first means the same.
func (r *report) pattern(p path, s string, first map[string]path) {
	const form = "write REGION[/ZONE[/SUBZONE]], the last of which may be \"*\""
	levels := strings.Split(s, "/")
	for i, level := range levels {
		switch {
		case level == "":
			r.invalid(p, "%q is no locality pattern: it has an empty level; %s", clip(s), form)
			return
		case strings.Contains(level, "*") && (level != "*" || i < len(levels)-1):
			r.invalid(p, "%q is no locality pattern: \"*\" must be the whole last level; %s", clip(s), form)
			return
		}
	}
	if len(levels) > 3 {
		r.invalid(p, "%q is no locality pattern: it has %d levels; %s", clip(s), len(levels), form)
		return
	}
	same := strings.TrimSuffix(s, "/*")
	if earlier, ok := first[same]; ok {
		r.invalid(p, "%q means the same as %s; keep one of them", clip(s), earlier)
		return
	}
	first[same] = p
}

func (r *report) failover(p path, entries []v1alpha1.Failover) {
	if !r.atMost(p, len(entries), maxFailover) {
		return
	}
	for i, f := range entries {
		at := p.index(i)
		r.region(at.child("from"), f.From)
		r.region(at.child("to"), f.To)
		if f.From != "" && f.From == f.To {
			r.invalid(at.child("to"), "is %q, as from is; name another region", clip(f.To))
		}
	}
}

// region checks the name of one region.
func (r *report) region(p path, s string) {
	switch {
	case s == "":
		r.invalid(p, "is empty; write the name of a region")
	case strings.ContainsAny(s, "/*"):
		r.invalid(p, "%q is no region: neither \"/\" nor \"*\" may stand in it", clip(s))
	default:
		r.length(p, s, maxRegion)
	}
}

func (r *report) allowedRegions(p path, regions []string) {
	if regions != nil && len(regions) == 0 {
		r.invalid(p, "is empty; list at least one region, or remove the field to allow all")
	}
	if !r.atMost(p, len(regions), maxRegions) {
		return
	}
	for i, region := range regions {
		r.region(p.index(i), region)
	}
	r.unique(p, regions)
}

// failoverPriority checks labels; where ordered says that regions are ordered
// elsewhere, the labels of places are refused, with a value too.
func (r *report) failoverPriority(p path, entries []string, ordered bool, why string) {
	if !r.atMost(p, len(entries), maxFailoverPriority) {
		return
	}
	for i, entry := range entries {
		label, value, _ := strings.Cut(entry, "=")
		r.labelKey(p.index(i), label)
		r.labelValue(p.index(i), value)
		if ordered && isPlace(label) {
			r.invalid(p.index(i), "%s is not allowed %s", label, why)
		}
	}
}

func isPlace(label string) bool {
	switch label {
	case "topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone":
		return true
	}
	return false
}
