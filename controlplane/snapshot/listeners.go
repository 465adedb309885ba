package snapshot

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// explicitListeners are those that one scope's Services declare (semantics 9.3).
// What hangs on the client is its address and its policy. The memo only grows, by
// pure functions of its key, and goes with the ScopeSet.
type explicitListeners struct {
	list     []envoy.Explicit // by port
	problems []model.Problem

	mu   sync.Mutex
	memo map[explicitKey]*envoy.Resource
}

// explicitKey has no bind address where routes are meant.
type explicitKey struct {
	typeURL, name, bind string
	policy              model.PolicyID
}

// newExplicitListeners fails where a listener or its routes could not be sent.
func newExplicitListeners(scope Scope, services []*model.Service) (*explicitListeners, error) {
	x := &explicitListeners{memo: map[explicitKey]*envoy.Resource{}}
	x.list, x.problems = translate.Listeners(services)
	client := model.Proxy{Kind: scope.Kind, Namespace: scope.Namespace}
	for _, e := range x.list {
		if _, err := x.get(envoy.ListenerType, e, envoy.DefaultBind, e.PolicyID(client)); err != nil {
			return nil, err
		}
		if e.RouteName() == "" {
			continue
		}
		if _, err := x.get(envoy.RouteType, e, "", e.PolicyID(client)); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// get builds a listener or its routes, once.
func (x *explicitListeners) get(typeURL string, e envoy.Explicit, bind string, id model.PolicyID) (*envoy.Resource, error) {
	key := explicitKey{typeURL, e.ListenerName(), bind, id}
	x.mu.Lock()
	defer x.mu.Unlock()
	if r := x.memo[key]; r != nil {
		return r, nil
	}
	var r envoy.Resource
	var err error
	if typeURL == envoy.RouteType {
		r, err = validated(e.Routes(id))
	} else {
		r, err = validated(e.Listener(bind, id))
	}
	if err != nil {
		return nil, err
	}
	x.memo[key] = &r
	return &r, nil
}

// listen is where the member listens, as far as it said.
func (m *Member) listen() envoy.Listen {
	return envoy.Listen{Bind: m.claims.Bind, Port: m.claims.HTTPProxyPort}
}

// listeners are the HTTP proxy port's and the explicit ones, sorted by name. A
// client that names no address to listen on has none.
func (v *View) listeners() []string {
	var out []string
	if v.listener != nil {
		out = append(out, v.listener.Name)
	}
	for _, e := range v.entrances() {
		out = append(out, e.Name)
	}
	if v.endsHBONE() {
		out = append(out, hboneListeners()...)
	}
	if v.inbound(envoy.InboundListener) {
		out = append(out, envoy.InboundListener)
	}
	for _, p := range v.edgePorts() {
		out = append(out, p.ListenerName())
	}
	for _, e := range v.set.explicit.list {
		if v.opens(e) {
			out = append(out, e.ListenerName())
		}
	}
	slices.Sort(out)
	return out
}

// opens says whether the client gets a listener: not where its HTTP proxy port is, or its
// Gateway.
func (v *View) opens(e envoy.Explicit) bool {
	return v.listen.Bind != "" && v.listen.Port != e.At &&
		!slices.ContainsFunc(v.edgePorts(), func(p envoy.GatewayPort) bool { return p.Port == e.At })
}

func (v *View) explicitListener(name string) *envoy.Resource {
	e, ok := v.set.explicit.find(name)
	if !ok || e.ListenerName() != name || !v.opens(e) {
		return nil
	}
	return v.explicit(envoy.ListenerType, e, v.listen.Bind)
}

func (v *View) explicitRoutes(name string) *envoy.Resource {
	e, ok := v.set.explicit.find(name)
	if !ok || e.RouteName() != name || !v.opens(e) {
		return nil
	}
	return v.explicit(envoy.RouteType, e, "")
}

func (v *View) explicit(typeURL string, e envoy.Explicit, bind string) *envoy.Resource {
	r, err := v.set.explicit.get(typeURL, e, bind, e.PolicyID(v.class.proxy))
	if err != nil {
		return nil
	}
	return frozen(r)
}

// find reads the port in the name of a listener or of its routes.
func (x *explicitListeners) find(name string) (envoy.Explicit, bool) {
	rest, ok := strings.CutPrefix(name, envoy.ListenerPrefix)
	text, _, _ := strings.Cut(rest, "|")
	port, err := strconv.ParseUint(text, 10, 16)
	if !ok || err != nil {
		return envoy.Explicit{}, false
	}
	i, ok := slices.BinarySearchFunc(x.list, uint32(port), func(e envoy.Explicit, at uint32) int { return cmp.Compare(e.At, at) })
	if !ok {
		return envoy.Explicit{}, false
	}
	return x.list[i], true
}

// sameListeners says that the explicit listeners and their routes are the same, for
// every client, for two forms of a service of one shape.
func sameListeners(was, is *model.Service) bool {
	if len(was.Listens)+len(is.Listens) == 0 && !carriesMore(was) && !carriesMore(is) {
		return true
	}
	return slices.Equal(was.Listens, is.Listens) && reflect.DeepEqual(was.Selectors, is.Selectors) &&
		reflect.DeepEqual(carriedOf(was), carriedOf(is))
}

// carriesMore says that some policy has a say in how TCP is carried, beside the hash key.
func carriesMore(s *model.Service) bool {
	return slices.ContainsFunc(s.Policies, func(p model.Policy) bool {
		return p.Cluster.Pool.TCPIdleTimeout != nil || p.Cluster.Tunnel != nil || p.Algorithm == model.Passthrough
	})
}

// carried is what a TCP listener reads of its policy, beside the hash key.
type carried struct {
	idle   *time.Duration
	tunnel *model.Tunnel
	// original says that it is passed on to where it was to go.
	original bool
}

// carriedOf is by all policies that clients may have.
func carriedOf(s *model.Service) map[model.PolicyKey]carried {
	out := make(map[model.PolicyKey]carried, len(s.Lookup))
	for key, id := range s.Lookup {
		if key.Subset == "" {
			p := &s.Policies[id]
			out[key] = carried{p.Cluster.Pool.TCPIdleTimeout, p.Cluster.Tunnel, p.Algorithm == model.Passthrough}
		}
	}
	return out
}

// listenerProblems tell of listeners that lost their port to another Service, and of
// services that lost an address to another.
func (h *Hub) listenerProblems() []model.Problem {
	var out []model.Problem
	for _, set := range h.snap.Load().Scopes {
		out = append(append(out, set.explicit.problems...), set.entrances.problems...)
	}
	return out
}

// forgiveListeners forgets the refusals of listeners that have changed since.
func (h *Hub) forgiveListeners(was, is *ScopeSet) {
	if was == nil {
		return
	}
	for key := range is.entrances.forgiven() {
		delete(h.refused, key)
	}
	for _, e := range was.explicit.list {
		same := func(o envoy.Explicit) bool {
			return o.Listen == e.Listen && o.RouteName() == e.RouteName() && o.Service.Key == e.Service.Key &&
				sameListeners(o.Service, e.Service) && sameRouted(o.Service, e.Service) && samePortRoutes(o.Service, e.Service)
		}
		if !slices.ContainsFunc(is.explicit.list, same) {
			delete(h.refused, refusedKey{typeURL: envoy.ListenerType, name: e.ListenerName()})
			delete(h.refused, refusedKey{typeURL: envoy.RouteType, name: e.RouteName()})
		}
	}
}

// rejectedListener puts a refused explicit listener onto the Service that declares
// it; the problem of any other resource stays with the proxy.
func (h *Hub) rejectedListener(p model.Problem, r Refusal) model.Problem {
	for m := range h.members {
		if m.claims.ID != r.ProxyID {
			continue
		}
		e, ok := h.snap.Load().Scopes[m.class.key.scope].explicit.find(r.Name)
		if ok && (e.ListenerName() == r.Name || e.RouteName() == r.Name) {
			p.Object = e.Service.Object
		}
		if g := h.snap.Load().gatewayOf(m.class.proxy); g != nil && strings.HasPrefix(r.Name, envoy.GatewayPrefix) {
			p.Object = g.Object
		}
	}
	return p
}
