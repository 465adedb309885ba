package snapshot

import (
	"fmt"
	"maps"
	"slices"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Scope is what proxies of one kind may see: the names of clusters and the
// routes of the HTTP proxy port (semantics 1.3). It is the whole key of a
// ScopeSet.
type Scope struct {
	Kind      model.Kind
	Gateway   string
	Namespace string
	// Services is what narrows the scope: the client's claim, and the
	// annotation on its Namespace.
	Services Narrowing
}

// Narrowing is the two lists of 'NS/*,NS/NAME' that a client's scope must both
// allow; an empty one allows all.
type Narrowing struct{ Claim, Namespace string }

// ScopeSet is what one Scope sees in one Snapshot. Never modified.
type ScopeSet struct {
	// Keys is sorted.
	Keys []model.Key
	// Clusters is sorted: every cluster name of the keys, less the subsets of Selected.
	Clusters []string
	// Selected is sorted: the keys whose subsets hang on the clients' labels, by
	// workloadSelectors of rules in their namespace. A View adds their names.
	Selected []model.Key
	// Routes are those of clients that no workloadSelector picks.
	Routes envoy.Resource
	// picked are those of the others; nil where hash keys do not hang on labels.
	picked *pickedRoutes
	// explicit are the listeners that the Services declare.
	explicit *explicitListeners
	// targets are what gRPC clients dial; nil for clients of other kinds, as Routes
	// and explicit are empty for gRPC.
	targets *targets
}

// Has says whether the scope sees a service.
func (s *ScopeSet) Has(key model.Key) bool {
	_, ok := slices.BinarySearchFunc(s.Keys, key, model.Key.Compare)
	return ok
}

// sees is what semantics 1.3 says of one service and one scope.
func (s Scope) sees(service *model.Service) bool {
	p := model.Proxy{
		Kind: s.Kind, Namespace: s.Namespace,
		Scope: s.Services.Claim, Gateway: s.Gateway,
	}
	return translate.Visible(service, p, s.Services.Namespace)
}

// buildScope costs O(services): it runs when a scope's first proxy comes, and
// when a service appears, goes or changes its ports or visibility.
func buildScope(scope Scope, entries map[model.Key]*Entry) (*ScopeSet, error) {
	set := &ScopeSet{}
	keys := slices.SortedFunc(maps.Keys(entries), model.Key.Compare)
	services := make([]*model.Service, 0, len(keys))
	for _, key := range keys {
		service := entries[key].Service
		if !scope.sees(service) {
			continue
		}
		set.Keys = append(set.Keys, key)
		services = append(services, service)
		var subsets []string
		if len(service.Selectors[scope.Namespace]) > 0 {
			set.Selected = append(set.Selected, key)
		} else {
			subsets = service.SubsetsOf(scope.Kind, scope.Namespace, func(model.Selector) bool { return false })
		}
		for _, port := range service.Ports {
			set.Clusters = append(set.Clusters, envoy.ClusterName(port.Number, "", service.Host))
			for _, subset := range subsets {
				set.Clusters = append(set.Clusters, envoy.ClusterName(port.Number, subset, service.Host))
			}
		}
	}
	slices.Sort(set.Clusters)
	if scope.Kind == model.GRPC {
		set.explicit = &explicitListeners{}
		set.targets = newTargets(scope.Namespace, services)
		return set, nil
	}
	routes, err := validated(envoy.Routes(model.Proxy{Kind: scope.Kind, Namespace: scope.Namespace}, services))
	if err != nil {
		return nil, fmt.Errorf("routes of %+v: %w", scope, err)
	}
	set.Routes = routes
	set.picked = newPickedRoutes(scope, services)
	if set.explicit, err = newExplicitListeners(scope, services); err != nil {
		return nil, fmt.Errorf("listeners of %+v: %w", scope, err)
	}
	return set, nil
}

// validated passes a resource on if it could be encoded and may be sent.
func validated(r envoy.Resource, err error) (envoy.Resource, error) {
	if err == nil {
		err = envoy.Validate(r)
	}
	return r, err
}
