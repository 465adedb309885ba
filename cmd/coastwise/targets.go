package main

import (
	"slices"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
)

// targets are the listeners and routes of a gRPC client for the clusters of the
// answer, those of a service before its routes (semantics 9.5).
func (a answer) targets() ([]envoy.Resource, error) {
	var out []envoy.Resource
	all := translate.NewTargets(a.proxy.Namespace, a.services)
	for _, t := range all.List {
		asked := slices.ContainsFunc(a.clusters, func(c cluster) bool {
			return c.host == t.Service.Host && c.port == t.Port && c.subset == ""
		})
		if !asked {
			continue
		}
		for _, name := range all.Names(t) {
			l, err := t.Listener(name)
			if err != nil {
				return nil, err
			}
			out = append(out, l)
		}
		routes, err := t.Routes(t.PolicyID(a.proxy))
		if err != nil {
			return nil, err
		}
		out = append(out, routes)
	}
	return out, nil
}
