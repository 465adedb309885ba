package snapshot

import (
	"strings"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// runners are the streams of the proxies that run each Gateway, by the proxy's id.
// Called under the Hub's lock.
func (h *Hub) runners(snap *Snapshot) map[*GatewayEntry]map[string][]*Member {
	out := map[*GatewayEntry]map[string][]*Member{}
	for _, g := range snap.Gateways {
		out[g] = map[string][]*Member{}
	}
	for m := range h.members {
		if g := snap.gatewayOf(m.claims); g != nil {
			out[g][m.claims.ID] = append(out[g][m.claims.ID], m)
		}
	}
	return out
}

// gateways adds how far the proxies are that run each Gateway. One counts once it is
// connected; it has the Gateway when it has asked for listeners and accepted all that
// there are, and the routes of a Gateway at the edge. What a waypoint's chains point to is
// the services' and the routes' own.
func (s *survey) gateways(out map[model.ObjectRef]model.Rollout) {
	for g, proxies := range s.runners {
		out[g.Object] = model.Rollout{}
		for id, streams := range proxies {
			var v verdict
			for _, m := range streams {
				v = v.worse(m.runs())
			}
			out[g.Object] = out[g.Object].Join(v.rollout(id))
		}
	}
}

// runs is how far a stream is with the Gateway that its proxy runs.
func (m *Member) runs() verdict {
	waits, progress := m.waits()
	if waits.all || waits.scope || progress == nil {
		return verdict{standing: behind}
	}
	p := progress()
	var v verdict
	if !p.Listens {
		v.standing = behind
	}
	for name := range p.Behind {
		if ofGateway(name) {
			v = v.worse(verdict{standing: behind})
		}
	}
	for name, message := range p.Refused {
		if ofGateway(name) {
			v = v.worse(verdict{refused, name.Name, message})
		}
	}
	return v
}

func ofGateway(n envoy.ResourceName) bool {
	return n.TypeURL == envoy.ListenerType || n.TypeURL == envoy.RouteType && strings.HasPrefix(n.Name, envoy.GatewayPrefix)
}

// Gateways are those of our classes, as they act.
func (h *Hub) Gateways() map[model.GatewayName]*model.GatewayObject {
	out := map[model.GatewayName]*model.GatewayObject{}
	for name, g := range h.snap.Load().Gateways {
		out[name] = g.GatewayObject
	}
	return out
}
