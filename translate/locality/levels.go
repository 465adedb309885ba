package locality

import "github.com/coastwise/coastwise/translate/model"

// rank orders classes of endpoints before they are made dense priorities: the
// pool, then the default levels of semantics 2.2, nearest first. Where label
// tiers act they stand above the levels; see tiered.
type rank uint32

const (
	pool rank = iota
	sameSubZone
	sameZone
	sameRegion
	failoverRegion
	otherRegion
	localityUnknown
	ungraded // label tiers alone: no level plays a part
)

// reason says it for people; the pool's depends on how it was chosen.
func (r rank) reason(first Reason) Reason {
	if r>>levelBits > 0 {
		return r.tierReason(first)
	}
	switch r {
	case pool:
		return first
	case sameSubZone:
		return SameSubZone
	case sameZone:
		return SameZone
	case sameRegion:
		return SameRegion
	case failoverRegion:
		return FailoverRegion
	case otherRegion:
		return OtherRegion
	default:
		return LocalityUnknown
	}
}

// levels is what the level of an endpoint depends on.
type levels struct {
	client model.Locality
	// failover is the region that follows the client's; "" if none does.
	failover string
}

func levelsFor(client model.Locality, failover map[string]string) levels {
	return levels{client: client, failover: failover[client.Region]}
}

// of is semantics 2.2 and 2.3.
func (l levels) of(e model.Locality) rank {
	c := l.client
	bothRegions := c.Region != "" && e.Region != ""
	switch {
	case c.Region == "" && c.Zone == "":
		return localityUnknown
	case bothRegions && !same(c.Region, e.Region):
		if same(l.failover, e.Region) {
			return failoverRegion
		}
		return otherRegion
	case same(c.Zone, e.Zone) && same(c.SubZone, e.SubZone):
		return sameSubZone
	case same(c.Zone, e.Zone):
		return sameZone
	case bothRegions:
		return sameRegion
	default:
		return localityUnknown
	}
}

// same compares names: unknown equals nothing, and neither does Other.
func same(a, b string) bool { return a == b && a != "" && a != model.Other }
