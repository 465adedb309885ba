package snapshot

import (
	"reflect"
	"strings"
	"sync"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// sameHashes says that the hash keys in the routes of every client are the same
// for two forms of a service.
func sameHashes(was, is *model.Service) bool {
	before, after := hashes(was), hashes(is)
	if before == nil && after == nil {
		return true
	}
	return reflect.DeepEqual(before, after) && reflect.DeepEqual(was.Selectors, is.Selectors)
}

// hashed is what routes look at of a policy: gRPC clients have a key only under an
// algorithm that they know.
type hashed struct {
	hash      *model.Hash
	algorithm model.Algorithm
}

// hashes are the keys of all policies that clients may have; nil where none hashes.
func hashes(s *model.Service) map[model.PolicyKey]hashed {
	some := false
	for _, p := range s.Policies {
		some = some || p.Cluster.Hash != nil
	}
	if !some {
		return nil
	}
	out := make(map[model.PolicyKey]hashed, len(s.Lookup))
	for key, id := range s.Lookup {
		out[key] = hashed{s.Policies[id].Cluster.Hash, s.Policies[id].Algorithm}
	}
	return out
}

// pickedRoutes are the routes of one scope where a workloadSelector picks the
// clients of a rule and some policy hashes: then keys hang on the clients'
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
		if len(s.Selectors[scope.Namespace]) > 0 && hashes(s) != nil {
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
