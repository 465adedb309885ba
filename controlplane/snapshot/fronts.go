package snapshot

import (
	"slices"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/model"
)

// refront gives entries the waypoints that reach them as backends only, and notes those
// where these changed. It costs O(services), and nothing where no waypoint is used.
func (h *Hub) refront(old, next *Snapshot, touched map[model.Key]bool) {
	if len(touched) == 0 || !old.fronting && !routesOfWaypoints(next, touched) {
		next.fronting = old.fronting
		return
	}
	find := func(key model.Key) *model.Service {
		if e := next.Entries[key]; e != nil {
			return e.Service
		}
		return nil
	}
	all := func(yield func(*model.Service) bool) {
		for _, e := range next.Entries {
			next.fronting = next.fronting || routesOfWaypoint(e)
			if !yield(e.Service) {
				return
			}
		}
	}
	fronts := translate.Fronts(all, find)
	for key, e := range next.Entries {
		if slices.Equal(e.fronts, fronts[key]) {
			continue
		}
		is := newEntry(e.Service, e.Problems, h.build)
		is.fronts = fronts[key]
		next.Entries[key] = is
		touched[key] = true
	}
}

// routesOfWaypoints says that what Fronts reads is there now.
func routesOfWaypoints(next *Snapshot, touched map[model.Key]bool) bool {
	for key := range touched {
		if e := next.Entries[key]; e != nil && routesOfWaypoint(e) {
			return true
		}
	}
	return false
}

func routesOfWaypoint(e *Entry) bool {
	return e.Waypoint != (model.GatewayName{}) && hasRoutes(e.Service)
}

func hasRoutes(s *model.Service) bool {
	return slices.ContainsFunc(s.Ports, func(p model.Port) bool { return len(p.Routes) > 0 })
}

// frontsOf are those of an entry's former form, which hold until refront.
func frontsOf(was *Entry) []model.GatewayName {
	if was == nil {
		return nil
	}
	return was.fronts
}
