package snapshot

import (
	"slices"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/model"
)

// refront gives entries the waypoints that reach them as backends only, and notes those
// where these changed. It costs O(services), and nothing where no waypoint is used.
func (h *Hub) refront(old, next *Snapshot, touched map[model.Key]bool) {
	if !routesOfWaypoints(old, next, touched) {
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

// routesOfWaypoints says that what Fronts reads may differ.
func routesOfWaypoints(old, next *Snapshot, touched map[model.Key]bool) bool {
	for key := range touched {
		for _, e := range []*Entry{old.Entries[key], next.Entries[key]} {
			if e != nil && (len(e.fronts) > 0 || e.Waypoint != (model.GatewayName{}) && hasRoutes(e.Service)) {
				return true
			}
		}
	}
	return false
}

func hasRoutes(s *model.Service) bool {
	return slices.ContainsFunc(s.Ports, func(p model.Port) bool { return len(p.Routes) > 0 })
}
