package snapshot

import (
	"reflect"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// observe lets the hub ask a client's stream.
func (c *client) observe() {
	stream := c.stream
	c.member.Observe(func() Progress { return Progress(stream.Progress()) })
}

// checkRollouts holds the Rollouts against every name of every client, one by one:
// who holds something of an object is always known; who is said to have accepted or
// refused all of it has; and where everybody is settled all of that is said.
func (s *simulation) checkRollouts(settled bool) {
	got, complete := s.hub.Rollouts()
	if settled && !complete {
		s.t.Error("all is published, and the rollouts are not complete")
	}
	want := map[model.ObjectRef]model.Rollout{}
	for _, g := range s.hub.Snapshot().Gateways {
		want[g.Object] = model.Rollout{}
	}
	for _, c := range s.clients {
		for o, r := range s.oracleRollouts(c) {
			want[o] = want[o].Join(r)
		}
	}
	for o, r := range want {
		if _, ok := got[o]; !ok {
			s.t.Errorf("%s has no rollout: %+v", o, r)
		}
	}
	for o, g := range got {
		w := want[o]
		if g.Proxies != w.Proxies || g.Programmed > w.Programmed || g.Refused > w.Refused || settled && g != w {
			s.t.Errorf("%s: %+v, name by name %+v; settled %v", o, g, w, settled)
		}
	}
}

// oracleRollouts are those of one client, by what it holds itself.
func (s *simulation) oracleRollouts(c *client) map[model.ObjectRef]model.Rollout {
	snap := s.hub.Snapshot()
	v := c.newest(snap)
	out := map[model.ObjectRef]model.Rollout{}
	worse := func(o model.ObjectRef, r model.Rollout) {
		if was, ok := out[o]; !ok || r.Refused > was.Refused || r.Refused == was.Refused && r.Programmed < was.Programmed {
			out[o] = r // names are sorted: of two refused the first stays
		}
	}
	for _, name := range v.Names(envoy.ClusterType) {
		if _, _, _, ok := envoy.ParseClusterName(name); !ok {
			continue // no service's
		}
		r := c.standing(v, resourceID{envoy.ClusterType, name}, resourceID{envoy.EndpointType, name})
		for _, o := range s.oracleMakers(v, name) {
			worse(o, r)
		}
	}
	for _, key := range v.set.Keys {
		e := snap.Entries[key]
		if v.class.proxy.Kind == model.Waypoint && e.Waypoint.String() != v.class.proxy.Gateway {
			continue // it comes there by a route of another service only
		}
		for _, port := range e.Ports {
			r := c.standing(v, c.carriers(v, key, port)...)
			for _, route := range port.Routes {
				worse(route.Object, r)
			}
		}
	}
	if g := snap.gatewayOf(c.claims); g != nil {
		out[g.Object] = c.standing(v, c.ofGateway(v)...)
	}
	return out
}

// ofGateway are all listeners, and the routes of a Gateway at the edge.
func (c *client) ofGateway(v *View) []resourceID {
	var out []resourceID
	for _, name := range v.Names(envoy.ListenerType) {
		out = append(out, resourceID{envoy.ListenerType, name})
	}
	for _, name := range c.wanted() {
		if strings.HasPrefix(name, envoy.GatewayPrefix) {
			out = append(out, resourceID{envoy.RouteType, name})
		}
	}
	return out
}

// newest is what the server would give the client now.
func (c *client) newest(snap *Snapshot) *View {
	m := c.member
	return &View{
		snap: snap, class: m.class, set: snap.Scopes[m.class.key.scope], listener: m.listener,
		listen: m.listen(), certificate: m.claims.Certificate, internal: m.claims.Internal,
	}
}

// standing is how far the client is with some resources; with none it has all of them.
func (c *client) standing(v *View, of ...resourceID) model.Rollout {
	r := model.Rollout{Proxies: 1, Programmed: 1}
	for _, id := range of {
		is, held := v.Get(id.typeURL, id.name), c.held[id]
		switch {
		case is == nil || held == is.Version:
		case c.refused[is.Version]:
			r.Programmed, r.Refused = 0, 1
			r.Proxy, r.Resource, r.Message = c.claims.ID, id.name, refusal(id.name)
		case r.Refused == 0:
			r.Programmed = 0
		}
	}
	return r
}

// carriers are the routes that say what is attached to a port, of those that the client's
// listeners lead to.
func (c *client) carriers(v *View, key model.Key, port model.Port) []resourceID {
	var out []resourceID
	for _, routes := range c.wanted() {
		x, ok := v.set.explicit.find(routes)
		if routes == envoy.RouteName || routes == envoy.ClusterName(port.Number, "", key.Host) ||
			ok && x.RouteName() == routes && x.Service.Key == key && x.Port == port.Number {
			out = append(out, resourceID{envoy.RouteType, routes})
		}
	}
	return out
}

// oracleMakers finds every object that the policy behind a cluster mentions.
func (s *simulation) oracleMakers(v *View, name string) []model.ObjectRef {
	port, subset, host, _ := envoy.ParseClusterName(name)
	var out []model.ObjectRef
	for _, key := range v.set.Keys {
		if e := v.snap.Entries[key]; e.Host == host {
			out = mentioned(out, reflect.ValueOf(e.Policies[e.Select(v.class.proxy, port, subset).PolicyID]))
			out = append(out, e.Object)
		}
	}
	out = slices.DeleteFunc(out, func(o model.ObjectRef) bool {
		return o == model.ObjectRef{} || o.Kind == "Service" || o.Kind == "MeshConfig"
	})
	for ref, object := range s.world.Objects {
		if object != nil && ref.Kind == "MeshConfig" {
			out = append(out, ref)
		}
	}
	slices.SortFunc(out, model.ObjectRef.Compare)
	return slices.Compact(out)
}

func mentioned(out []model.ObjectRef, v reflect.Value) []model.ObjectRef {
	if o, ok := v.Interface().(model.ObjectRef); ok {
		return append(out, o)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out = mentioned(out, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			out = mentioned(out, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = mentioned(out, v.Index(i))
		}
	}
	return out
}
