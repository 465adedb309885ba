package locality

import "github.com/coastwise/coastwise/translate/model"

// levelBits hold the level inside a rank; what is above them is the tier + 1.
const levelBits = 3

// maxPriority is Envoy's last; what would come after it shares it.
const maxPriority = 128

// tiered is the rank of a level inside a tier of labels.
func tiered(tier int, level rank) rank { return rank(tier+1)<<levelBits | level }

// tierReason says a rank that has a tier.
func (r rank) tierReason(first Reason) Reason {
	tier, level := LabelTier(int(r>>levelBits)-1), r&(1<<levelBits-1)
	if level == ungraded {
		return tier
	}
	return tier + ", " + level.reason(first)
}

// byOrder ranks all that is in, but keeps those that pooled says yes to in the
// pool: by tier, then by level (semantics 6.1).
func byOrder(cs []candidate, view model.View, policy model.Policy, pooled func(*candidate) bool) {
	l := levelsFor(view.Locality, policy.Failover)
	for i := range cs {
		c := &cs[i]
		if !c.in() || pooled(c) {
			continue
		}
		level := ungraded
		if policy.Graded() {
			level = l.of(c.Locality)
		}
		c.rank = level
		if n := len(policy.FailoverPriority); n > 0 {
			c.rank = tiered(tierOf(policy.FailoverPriority, view, c.Endpoint), level)
		}
	}
}

// tierOf is destination-rule.md 3.4: the first label of n that differs, at index
// j, makes tier n-j, none makes 0. If the first is the client's network, a
// difference there adds n, and the others count on.
func tierOf(labels []model.PriorityLabel, view model.View, e *model.Endpoint) int {
	n, base := len(labels), 0
	for j, l := range labels {
		switch {
		case equal(l, view, e):
		case j == 0 && l.Key == model.LabelNetwork && !l.Fixed:
			base = n
		default:
			return base + n - j
		}
	}
	return base
}

// equal is semantics 6.1: an ordinary label that both lack is equal, and an
// unknown place, node or network equals nothing.
func equal(l model.PriorityLabel, view model.View, e *model.Endpoint) bool {
	want, have := view.Label(l.Key), e.Labels[l.Key]
	switch l.Key {
	case model.LabelRegion:
		want, have = view.Locality.Region, e.Locality.Region
	case model.LabelZone:
		want, have = view.Locality.Zone, e.Locality.Zone
	case model.LabelSubZone:
		want, have = view.Locality.SubZone, e.Locality.SubZone
	case model.LabelNode:
		want, have = view.Node, e.Node
	case model.LabelNetwork:
		want, have = view.Network, e.Network
	}
	if l.Fixed {
		want = l.Value
	}
	return same(want, have) || want == "" && have == "" && l.Ordinary()
}

// bounded lets all ranks from last on share one priority.
func bounded(cs []candidate, last rank) []candidate {
	for i := range cs {
		cs[i].rank = min(cs[i].rank, last)
	}
	return cs
}
