package locality

import "math"

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
