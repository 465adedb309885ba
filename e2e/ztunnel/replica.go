package ztunnel

import "math/rand/v2"

// Replica is one Envoy of a waypoint.
type Replica struct {
	// Address is the IP:PORT of its listener.
	Address      string
	Region, Zone string
}

// rank is how many of region and zone, in this order, are the client's: as ztunnel
// ranks with PreferSameZone, the network left out.
func (r Replica) rank(region, zone string) int {
	switch {
	case r.Region != region:
		return 0
	case r.Zone != zone:
		return 1
	}
	return 2
}

// Pick is the replica that a connection from a client in region and zone goes to: any
// of those that rank best, and never another. There is at least one replica.
func Pick(r *rand.Rand, replicas []Replica, region, zone string) Replica {
	var best []Replica
	for rank := 2; len(best) == 0; rank-- {
		for _, one := range replicas {
			if one.rank(region, zone) == rank {
				best = append(best, one)
			}
		}
	}
	return best[r.IntN(len(best))]
}
