package locality

import (
	"fmt"
	"slices"

	"github.com/coastwise/coastwise/translate/model"
)

// byHints is semantics 5.1 where something is ready: the pool is exactly the set
// that kube-proxy would use (kubernetes.md 2), everything else follows by level.
// It says by which hints the pool was chosen; FlatPool where a safeguard makes
// it all.
func byHints(cs []candidate, view model.View, failover map[string]string) (Reason, []Note) {
	s := survey(cs, view)
	chosen := s.chosen()
	if chosen == FlatPool {
		if view.Locality.Zone == "" { // no hint could match: not the Service's fault
			return chosen, nil
		}
		return chosen, []Note{s.safeguard(cs, view.Locality.Zone)}
	}
	l := levelsFor(view.Locality, failover)
	for i := range cs {
		c := &cs[i]
		inPool := chosen == SameNode && names(c.NodeHints, view.Node) ||
			chosen == Hinted && names(c.ZoneHints, view.Locality.Zone)
		if c.in() && !inPool {
			c.rank = l.of(c.Locality)
		}
	}
	return chosen, nil
}

// names says whether the hints name what the client is known to be in.
func names(hints []string, want string) bool {
	return want != "" && want != model.Other && slices.Contains(hints, want)
}

// counts is what kube-proxy's safeguards look at, over the ready endpoints.
type counts struct {
	ready                 int
	nodeHinted, zoneNamed int
	zoneHinted, nodeNamed int
	// bare is the first without a zone hint.
	bare *candidate
}

func survey(cs []candidate, view model.View) counts {
	var s counts
	for i := range cs {
		c := &cs[i]
		if !c.in() {
			continue
		}
		s.ready++
		if len(c.NodeHints) > 0 {
			s.nodeHinted++
		}
		if names(c.NodeHints, view.Node) {
			s.nodeNamed++
		}
		if names(c.ZoneHints, view.Locality.Zone) {
			s.zoneNamed++
		}
		if len(c.ZoneHints) > 0 {
			s.zoneHinted++
		} else if s.bare == nil {
			s.bare = c
		}
	}
	return s
}

// chosen is kube-proxy's choice: node hints, zone hints, or all.
func (s counts) chosen() Reason {
	switch {
	case s.nodeHinted == s.ready && s.nodeNamed > 0:
		return SameNode
	case s.zoneHinted == s.ready && s.zoneNamed > 0:
		return Hinted
	default:
		return FlatPool
	}
}

// safeguard says which one made the pool all endpoints. A zone in
// which no endpoint stands is the client's affair and is not named, so that
// clients of such zones share one answer.
func (s counts) safeguard(cs []candidate, zone string) Note {
	if s.bare != nil {
		return Note{Reason: model.HintsDropped, Message: fmt.Sprintf("hints are not used: %d of %d ready endpoints have no zone hint, first %s port %d",
			s.ready-s.zoneHinted, s.ready, s.bare.Address, s.bare.Port), Safeguard: model.EndpointWithoutHint}
	}
	where := "the client's zone"
	if slices.ContainsFunc(cs, func(c candidate) bool { return c.in() && same(c.Locality.Zone, zone) }) {
		where = "zone " + zone
	}
	return Note{Reason: model.HintsDropped, Message: fmt.Sprintf("hints are not used: none of %d ready endpoints is hinted for %s", s.ready, where), Safeguard: model.ZoneWithoutHint}
}
