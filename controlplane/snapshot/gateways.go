package snapshot

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// GatewayEntry is one Gateway of our classes in a Snapshot. Never modified.
type GatewayEntry struct {
	*model.GatewayObject
	// Problems are those of the Gateway, and of the routes that name it.
	Problems []model.Problem
	// ports are those of one at the edge.
	ports []envoy.GatewayPort
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
		was := old.Gateways[name]
		is, nobodys, err := buildGateway(h.store.GatewayObjects(name))
		delete(h.nobodys, name)
		if len(nobodys) > 0 {
			h.nobodys[name] = nobodys
		}
		if err != nil {
			h.metrics.buildFailed.Inc()
			h.log.Error("a Gateway could not be built; its last form stays", "gateway", name.String(), "err", err)
			is = was.failed(name, err)
		}
		if is == nil {
			delete(next.Gateways, name)
		} else {
			next.Gateways[name] = is
		}
		if reflect.DeepEqual(was, is) {
			continue
		}
		h.forgiveGateway(was, is)
		h.logGateway(was, is)
		for _, scope := range h.scopes {
			if scope.scope.Gateway == name.String() {
				changed[scope] = true
			}
		}
	}
	return changed
}

// buildGateway is nil for a Gateway that is none of ours; nobodys are the problems of one
// that nobody serves.
func buildGateway(o ingest.GatewayObjects) (e *GatewayEntry, nobodys []model.Problem, err error) {
	err = contained(func() error {
		g, problems := ingest.Gateway(o)
		if g == nil {
			nobodys = problems
			return nil
		}
		e = &GatewayEntry{GatewayObject: g, Problems: problems, ports: envoy.GatewayPorts(g)}
		return e.check()
	})
	return e, nobodys, err
}

// failed is the former form of a Gateway, and a Problem that says why; g may be nil.
func (g *GatewayEntry) failed(name model.GatewayName, err error) *GatewayEntry {
	object := model.ObjectRef{Kind: "Gateway", Namespace: name.Namespace, Name: name.Name}
	out := &GatewayEntry{GatewayObject: &model.GatewayObject{GatewayName: name, Object: object}}
	if g != nil {
		*out = *g
	}
	p := model.Problem{
		Object: object, Field: "spec", Severity: model.Error, Reason: model.BuildFailed,
		Message: fmt.Sprintf("it could not be built, its last form stays: %v", err),
	}
	if !slices.Contains(out.Problems, p) {
		out.Problems = append(slices.Clip(out.Problems), p)
	}
	return out
}

// logGateway tells the log of problems that a change of a Gateway brought.
func (h *Hub) logGateway(was, is *GatewayEntry) {
	known := map[model.Problem]bool{}
	if was != nil {
		for _, p := range was.Problems {
			known[p] = true
		}
	}
	if is != nil {
		h.logProblems(known, is.Problems)
	}
}

// gatewayOf is the Gateway that a proxy says it runs; nil if there is none, or if it is
// one of another kind.
func (s *Snapshot) gatewayOf(p model.Proxy) *GatewayEntry {
	name, err := model.ParseGatewayName(p.Gateway)
	if g := s.Gateways[name]; err == nil && g != nil && g.RunBy(p) {
		return g
	}
	return nil
}

// gatewayProblems are those of all Gateways.
func (h *Hub) gatewayProblems() []model.Problem {
	var out []model.Problem
	for _, g := range h.snap.Load().Gateways {
		out = append(out, g.Problems...)
	}
	for _, problems := range h.nobodys {
		out = append(out, problems...)
	}
	return out
}

// named is the Gateway of the name that a proxy says, nil for none of our classes.
func (s *Snapshot) named(p model.Proxy) *model.GatewayObject {
	name, _ := model.ParseGatewayName(p.Gateway)
	if g := s.Gateways[name]; g != nil {
		return g.GatewayObject
	}
	return nil
}
