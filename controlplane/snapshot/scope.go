package snapshot

import (
	"fmt"
	"slices"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
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
	// hosts are the keys of those that ServiceEntries declare, by host: a host may be
	// another's in another scope.
	hosts map[string]model.Key
	// problems are those of entries that lost a host or domain to others.
	problems []model.Problem
}

// Has says whether the scope sees a service.
func (s *ScopeSet) Has(key model.Key) bool {
	_, ok := slices.BinarySearchFunc(s.Keys, key, model.Key.Compare)
	return ok
}

// find is the key of the service that the scope has by a host.
func (s *ScopeSet) find(host string) (model.Key, bool) {
	if key, ok := s.hosts[host]; ok {
		return key, true
	}
	key, wildcard := ingest.RuleKey("", host)
	return key, !wildcard && key.Host == host && s.Has(key)
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
	set := &ScopeSet{hosts: map[string]model.Key{}}
	visible := make([]*model.Service, 0, len(entries))
	for _, entry := range entries {
		if scope.sees(entry.Service) {
			visible = append(visible, entry.Service)
		}
	}
	var services []*model.Service
	services, set.problems = translate.Owners(scope.Namespace, visible)
	for _, service := range services {
		key := service.Key
		set.Keys = append(set.Keys, key)
		if service.HostField != "" {
			set.hosts[service.Host] = key
		}
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
	slices.SortFunc(set.Keys, model.Key.Compare)
	slices.SortFunc(set.Selected, model.Key.Compare)
	slices.Sort(set.Clusters)
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
