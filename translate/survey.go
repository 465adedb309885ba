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
// makes a difference, at every place where a Node or an endpoint is. scopes are
// those of Namespaces (NamespaceScope). The problems are sorted.
func Survey(services []*model.Service, nodes *ingest.Nodes, scopes map[string]string) []model.Problem {
	var out []model.Problem
	built := map[*model.Service]map[model.Variant]bool{}
	for _, namespace := range surveyNamespaces(services) {
		var visible []*model.Service
		for _, s := range services {
			if Visible(s, model.Proxy{Namespace: namespace}, scopes[namespace]) {
				visible = append(visible, s)
			}
		}
		owners, lost := Owners(namespace, visible)
		_, clashes := Listeners(owners)
		out = append(append(out, lost...), clashes...)
		for _, s := range owners {
			if built[s] == nil {
				built[s] = map[model.Variant]bool{}
			}
			out = append(out, surveyService(s, namespace, nodes, built[s])...)
		}
	}
	return model.SortProblems(out)
}

// surveyService builds what clients of a namespace get of a service, each variant
// once.
func surveyService(s *model.Service, namespace string, nodes *ingest.Nodes, built map[model.Variant]bool) []model.Problem {
	var out []model.Problem
	for _, p := range surveyClients(s, namespace, nodes) {
		subsets := s.SubsetsOf(p.Kind, p.Namespace, func(sel model.Selector) bool { return sel.Matches(p.Labels) })
		for _, port := range s.Ports {
			for _, subset := range append([]string{""}, subsets...) {
				v := s.Select(p, port.Number, subset)
				if built[v] {
					continue
				}
				built[v] = true
				b, err := Build(s, v)
				if err != nil {
					b.Problems = []model.Problem{{
						Object: s.Object, Field: "spec", Severity: model.Error, Reason: model.BuildFailed, Message: err.Error(),
					}}
				}
				out = append(out, b.Problems...)
			}
		}
	}
	return out
}

// surveyClients are clients of a namespace of every class at every place.
func surveyClients(s *model.Service, namespace string, nodes *ingest.Nodes) []model.Proxy {
	var out []model.Proxy
	for _, labels := range surveyLabels(s, namespace) {
		for _, at := range surveyPlaces(s, nodes) {
			out = append(out, model.Proxy{
				Kind: model.Sidecar, Namespace: namespace, Labels: labels, Node: at.node, Locality: at.locality,
			})
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

// surveyPlaces are those of the service's endpoints, and one Node of each locality
// that has any, sorted; an unknown one if there is none.
func surveyPlaces(s *model.Service, nodes *ingest.Nodes) []place {
	found := map[place]bool{}
	taken := map[model.Locality]bool{}
	for _, name := range slices.Sorted(maps.Keys(nodes.ByName)) {
		if at := nodes.ByName[name].Locality; !taken[at] {
			taken[at] = true
			found[place{name, at}] = true
		}
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
