package predict

import (
	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// Shares says which percentage of the cluster's requests each endpoint gets,
// with the indexes of a.Groups and their Endpoints. They sum to 100, or are all
// 0 where nothing is served.
//
// Inside a priority it is among the healthy endpoints; with a.Weighted the locality
// is chosen first (balance.md 2.2). What the weights mean is the algorithm's, as
// measured on Envoy 1.40.0:
//
//   - ROUND_ROBIN goes by endpoint weight, a locality's weight falls with its health.
//   - LEAST_REQUEST is the same with equal load on each endpoint, that is at low
//     concurrency. The busier they are, the nearer unequal weights come to their
//     square roots.
//   - RANDOM gives each endpoint the same, whatever its weight.
//   - RING_HASH and MAGLEV, over many keys, go by endpoint weight, and leave a
//     locality's weight whole as long as one of its endpoints is healthy.
func Shares(a locality.Assignment) [][]float64 {
	shares := make([][]float64, 0, len(a.Groups))
	ps := Priorities(a)
	for i, groups := range byPriority(a.Groups) {
		claims := make([]float64, len(groups))
		var sum float64
		for j, g := range groups {
			n, d := claim(a, g)
			claims[j] = float64(n) / float64(d)
			sum += claims[j]
		}
		for j, g := range groups {
			shares = append(shares, split(a, g, float64(ps[i].Load)*claims[j]/sum))
		}
	}
	return shares
}

// split gives each healthy endpoint its part of the group's share, which is not
// looked at if there is none: then nobody claimed anything.
func split(a locality.Assignment, g locality.Group, share float64) []float64 {
	out := make([]float64, len(g.Endpoints))
	sum := float64(together(a, g))
	for i, e := range g.Endpoints {
		if e.Healthy {
			out[i] = share * float64(worth(a, e)) / sum
		}
	}
	return out
}

// claim is what a group stands for among those of its priority, as a fraction n/d: what
// its healthy endpoints are worth together, or with a.Weighted its weight, times
// min(100, factor × healthy / total) unless the algorithm hashes.
func claim(a locality.Assignment, g locality.Group) (n, d uint64) {
	up, total := healthy(g), uint64(len(g.Endpoints))
	switch {
	case up == 0:
		return 0, 1
	case !a.Weighted:
		return together(a, g), 1
	case a.Algorithm == model.RingHash || a.Algorithm == model.Maglev:
		return uint64(max(1, g.Weight)), 1
	}
	return uint64(max(1, g.Weight)) * min(100*total, uint64(factor(a))*up), total
}

// together is what the healthy endpoints of a group are worth.
func together(a locality.Assignment, g locality.Group) (sum uint64) {
	for _, e := range g.Endpoints {
		if e.Healthy {
			sum += worth(a, e)
		}
	}
	return sum
}

// worth is what an endpoint counts beside others of its locality: the weight that the
// wire carries, which is at least 1 (semantics 6.3), or with RANDOM 1.
func worth(a locality.Assignment, e locality.Endpoint) uint64 {
	if a.Algorithm == model.Random {
		return 1
	}
	return uint64(max(1, e.Weight))
}
