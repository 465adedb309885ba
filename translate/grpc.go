package translate

import (
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Targets are what gRPC clients of one namespace that see the same services may
// dial (semantics 9.5). Never modified.
type Targets struct {
	// List is in the order of the services, then by port.
	List      []envoy.Target
	namespace string
	listeners map[string]envoy.Target
	routes    map[string]envoy.Target
}

// NewTargets takes every port of the services, in the order of Owners: of two
// claims on a name the first keeps it, as in Routes.
func NewTargets(clientNamespace string, services []*model.Service) *Targets {
	t := &Targets{
		namespace: clientNamespace,
		listeners: map[string]envoy.Target{}, routes: map[string]envoy.Target{},
	}
	for _, s := range services {
		for _, port := range s.Ports {
			target := envoy.Target{Service: s, Port: port.Number}
			t.List = append(t.List, target)
			for _, name := range target.Names(clientNamespace) {
				claim(t.listeners, name, target)
			}
			claim(t.routes, target.RouteName(), target)
		}
	}
	return t
}

func claim(owners map[string]envoy.Target, name string, t envoy.Target) {
	if _, taken := owners[name]; !taken {
		owners[name] = t
	}
}

// Listener finds whose listener a name is; nil Targets have none.
func (t *Targets) Listener(name string) (envoy.Target, bool) {
	if t == nil {
		return envoy.Target{}, false
	}
	target, ok := t.listeners[name]
	return target, ok
}

// Route finds whose routes a name means.
func (t *Targets) Route(name string) (envoy.Target, bool) {
	if t == nil {
		return envoy.Target{}, false
	}
	target, ok := t.routes[name]
	return target, ok
}

// Names are the names by which clients reach a target, the full one first.
func (t *Targets) Names(target envoy.Target) []string {
	var out []string
	for _, name := range target.Names(t.namespace) {
		if t.listeners[name] == target {
			out = append(out, name)
		}
	}
	return out
}
