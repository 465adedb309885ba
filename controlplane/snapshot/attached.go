package snapshot

import (
	"reflect"
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// checkRoutes fails where routes of the entry could not be sent, in any form that clients
// have them in: then its last form stays.
func (e *Entry) checkRoutes() error {
	for _, port := range e.Ports {
		if len(port.Routes) == 0 {
			continue
		}
		for id := range e.Policies {
			for _, form := range []model.Form{model.Plain, model.HBONE} {
				if _, err := validated(envoy.PortRoutes(e.Service, port.Number, model.PolicyID(id), form)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// sameRoutes says that the HTTPRoutes and GRPCRoutes of two forms of a port do the same.
func sameRoutes(a, b model.Port) bool {
	return len(a.Routes)+len(b.Routes) == 0 || reflect.DeepEqual(a.Routes, b.Routes)
}

// samePortRoutes is sameRoutes of all ports.
func samePortRoutes(was, is *model.Service) bool {
	return slices.EqualFunc(was.Ports, is.Ports, sameRoutes)
}

// forgiveRoutes forgets the refusals of routes that a change of some services changed.
func (h *Hub) forgiveRoutes(old, next *Snapshot, shaped []model.Key) {
	for _, key := range shaped {
		for _, at := range clustersOf(old.Entries[key], next.Entries[key]) {
			delete(h.refused, refusedKey{typeURL: envoy.RouteType, name: envoy.ClusterName(at.port, "", key.Host)})
		}
	}
	if len(shaped) > 0 {
		delete(h.refused, refusedKey{typeURL: envoy.RouteType, name: envoy.RouteName})
	}
}

// attached are the objects behind a port's routes, each once.
func attached(p model.Port) refs {
	var of refs
	for i := range p.Routes {
		of = of.with(p.Routes[i].Object)
	}
	return of
}
