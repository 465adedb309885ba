package snapshot

import (
	"sync"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// targets are the listeners and routes of one scope's gRPC clients (semantics 9.5):
// of the thousands of names that they might ask for few are built. What hangs on the
// client is its policy. The memo only grows, by pure functions of its key, and goes
// with the ScopeSet.
type targets struct {
	*translate.Targets

	mu   sync.Mutex
	memo map[targetKey]*envoy.Resource
}

// targetKey has no policy where a listener is meant.
type targetKey struct {
	typeURL, name string
	policy        model.PolicyID
}

func newTargets(namespace string, services []*model.Service) *targets {
	return &targets{Targets: translate.NewTargets(namespace, services), memo: map[targetKey]*envoy.Resource{}}
}

// ofTarget is a listener or the routes of a gRPC client, nil if there is no such
// name in its scope.
func (v *View) ofTarget(typeURL, name string) *envoy.Resource {
	find := v.set.targets.Listener
	if typeURL == envoy.RouteType {
		find = v.set.targets.Route
	}
	target, ok := find(name)
	if !ok {
		return nil
	}
	return frozen(v.set.targets.get(typeURL, name, target, v.class))
}

// get builds a resource, once; nil if it may not be sent.
func (t *targets) get(typeURL, name string, target envoy.Target, c *class) *envoy.Resource {
	key := targetKey{typeURL: typeURL, name: name}
	if typeURL == envoy.RouteType {
		key.policy = target.PolicyID(c.proxy)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return once(t.memo, key, func() (envoy.Resource, error) {
		r, err := target.Listener(name)
		if typeURL == envoy.RouteType {
			r, err = target.Routes(key.policy)
		}
		if err == nil {
			err = envoy.ValidateFor(model.GRPCForm, r)
		}
		return r, err
	})
}
