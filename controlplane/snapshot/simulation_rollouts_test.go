package snapshot

import (
	"reflect"
	"slices"

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
	v := &View{snap: snap, class: c.member.class, set: snap.Scopes[c.member.class.key.scope]}
	out := map[model.ObjectRef]model.Rollout{}
	for _, name := range v.Names(envoy.ClusterType) {
		r := model.Rollout{Proxies: 1, Programmed: 1}
		for _, typeURL := range []string{envoy.ClusterType, envoy.EndpointType} {
			is := v.Get(typeURL, name)
			held := c.held[resourceID{typeURL, name}]
			switch {
			case is == nil || held == is.Version:
			case c.refused[is.Version]:
				r.Programmed, r.Refused = 0, 1
				r.Proxy, r.Resource, r.Message = c.claims.ID, name, refusal(name)
			case r.Refused == 0:
				r.Programmed = 0
			}
		}
		for _, o := range s.oracleMakers(v, name) {
			if was, ok := out[o]; !ok || r.Refused > was.Refused || r.Refused == was.Refused && r.Programmed < was.Programmed {
				out[o] = r // names are sorted: of two refused the first stays
			}
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
