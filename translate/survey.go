package translate

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Survey is the problems of what all clients get: of every service, port and
// subset, for clients of every namespace and every set of workloadSelectors that
// makes a difference, at every place where a Node or an endpoint is; and of what waypoints are the
// entrance of. scopes are
// those of Namespaces (NamespaceScope). With grpc it asks for gRPC clients too. The
// problems are sorted.
func Survey(services []*model.Service, nodes *ingest.Nodes, scopes map[string]string, grpc bool) []model.Problem {
	var out []model.Problem
	done := map[classOf]bool{}
	known := nodePlaces(nodes)
	kinds := []model.Kind{model.Sidecar}
	if grpc {
		kinds = append(kinds, model.GRPC)
	}
	contested := contested(services)
	for _, namespace := range surveyNamespaces(services) {
		var visible []*model.Service
		for _, s := range services {
			if Visible(s, model.Proxy{Namespace: namespace}, scopes[namespace]) {
				visible = append(visible, s)
			}
		}
		owners, lost := Owners(namespace, visible)
		_, clashes := Listeners(owners)
		out = append(append(append(out, lost...), clashes...), lostSlots(owners, true, contested)...)
		for _, s := range owners {
			class := classOf{s, surveyClass(s, namespace)}
			if !done[class] {
				done[class] = true
				out = append(out, surveyService(s, surveyClients(s, namespace, kinds, surveyPlaces(s, nodes, known)))...)
			}
		}
	}
	out = append(out, surveyWaypoints(services, scopes, contested)...)
	return model.SortProblems(out)
}

// classOf is the clients of those namespaces that a service does not tell apart.
type classOf struct {
	service *model.Service
	class   string
}

// surveyClass is the namespace, or "" if nothing of the service's rules names it.
func surveyClass(s *model.Service, namespace string) string {
	for key := range s.Lookup {
		if key.Namespace == namespace {
			return namespace
		}
	}
	return ""
}

// surveyService decides what clients get of a service, each variant once. Of those
// that differ in their View alone one is encoded: nearly all that encoding and
// validating could refuse is the same for all of them.
func surveyService(s *model.Service, clients []model.Proxy) []model.Problem {
	q := survey{service: s, seen: map[model.Variant]bool{}, built: map[model.Variant]bool{}}
	for _, p := range clients {
		subsets := s.SubsetsOf(p.Kind, p.Namespace, func(sel model.Selector) bool { return sel.Matches(p.Labels) })
		for _, port := range s.Ports {
			q.ask(p, port, "")
			for _, subset := range subsets {
				q.ask(p, port, subset)
			}
		}
	}
	return q.problems
}

// survey is what was asked about one service, and the answers.
type survey struct {
	service  *model.Service
	seen     map[model.Variant]bool
	built    map[model.Variant]bool // without a View
	problems []model.Problem
}

func (q *survey) ask(p model.Proxy, port model.Port, subset string) {
	v := q.service.Select(p, port.Number, subset)
	if q.seen[v] {
		return
	}
	q.seen[v] = true
	all := v
	all.View = model.View{Form: v.View.Form}
	if q.built[all] {
		_, told := decide(q.service, v, port)
		q.problems = append(q.problems, told...)
		return
	}
	q.built[all] = true
	b, err := Build(q.service, v)
	if err != nil {
		b.Problems = []model.Problem{{
			Object: q.service.Object, Field: "spec", Severity: model.Error, Reason: model.BuildFailed, Message: err.Error(),
		}}
	}
	q.problems = append(q.problems, b.Problems...)
}

// surveyClients are clients of a namespace of every class at every place: of these
// kinds, and waypoints where they may be told apart. Gateways get what sidecars get.
func surveyClients(s *model.Service, namespace string, kinds []model.Kind, places []place) []model.Proxy {
	var out []model.Proxy
	for key := range s.Lookup {
		if key.Waypoint {
			kinds = append(slices.Clone(kinds), model.Waypoint)
			break
		}
	}
	for _, labels := range surveyLabels(s, namespace) {
		for _, at := range places {
			for _, kind := range kinds {
				out = append(out, model.Proxy{
					Kind: kind, Namespace: namespace, Labels: labels, Node: at.node, Locality: at.locality,
				})
			}
		}
	}
	return out
}

// surveyNamespaces are all that something of these services names, sorted, and
// one that nothing names.
func surveyNamespaces(services []*model.Service) []string {
	found := map[string]bool{}
	for _, s := range services {
		found[s.Namespace] = true
		for _, to := range s.ExportTo {
			found[to] = true
		}
		for key := range s.Lookup {
			found[key.Namespace] = true
		}
	}
	for _, none := range []string{"", "*", ".", "~"} {
		delete(found, none)
	}
	other := "other"
	for found[other] {
		other += "x"
	}
	found[other] = true
	return slices.Sorted(maps.Keys(found))
}

// surveyLabels are those of clients of a namespace that match each set of its
// selectors that matters, in order; none at all is among them.
func surveyLabels(s *model.Service, namespace string) []map[string]string {
	sets := map[string]bool{"": true}
	for key := range s.Lookup {
		if key.Namespace == namespace {
			sets[key.Selectors] = true
		}
	}
	var out []map[string]string
	for _, set := range slices.Sorted(maps.Keys(sets)) {
		labels := map[string]string{}
		for _, sel := range s.Selectors[namespace] {
			if slices.Contains(strings.Split(set, ";"), sel.Text) {
				maps.Copy(labels, sel.Labels)
			}
		}
		out = append(out, labels)
	}
	return out
}

// place is where a client may be.
type place struct {
	node     string
	locality model.Locality
}

// nodePlaces are those of one Node of each locality that has any.
func nodePlaces(nodes *ingest.Nodes) []place {
	var out []place
	taken := map[model.Locality]bool{}
	for _, name := range slices.Sorted(maps.Keys(nodes.ByName)) {
		if at := nodes.ByName[name].Locality; !taken[at] {
			taken[at] = true
			out = append(out, place{name, at})
		}
	}
	return out
}

// surveyPlaces are those of Nodes, and of the service's endpoints, sorted; an
// unknown one if there is none.
func surveyPlaces(s *model.Service, nodes *ingest.Nodes, known []place) []place {
	found := map[place]bool{}
	for _, at := range known {
		found[at] = true
	}
	for _, port := range s.Ports {
		for i := range port.Endpoints {
			e := &port.Endpoints[i]
			if n, known := nodes.ByName[e.Node]; known {
				found[place{e.Node, n.Locality}] = true
			} else {
				found[place{e.Node, e.Locality}] = true
			}
		}
	}
	if len(found) == 0 {
		found[place{}] = true
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b place) int {
		return cmp.Or(a.locality.Compare(b.locality), strings.Compare(a.node, b.node))
	})
}
