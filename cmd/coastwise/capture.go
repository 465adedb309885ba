package main

import (
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// captured finds the listeners by which connections come to all services, and what is to
// be told of services that lose an address there.
func (a *answer) captured(registryOnly bool, only model.Key, q question) {
	if a.proxy.Kind != model.Sidecar {
		return
	}
	if a.proxy.Capture {
		a.entrances = append(a.entrances, envoy.Capture(a.proxy.Bind, a.proxy.Namespace, registryOnly))
	}
	if envoy.Connects(a.proxy) {
		a.entrances = append(a.entrances, envoy.Outbound(a.proxy.Namespace, registryOnly))
	}
	if len(a.entrances) == 0 {
		return
	}
	for _, p := range a.chains() {
		if q.host == "" || model.ServiceKey(p.Object.Namespace, p.Object.Name) == only {
			a.problems = append(a.problems, p)
		}
	}
}

// chains are the ports of services as the client has them behind its entrances.
func (a *answer) chains() []model.Problem {
	var problems []model.Problem
	a.ports, problems = translate.Chains(a.services, true, func(s *model.Service, port uint32) model.PolicyID {
		return s.PolicyID(a.proxy, port, "")
	})
	return problems
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
		if p, _ := c.Service.Port(c.Port); !p.HTTP() || len(a.entrances) == 0 {
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
