package predict

import (
	"cmp"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// Priority is what Envoy makes of one priority (balance.md 2.1).
type Priority struct {
	// Healthy and Total count its endpoints.
	Healthy, Total uint64
	// Health is min(100, factor × healthy / total), in whole percent.
	Health uint32
	// Load is its percentage of the cluster's requests. The loads sum to 100,
	// or to 0 where nothing is served: the panic threshold is 0 wherever
	// unhealthy endpoints are sent (semantics 7).
	Load uint32
}

// Priorities is Envoy's view of the priorities of an assignment, from 0.
func Priorities(a locality.Assignment) []Priority {
	var ps []Priority
	for _, groups := range byPriority(a.Groups) {
		ps = append(ps, measure(groups, factor(a)))
	}
	distribute(ps)
	return ps
}

// factor is the overprovisioning factor in percent; unset is Envoy's own.
func factor(a locality.Assignment) uint32 {
	return cmp.Or(a.OverprovisioningFactor, model.DefaultOverprovisioningFactor)
}

// byPriority cuts sorted groups where the priority changes.
func byPriority(groups []locality.Group) [][]locality.Group {
	var out [][]locality.Group
	start := 0
	for i := range groups {
		if i+1 == len(groups) || groups[i+1].Priority != groups[i].Priority {
			out = append(out, groups[start:i+1])
			start = i + 1
		}
	}
	return out
}

func measure(groups []locality.Group, factor uint32) Priority {
	var p Priority
	for _, g := range groups {
		p.Healthy += healthy(g)
		p.Total += uint64(len(g.Endpoints))
	}
	if p.Total > 0 {
		p.Health = uint32(min(100, uint64(factor)*p.Healthy/p.Total))
	}
	return p
}

func healthy(g locality.Group) (n uint64) {
	for _, e := range g.Endpoints {
		if e.Healthy {
			n++
		}
	}
	return n
}

// distribute fills in the loads: each priority takes its health, as a part of
// the sum where that is below 100, from what is left; what integer division
// leaves over goes to the first priority with any health.
func distribute(ps []Priority) {
	var sum uint32
	first := -1
	for i, p := range ps {
		sum += p.Health
		if first < 0 && p.Health > 0 {
			first = i
		}
	}
	if first < 0 {
		if len(ps) > 0 && ps[0].Healthy > 0 {
			ps[0].Load = 100
		}
		return
	}
	sum = min(100, sum)
	left := uint32(100)
	for i := range ps {
		ps[i].Load = min(left, ps[i].Health*100/sum)
		left -= ps[i].Load
	}
	ps[first].Load += left
}
