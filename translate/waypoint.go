package translate

import (
	"iter"
	"slices"

	"github.com/coastwise/coastwise/translate/model"
)

// Fronts says which waypoints reach a service though it is not attached to them: those of
// the services whose routes name it as a backend or mirror, and to whose namespace it is
// exported. Each list is sorted; a service without any is absent.
func Fronts(services iter.Seq[*model.Service], find func(model.Key) *model.Service) map[model.Key][]model.GatewayName {
	out := map[model.Key][]model.GatewayName{}
	for s := range services {
		if s.Waypoint == (model.GatewayName{}) {
			continue
		}
		for key := range backends(s) {
			to := find(key)
			if to == nil || to.Waypoint == s.Waypoint || !exported(to, s.Namespace) || slices.Contains(out[key], s.Waypoint) {
				continue
			}
			out[key] = append(out[key], s.Waypoint)
		}
	}
	for _, list := range out {
		slices.SortFunc(list, model.GatewayName.Compare)
	}
	return out
}

// backends are the services that routes of s name, as often as they do.
func backends(s *model.Service) iter.Seq[model.Key] {
	return func(yield func(model.Key) bool) {
		for _, port := range s.Ports {
			for i := range port.Routes {
				r := &port.Routes[i]
				for _, b := range r.Backends {
					if !b.To.Broken && !yield(b.To.Key) {
						return
					}
				}
				for _, m := range r.Mirrors {
					if !m.To.Broken && !yield(m.To.Key) {
						return
					}
				}
			}
		}
	}
}

// Attached are the services of which a waypoint is the entrance, and not only the way to
// a backend of others.
func Attached(services []*model.Service, gateway string) []*model.Service {
	return slices.DeleteFunc(slices.Clone(services), func(s *model.Service) bool { return s.Waypoint.String() != gateway })
}

// surveyWaypoints are the problems of the services of each waypoint together.
func surveyWaypoints(services []*model.Service, scopes map[string]string, contested map[*model.Service]bool) []model.Problem {
	if len(contested) == 0 {
		return nil
	}
	byKey := make(map[model.Key]*model.Service, len(services))
	waypoints := map[model.GatewayName]bool{}
	for _, s := range services {
		byKey[s.Key], waypoints[s.Waypoint] = s, true
	}
	delete(waypoints, model.GatewayName{})
	fronts := Fronts(slices.Values(services), func(key model.Key) *model.Service { return byKey[key] })
	var out []model.Problem
	for name := range waypoints {
		p := model.Proxy{Kind: model.Waypoint, Namespace: name.Namespace, Gateway: name.String()}
		visible := slices.DeleteFunc(slices.Clone(services), func(s *model.Service) bool {
			return !Visible(s, p, scopes[p.Namespace], fronts[s.Key]...)
		})
		owners, lost := Owners(p.Namespace, visible)
		out = append(append(out, lost...), lostSlots(Attached(owners, p.Gateway), false, contested)...)
	}
	return out
}
