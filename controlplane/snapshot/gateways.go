package snapshot

import (
	"fmt"
	"maps"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// GatewayEntry is one Gateway of our classes in a Snapshot. Never modified.
type GatewayEntry struct {
	*model.GatewayObject
	// Problems are those of the Gateway, and of the routes that name it.
	Problems []model.Problem
}

// regateway puts the newest form of Gateways into next, and says which scopes hang on
// them. One that cannot be built keeps its former form.
func (h *Hub) regateway(names []model.GatewayName, old, next *Snapshot) map[*scopeState]bool {
	changed := map[*scopeState]bool{}
	if len(names) == 0 {
		return changed
	}
	next.Gateways = maps.Clone(old.Gateways)
	if next.Gateways == nil {
		next.Gateways = map[model.GatewayName]*GatewayEntry{}
	}
	for _, name := range names {
		is, err := gatewaySafely(h.store.GatewayObjects(name))
		switch {
		case err != nil:
			h.metrics.buildFailed.Inc()
			h.log.Error("a Gateway could not be built; its last form stays", "gateway", name.String(), "err", err)
			continue
		case is == nil:
			delete(next.Gateways, name)
		default:
			next.Gateways[name] = is
		}
		for _, scope := range h.scopes {
			if scope.scope.Gateway == name.String() {
				changed[scope] = true
			}
		}
	}
	return changed
}

// gatewaySafely contains a panic to the one Gateway that caused it.
func gatewaySafely(o ingest.GatewayObjects) (e *GatewayEntry, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, err = nil, fmt.Errorf("panic: %v", r)
		}
	}()
	g, problems := ingest.Gateway(o)
	if g == nil {
		return nil, nil
	}
	return &GatewayEntry{GatewayObject: g, Problems: problems}, nil
}

// gatewayOf is the Gateway that a proxy says it runs; nil if there is none, or if it is
// one of another kind.
func (s *Snapshot) gatewayOf(p model.Proxy) *GatewayEntry {
	name, err := model.ParseGatewayName(p.Gateway)
	if err != nil {
		return nil
	}
	if g := s.Gateways[name]; g != nil && g.Kind == p.Kind {
		return g
	}
	return nil
}

// gatewayProblems are those of all Gateways, and of proxies that run one that there is not.
func (h *Hub) gatewayProblems() []model.Problem {
	var out []model.Problem
	snap := h.snap.Load()
	for _, g := range snap.Gateways {
		out = append(out, g.Problems...)
	}
	for m := range h.members {
		if p := m.claims; p.Gateway != "" && snap.gatewayOf(p) == nil {
			out = append(out, model.Problem{
				Object: proxyRef(p.ID), Field: "node.metadata.coastwise.gateway", Severity: model.Warning, Reason: model.TargetNotFound,
				Message: noGateway(snap, p),
			})
		}
	}
	return out
}

func noGateway(snap *Snapshot, p model.Proxy) string {
	name, _ := model.ParseGatewayName(p.Gateway)
	class := model.WaypointClass
	if p.Kind == model.Gateway {
		class = model.EdgeClass
	}
	if g := snap.Gateways[name]; g != nil {
		return fmt.Sprintf("Gateway %s is not for a proxy of kind %s, which runs one of class %s", name, p.Kind, class)
	}
	return fmt.Sprintf("there is no Gateway %s of class %s, so the proxy has no listener for it", name, class)
}
