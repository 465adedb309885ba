package snapshot

import (
	"fmt"
	"maps"
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
	// Capture is of sidecars whose application's connections are captured, and Connect of
	// those whose HTTP proxy port takes CONNECT.
	Capture, Connect bool
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
	// Clusters is sorted: every cluster name of the keys, less the subsets of Selected,
	// and the fixed ones.
	Clusters []string
	// Selected is sorted: the keys whose subsets hang on the clients' labels, by
	// workloadSelectors of rules in their namespace. A View adds their names.
	Selected []model.Key
	// Routes are those of clients that no workloadSelector picks.
	Routes envoy.Resource
	// picked are those of the others; nil where routes do not hang on labels.
	picked *pickedRoutes
	// explicit are the listeners that the Services declare.
	explicit *explicitListeners
	// tunnels are the clusters of direct tunnels, sorted: a waypoint's.
	tunnels []string
	// entrances are the listeners that many of its services share.
	entrances *entrances
	// edge is of a Gateway at the edge, nil for scopes without one.
	edge *edgeResources
	// hosts are the keys of those that ServiceEntries declare, by host: a host may be
	// another's in another scope.
	hosts map[string]model.Key
	// problems are those of entries that lost a host or domain to others.
	problems []model.Problem
	// targets are what gRPC clients dial; nil for clients of other kinds, as Routes
	// and explicit are empty for gRPC.
	targets *targets
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
func (s Scope) sees(e *Entry) bool {
	p := model.Proxy{
		Kind: s.Kind, Namespace: s.Namespace,
		Scope: s.Services.Claim, Gateway: s.Gateway,
	}
	return translate.Visible(e.Service, p, s.Services.Namespace, e.reachedBy()...)
}

// client is one of the scope without labels, as far as routes look at it.
func (s Scope) client() model.Proxy {
	p := model.Proxy{Kind: s.Kind, Namespace: s.Namespace, Capture: s.Capture, Internal: s.Connect, Connect: s.Connect}
	if s.Connect {
		p.HTTPProxyPort = 1 // any
	}
	return p
}

// buildScope costs O(services): it runs when a scope's first proxy comes, and
// when a service appears, goes or changes its ports or visibility. sorted is every
// entry by key.
func buildScope(scope Scope, sorted []*Entry) (*ScopeSet, error) {
	set := &ScopeSet{hosts: map[string]model.Key{}, Clusters: envoy.FixedClusters(scope.Capture, scope.Connect)}
	visible := make([]*model.Service, 0, len(sorted))
	byKey := make(map[model.Key]*Entry, len(sorted))
	for _, e := range sorted {
		if scope.sees(e) {
			visible = append(visible, e.Service)
			byKey[e.Key] = e
		}
	}
	var services []*model.Service
	services, set.problems = translate.Owners(scope.Namespace, visible)
	seen := make([]*Entry, 0, len(services))
	for _, service := range services {
		e := byKey[service.Key]
		seen = append(seen, e)
		set.list(e, scope)
	}
	slices.SortFunc(set.Keys, model.Key.Compare)
	slices.SortFunc(set.Selected, model.Key.Compare)
	slices.Sort(set.Clusters)
	switch scope.Kind {
	case model.GRPC:
		set.explicit, set.entrances = &explicitListeners{}, &entrances{}
		set.targets = newTargets(scope.Namespace, services)
		return set, nil
	case model.Waypoint: // which has no other listeners
		set.explicit, set.entrances = &explicitListeners{}, newEntrances(scope, services)
		set.tunnels = tunnelNames(set.entrances.services)
		return set, nil
	}
	set.entrances = newEntrances(scope, services)
	var err error
	if set.Routes, err = scopeRoutes(scope, seen, services); err != nil {
		return nil, fmt.Errorf("routes of %+v: %w", scope, err)
	}
	set.picked = newPickedRoutes(scope, services)
	set.edge = newEdge(scope, services)
	if set.explicit, err = newExplicitListeners(scope, services); err != nil {
		return nil, fmt.Errorf("listeners of %+v: %w", scope, err)
	}
	return set, nil
}

// list adds the names of one service, in no order.
func (s *ScopeSet) list(e *Entry, scope Scope) {
	s.Keys = append(s.Keys, e.Key)
	if e.HostField != "" {
		s.hosts[e.Host] = e.Key
	}
	var subsets []string
	if len(e.Selectors[scope.Namespace]) > 0 {
		s.Selected = append(s.Selected, e.Key)
	} else {
		subsets = e.SubsetsOf(scope.Kind, scope.Namespace, func(model.Selector) bool { return false })
	}
	for _, port := range e.Ports {
		s.Clusters = append(s.Clusters, envoy.ClusterName(port.Number, "", e.Host))
		for _, subset := range subsets {
			s.Clusters = append(s.Clusters, envoy.ClusterName(port.Number, subset, e.Host))
		}
	}
}

// sortedEntries is by key.
func sortedEntries(entries map[model.Key]*Entry) []*Entry {
	return slices.SortedFunc(maps.Values(entries), func(a, b *Entry) int { return a.Compare(b.Key) })
}

// scopeRoutes joins what each entry has encoded once for all scopes, so that a
// service that comes or goes costs its own routes and a copy of the others'.
func scopeRoutes(scope Scope, seen []*Entry, services []*model.Service) (envoy.Resource, error) {
	client := scope.client()
	whole := func() (envoy.Resource, error) { return validated(envoy.Routes(client, services)) }
	fragments := make([]envoy.Fragment, len(seen))
	for i, e := range seen {
		var err error
		if fragments[i], err = e.fragment(client); err != nil {
			return envoy.Resource{}, err
		}
	}
	if r, ok := envoy.JoinRoutes(fragments, scope.Connect); ok {
		return joined(r, whole), nil
	}
	return whole()
}

// validated passes a resource on if it could be encoded and may be sent.
func validated(r envoy.Resource, err error) (envoy.Resource, error) {
	if err == nil {
		err = envoy.Validate(r)
	}
	return r, err
}
