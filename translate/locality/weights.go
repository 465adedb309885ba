package locality

import (
	"math"

	"github.com/coastwise/coastwise/translate/model"
)

// Weigh scales the endpoints' weights where a priority's sum would overflow
// (semantics 6.5), and gives each group the sum of its endpoints' weights.
func Weigh(groups []Group) {
	for start := 0; start < len(groups); {
		end := start
		for end < len(groups) && groups[end].Priority == groups[start].Priority {
			end++
		}
		scale(groups[start:end])
		start = end
	}
	for i := range groups {
		groups[i].Weight = 0
		for _, e := range groups[i].Endpoints {
			groups[i].Weight += e.Weight
		}
	}
}

// scale makes the weights of one priority sum to at most 2³²−1; each stays at
// least 1, and a weight that was not above another is not above it afterwards.
// Room for one per endpoint is set aside for those that round to 0.
func scale(groups []Group) {
	var sum, n uint64
	for _, g := range groups {
		for _, e := range g.Endpoints {
			sum += uint64(e.Weight)
		}
		n += uint64(len(g.Endpoints))
	}
	if sum <= math.MaxUint32 {
		return
	}
	for _, g := range groups {
		for i := range g.Endpoints {
			e := &g.Endpoints[i]
			e.Weight = uint32(max(1, uint64(e.Weight)*(math.MaxUint32-n)/sum))
		}
	}
}

// unweighed tells of weights that differ where Envoy chooses at random: it chooses
// among the endpoints of the priority, in one with locality weighting among those of
// the locality, and looks at no endpoint's weight (measured: 8:1:1 is a third each).
func unweighed(a Assignment) []Note {
	for i, g := range a.Groups {
		first := g
		if i > 0 && !a.Weighted && a.Groups[i-1].Priority == g.Priority {
			first = a.Groups[i-1]
		}
		for _, e := range g.Endpoints {
			if e.Weight != first.Endpoints[0].Weight {
				return []Note{{Reason: model.ClientCannot, Message: "RANDOM knows no weights of endpoints: each gets the same share of what the " +
					among(a) + " gets; ROUND_ROBIN and LEAST_REQUEST weigh them"}}
			}
		}
	}
	return nil
}

// among says what endpoints are chosen in.
func among(a Assignment) string {
	if a.Weighted {
		return "locality"
	}
	return "priority"
}
