package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// attachRoutes fills the ports' Routes from those whose parent is the Service, and
// says on each route what is wrong with it. A declared TCP port carries none.
func attachRoutes(s *model.Service, r Routing) []model.Problem {
	var problems []model.Problem
	byPort := make([][]rankedRoute, len(s.Ports))
	for _, o := range routeObjects(r) {
		ports, told := attachedPorts(s, o)
		problems = append(problems, told...)
		if len(ports) == 0 {
			continue
		}
		if len(o.hostnames) > 0 {
			problems = append(problems, o.problem("spec.hostnames", model.Info, model.NoEffect,
				"a route whose parent is a Service has the Service's own names"))
		}
		routes, told := translateRules(r, o)
		problems = append(problems, told...)
		for _, i := range ports {
			byPort[i] = append(byPort[i], routes...)
		}
	}
	for i := range s.Ports {
		s.Ports[i].Routes = inOrder(byPort[i])
	}
	return problems
}

// attachedPorts are the indices of the ports that a route's parentRefs mean, sorted.
func attachedPorts(s *model.Service, o routeObject) ([]int, []model.Problem) {
	var out []int
	var problems []model.Problem
	for i, p := range o.parents {
		if key, _ := ParentService(o.ref.Namespace, &p); key != s.Key {
			continue
		}
		field := fmt.Sprintf("spec.parentRefs[%d]", i)
		if s.Namespace != o.ref.Namespace {
			problems = append(problems, o.foreign(field, s.Object))
			continue
		}
		ports, wrong := portsOf(s, p)
		if wrong != "" {
			problems = append(problems, o.problem(field, model.Warning, model.NoMatchingParent, wrong))
		}
		out = append(out, ports...)
	}
	slices.Sort(out)
	return slices.Compact(out), problems
}

// foreign is the problem of a route that a client's namespace would need.
func (o routeObject) foreign(field string, parent model.ObjectRef) model.Problem {
	return o.problem(field, model.Warning, model.NotAllowedByListeners, fmt.Sprintf(
		"only routes of its own namespace may have %s as their parent: what clients of %s alone would get is not served", parent, o.ref.Namespace))
}

// portsOf are those that one parentRef means and that can carry requests; wrong says
// why there are none.
func portsOf(s *model.Service, p gatewayv1.ParentReference) (out []int, wrong string) {
	carriesTCP := false
	for i, port := range s.Ports {
		if p.Port != nil && uint32(*p.Port) != port.Number || p.SectionName != nil && string(*p.SectionName) != port.Name {
			continue
		}
		if port.Protocol == model.ProtocolTCP {
			carriesTCP = true
			continue
		}
		out = append(out, i)
	}
	switch {
	case len(out) > 0:
		return out, ""
	case carriesTCP:
		return nil, fmt.Sprintf("%s declares that the port carries TCP, where there are no requests to route", s.Object)
	}
	return nil, fmt.Sprintf("%s serves no such port over TCP", s.Object)
}

// parentless tells the routes of a Service that is not there, or is not ours to serve.
func parentless(key model.Key, r Routing) []model.Problem {
	var out []model.Problem
	for _, o := range routeObjects(r) {
		for i, p := range o.parents {
			if parent, _ := ParentService(o.ref.Namespace, &p); parent == key {
				out = append(out, o.problem(fmt.Sprintf("spec.parentRefs[%d]", i), model.Warning, model.NoMatchingParent,
					fmt.Sprintf("there is no Service %s/%s that is served", key.Namespace, p.Name)))
			}
		}
	}
	return out
}

// rankedRoute is a route with what decides its place.
type rankedRoute struct {
	model.Route
	created int64
	rank    rank
	index   int // among the rule's matches
}

// rank is what the API compares first: of each number the larger one comes first. It
// leaves to us where regular expressions stand, after exact paths and before prefixes,
// and what happens to an HTTPRoute and a GRPCRoute with one parent: requests of gRPC
// look at the GRPCRoutes first.
type rank struct {
	grpc    bool
	class   int
	path    int // characters: of the path; of gRPC's service
	method  int // HTTP's: whether there is one; of gRPC's method, characters
	headers int
	query   int
}

func (a rank) compare(b rank) int {
	return cmp.Or(compareBool(b.grpc, a.grpc), cmp.Compare(b.class, a.class), cmp.Compare(b.path, a.path),
		cmp.Compare(b.method, a.method), cmp.Compare(b.headers, a.headers), cmp.Compare(b.query, a.query))
}

// inOrder puts routes of any number of objects into the order in which they are tried:
// the rank, then the older object, namespace/name, the rule and the match.
func inOrder(routes []rankedRoute) []model.Route {
	if len(routes) == 0 {
		return nil
	}
	routes = slices.Clone(routes)
	slices.SortFunc(routes, func(a, b rankedRoute) int {
		return cmp.Or(a.rank.compare(b.rank), cmp.Compare(a.created, b.created),
			strings.Compare(a.Object.Namespace, b.Object.Namespace), strings.Compare(a.Object.Name, b.Object.Name),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.index, b.index))
	})
	out := make([]model.Route, len(routes))
	for i := range routes {
		out[i] = routes[i].Route
	}
	return out
}
