package predict

import "github.com/coastwise/coastwise/translate/locality"

// Shares says which percentage of the cluster's requests each endpoint gets,
// with the indexes of a.Groups and their Endpoints. They sum to 100, or are all
// 0 where nothing is served.
//
// Inside a priority it is by endpoint weight over the healthy ones, as Envoy
// does with equal load on each; with a.Weighted the locality is chosen first
// (balance.md 2.2).
func Shares(a locality.Assignment) [][]float64 {
	shares := make([][]float64, 0, len(a.Groups))
	ps := Priorities(a)
	for i, groups := range byPriority(a.Groups) {
		claims := make([]float64, len(groups))
		var sum float64
		for j, g := range groups {
			claims[j] = healthyWeight(g)
			if a.Weighted {
				claims[j] = effectiveWeight(g, factor(a))
			}
			sum += claims[j]
		}
		for j, g := range groups {
			shares = append(shares, split(g, float64(ps[i].Load)*claims[j]/sum))
		}
	}
	return shares
}

// split gives each healthy endpoint its part of the group's share, which is not
// looked at if there is none: then nobody claimed anything.
func split(g locality.Group, share float64) []float64 {
	out := make([]float64, len(g.Endpoints))
	sum := healthyWeight(g)
	for i, e := range g.Endpoints {
		if e.Healthy {
			out[i] = share * weight(e.Weight) / sum
		}
	}
	return out
}

func healthyWeight(g locality.Group) (sum float64) {
	for _, e := range g.Endpoints {
		if e.Healthy {
			sum += weight(e.Weight)
		}
	}
	return sum
}

// effectiveWeight is weight × min(1, factor × healthy / total), without rounding.
func effectiveWeight(g locality.Group, factor uint32) float64 {
	if len(g.Endpoints) == 0 {
		return 0
	}
	ratio := float64(healthy(g)) / float64(len(g.Endpoints))
	return weight(g.Weight) * min(1, float64(factor)/100*ratio)
}

// weight is what the wire carries: at least 1 (semantics 6.3).
func weight(w uint32) float64 { return float64(max(1, w)) }
