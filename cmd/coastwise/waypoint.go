package main

import (
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// waypointListener is that of the Gateway that a waypoint runs; its port is 0 where there
// is none that is valid.
func waypointListener(st *store.Store, p model.Proxy) model.WaypointListener {
	name, err := model.ParseGatewayName(p.Gateway)
	if err != nil || p.Kind != model.Waypoint {
		return model.WaypointListener{}
	}
	g, _ := ingest.Gateway(st.GatewayObjects(name))
	if g == nil || g.Kind != model.Waypoint {
		return model.WaypointListener{}
	}
	return g.Waypoint
}

// entrance is the listener of a waypoint with the routes of its chains, and what else
// one that ends HBONE has, as if it had a certificate.
func (a answer) entrance() ([]envoy.Resource, error) {
	if a.waypoint.Port == 0 {
		return nil, nil
	}
	var out []envoy.Resource
	add := func(r envoy.Resource, err error) error {
		out = append(out, r)
		return err
	}
	if a.waypoint.Form == model.HBONE {
		for _, name := range []string{envoy.ConnectOriginate, envoy.MainInternal} {
			if err := add(envoy.HBONECluster(name, a.domain)); err != nil {
				return nil, err
			}
		}
		for _, name := range []string{envoy.ConnectOriginate, envoy.ConnectTerminate} {
			if err := add(envoy.HBONEListener(name, a.proxy.Bind, a.waypoint.Port, a.domain)); err != nil {
				return nil, err
			}
		}
	}
	entrance := translate.WaypointEntrance(a.waypoint, a.proxy.Bind)
	if err := add(entrance.Listener(a.ports)); err != nil {
		return nil, err
	}
	for _, c := range a.ports {
		if port, _ := c.Service.Port(c.Port); !port.HTTP() || !entrance.LeadsTo(c) {
			continue
		}
		if err := add(envoy.PortRoutes(c.Service, c.Port, c.Policy, a.proxy.Form())); err != nil {
			return nil, err
		}
	}
	return out, nil
}
