package main

import (
	"slices"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// captured finds the listeners by which connections come to all services, or to those of a
// waypoint, and what is to be told of services that lose an address there.
func (a *answer) captured(registryOnly bool, only model.Key, q question) {
	services := a.services
	switch {
	case a.waypoint.Port != 0:
		services = translate.Attached(services, a.proxy.Gateway)
	case a.proxy.Kind == model.Sidecar:
		a.entrances = sidecarEntrances(a.proxy, registryOnly)
	}
	if a.waypoint.Port == 0 && len(a.entrances) == 0 {
		return
	}
	var problems []model.Problem
	a.ports, problems = translate.Chains(services, a.waypoint.Port == 0, func(s *model.Service, port uint32) model.PolicyID {
		return s.PolicyID(a.proxy, port, "")
	})
	for _, p := range problems {
		if q.host == "" || a.declares(p.Object, only) {
			a.problems = append(a.problems, p)
		}
	}
}

func sidecarEntrances(p model.Proxy, registryOnly bool) []envoy.Entrance {
	var out []envoy.Entrance
	if p.Capture {
		out = append(out, envoy.Capture(p.Bind, p.Namespace, registryOnly))
	}
	if envoy.Connects(p) {
		out = append(out, envoy.Outbound(p.Namespace, registryOnly))
	}
	return out
}

// declares says that an object declares the service that was asked for.
func (a *answer) declares(object model.ObjectRef, only model.Key) bool {
	return slices.ContainsFunc(a.services, func(s *model.Service) bool { return s.Key == only && s.Object == object })
}

// behind are the entrances as the client gets them, with the routes of the ports behind
// them, and the clusters that are no service's.
func (a answer) behind() ([]envoy.Resource, error) {
	var out []envoy.Resource
	for _, name := range envoy.FixedClusters(a.proxy.Capture, envoy.Connects(a.proxy)) {
		c, err := envoy.FixedCluster(name)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	for _, e := range a.entrances {
		l, err := e.Listener(a.ports)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	alone, err := a.alone()
	if err != nil {
		return nil, err
	}
	out = append(out, alone...)
	if a.proxy.Capture {
		l, err := envoy.Inbound(a.proxy.Bind)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	for _, c := range a.ports {
		asked := slices.ContainsFunc(a.entrances, func(e envoy.Entrance) bool { return e.LeadsTo(c) })
		if p, _ := c.Service.Port(c.Port); !p.HTTP() || !asked {
			continue
		}
		r, err := envoy.PortRoutes(c.Service, c.Port, c.Policy, a.proxy.Form())
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// alone are the routes of the ports that services have at any address.
func (a answer) alone() ([]envoy.Resource, error) {
	var out []envoy.Resource
	for _, port := range envoy.AlonePorts(a.ports) {
		r, err := envoy.AloneRoutes(port, a.ports, a.entrances[0].Rest == nil)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
