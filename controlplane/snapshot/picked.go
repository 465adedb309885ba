package snapshot

import (
	"reflect"
	"strings"
	"sync"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// routed is what the routes of a client read of its policy. gRPC clients have a key
// only under an algorithm that they know.
type routed struct {
	hash      *model.Hash
	algorithm model.Algorithm
	tunnel    bool // then there is none
}

func (r routed) plain() bool { return r.hash == nil && !r.tunnel }

// sameRouted says that the routes of every client read the same of two forms of a
// service.
func sameRouted(was, is *model.Service) bool {
	before, after := routedOf(was), routedOf(is)
	if before == nil && after == nil {
		return true
	}
	return reflect.DeepEqual(before, after) && reflect.DeepEqual(was.Selectors, is.Selectors)
}

// routedOf is by all policies that clients may have; nil where all are plain.
func routedOf(s *model.Service) map[model.PolicyKey]routed {
	of := func(id model.PolicyID) routed {
		p := &s.Policies[id]
		return routed{p.Cluster.Hash, p.Algorithm, p.Cluster.Tunnel != nil}
	}
	some := false
	for id := range s.Policies {
		some = some || !of(model.PolicyID(id)).plain()
	}
	if !some {
		return nil
	}
	out := make(map[model.PolicyKey]routed, len(s.Lookup))
	for key, id := range s.Lookup {
		out[key] = of(id)
	}
	return out
}

// pickedRoutes are the routes of one scope where a workloadSelector picks the
// clients of a rule and some policy is not plain: then routes hang on the clients'
// labels, which a scope does not tell apart. The memo only grows, by a pure
// function of its key, and goes with the ScopeSet.
type pickedRoutes struct {
	namespace string
	services  []*model.Service

	mu   sync.Mutex
	memo map[string]*envoy.Resource
}

func newPickedRoutes(scope Scope, services []*model.Service) *pickedRoutes {
	for _, s := range services {
		if len(s.Selectors[scope.Namespace]) > 0 && routedOf(s) != nil {
			return &pickedRoutes{namespace: scope.Namespace, services: services, memo: map[string]*envoy.Resource{}}
		}
	}
	return nil
}

// routes are those of a class; others where p is nil, no selector matches, or its
// own cannot be built.
func (p *pickedRoutes) routes(c *class, others *envoy.Resource) *envoy.Resource {
	if p == nil {
		return others
	}
	key := p.matched(c.proxy.Labels)
	if key == "" {
		return others
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.memo[key]; r != nil {
		return r
	}
	r, err := validated(envoy.Routes(c.proxy, p.services))
	if err != nil {
		return others
	}
	p.memo[key] = &r
	return &r
}

// matched names every selector that labels match; "" for none.
func (p *pickedRoutes) matched(labels map[string]string) string {
	var out strings.Builder
	for _, s := range p.services {
		for _, sel := range s.Selectors[p.namespace] {
			if sel.Matches(labels) {
				out.WriteString(s.Host + " " + sel.Text + "\n")
			}
		}
	}
	return out.String()
}
