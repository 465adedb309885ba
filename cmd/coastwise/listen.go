package main

import (
	"slices"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// listen finds the explicit listeners of the client, and what is to be told of
// those that it does not get.
func (a *answer) listen(only model.Key, q question) {
	if a.proxy.Kind == model.GRPC {
		return
	}
	all, problems := translate.Listeners(a.services)
	for _, e := range all {
		switch {
		case a.proxy.HTTPProxyPort == e.At:
			problems = append(problems, translate.ListenerTaken(e))
		case slices.ContainsFunc(a.edgePorts(), func(p envoy.GatewayPort) bool { return p.Port == e.At }):
			problems = append(problems, translate.ListenerOfGateway(e, a.edge.Object))
		case a.proxy.Bind != "":
			a.listeners = append(a.listeners, e)
		}
	}
	for _, p := range problems {
		if q.host == "" || model.ServiceKey(p.Object.Namespace, p.Object.Name) == only {
			a.problems = append(a.problems, p)
		}
	}
}

// explicit are the explicit listeners and their routes as the client gets them.
func (a answer) explicit() ([]envoy.Resource, error) {
	var out []envoy.Resource
	for _, e := range a.listeners {
		id := e.PolicyID(a.proxy)
		l, err := e.Listener(a.proxy.Bind, id)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
		if e.RouteName() == "" {
			continue
		}
		routes, err := e.Routes(id)
		if err != nil {
			return nil, err
		}
		out = append(out, routes)
	}
	return out, nil
}
