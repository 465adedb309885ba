package ingest

import (
	"maps"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// maxSelectorSets bounds how many sets of workloadSelectors one namespace may
// have clients for, at one service: independent selectors double them.
const maxSelectorSets = 256

// client is a class of clients: all that see the same rules for the host.
type client struct {
	// namespace is "" for every namespace that no rule stands in or is exported to.
	namespace string
	waypoint  bool
	// selectors are those of its namespace that it matches, sorted.
	selectors []string
}

// key is the class in a Lookup; its port and subset are zero.
func (c client) key() model.PolicyKey {
	return model.PolicyKey{Namespace: c.namespace, Waypoint: c.waypoint, Selectors: model.JoinSelectors(c.selectors)}
}

// sees says whether a rule is for these clients: exportTo, and workloadSelector,
// which acts in the rule's own namespace only.
func (c client) sees(dr *v1alpha1.DestinationRule) bool {
	return exportedTo(dr, c.namespace) && (dr.Spec.WorkloadSelector == nil ||
		dr.Namespace == c.namespace && slices.Contains(c.selectors, selectorOf(dr).Text))
}

// exportedTo says whether a rule is for clients of a namespace at all; "" is one
// that no rule names.
func exportedTo(dr *v1alpha1.DestinationRule, namespace string) bool {
	for _, to := range dr.Spec.ExportTo {
		if to == "*" || namespace != "" && (to == namespace || to == "." && dr.Namespace == namespace) {
			return true
		}
	}
	return len(dr.Spec.ExportTo) == 0
}

// narrow says that a rule is not for all clients.
func narrow(dr *v1alpha1.DestinationRule) bool {
	return dr.Spec.WorkloadSelector != nil || !exportedTo(dr, "")
}

func selectorOf(dr *v1alpha1.DestinationRule) model.Selector {
	return model.NewSelector(dr.Spec.WorkloadSelector.MatchLabels)
}

// clients are all classes, sorted: of the clients whose namespace nothing names,
// and of each namespace that a rule or fence stands in or is exported to.
// Waypoints are classes of their own only where a rule is not for all: they
// start at the service's namespace (semantics 3), but are in their own.
func (r *resolver) clients() []client {
	namespaces := []string{""}
	anyNarrow := false
	for _, dr := range r.rules.all {
		namespaces = append(namespaces, dr.Namespace)
		anyNarrow = anyNarrow || narrow(dr)
		for _, to := range dr.Spec.ExportTo {
			if to != "*" && to != "." {
				namespaces = append(namespaces, to)
			}
		}
	}
	for _, f := range r.fences {
		namespaces = append(namespaces, f.Object.Namespace)
	}
	slices.Sort(namespaces)
	var out []client
	for _, ns := range slices.Compact(namespaces) {
		for _, set := range r.selectors.sets(ns) {
			out = append(out, client{namespace: ns, selectors: set})
			if anyNarrow {
				out = append(out, client{namespace: ns, waypoint: true, selectors: set})
			}
		}
	}
	return out
}

// selectors are the workloadSelectors of rules for the host, by namespace.
type selectors map[string]*selectorSets

// selectorSets are the sets of selectors that one client may match together.
type selectorSets struct {
	list    []model.Selector
	sets    []selectorSet
	surplus map[string]bool // selectors that are too many
}

type selectorSet struct {
	texts  []string
	labels map[string]string // of all of them
}

func newSelectors(rules []*v1alpha1.DestinationRule) selectors {
	found := map[string]map[string]model.Selector{}
	for _, dr := range rules {
		if dr.Spec.WorkloadSelector == nil {
			continue
		}
		if found[dr.Namespace] == nil {
			found[dr.Namespace] = map[string]model.Selector{}
		}
		s := selectorOf(dr)
		found[dr.Namespace][s.Text] = s
	}
	out := selectors{}
	for ns, byText := range found {
		sets := &selectorSets{sets: []selectorSet{{}}, surplus: map[string]bool{}}
		for _, text := range slices.Sorted(maps.Keys(byText)) {
			sets.add(byText[text])
		}
		sets.sets = slices.DeleteFunc(sets.sets, sets.open)
		out[ns] = sets
	}
	return out
}

// add makes every set that the selector can join twice: with it and without.
func (s *selectorSets) add(sel model.Selector) {
	var with []selectorSet
	for _, set := range s.sets {
		if !contradicts(set.labels, sel.Labels) {
			labels := maps.Clone(sel.Labels)
			if labels == nil {
				labels = map[string]string{}
			}
			maps.Copy(labels, set.labels)
			with = append(with, selectorSet{texts: append(slices.Clone(set.texts), sel.Text), labels: labels})
		}
	}
	if len(s.sets)+len(with) > maxSelectorSets {
		s.surplus[sel.Text] = true
		return
	}
	s.list = append(s.list, sel)
	s.sets = append(s.sets, with...)
}

func contradicts(a, b map[string]string) bool {
	for key, value := range b {
		if have, ok := a[key]; ok && have != value {
			return true
		}
	}
	return false
}

// open says that no client matches exactly this set: whoever matches it matches
// another selector too.
func (s *selectorSets) open(set selectorSet) bool {
	return slices.ContainsFunc(s.list, func(sel model.Selector) bool {
		return !slices.Contains(set.texts, sel.Text) && sel.Matches(set.labels)
	})
}

// sets are the sets of a namespace's clients; one that is empty if there is no selector.
func (s selectors) sets(namespace string) [][]string {
	if s[namespace] == nil {
		return [][]string{nil}
	}
	var out [][]string
	for _, set := range s[namespace].sets {
		out = append(out, set.texts)
	}
	slices.SortFunc(out, slices.Compare)
	return out
}

// served are those that a client is asked about, by namespace; nil if none.
func (s selectors) served() map[string][]model.Selector {
	if len(s) == 0 {
		return nil
	}
	out := make(map[string][]model.Selector, len(s))
	for ns, sets := range s {
		out[ns] = sets.list
	}
	return out
}

// isSurplus says of a rule that its selector is one too many: nothing of it counts,
// its fence excepted, which then holds for its whole namespace.
func (s selectors) isSurplus(dr *v1alpha1.DestinationRule) bool {
	return dr.Spec.WorkloadSelector != nil && s[dr.Namespace] != nil && s[dr.Namespace].surplus[selectorOf(dr).Text]
}

// problems are those of rules whose selector is one too many.
func (s selectors) problems(rules []*v1alpha1.DestinationRule) []model.Problem {
	var out []model.Problem
	for _, dr := range rules {
		if s.isSurplus(dr) {
			out = append(out, model.Problem{
				Object: ruleRef(dr), Field: "spec.workloadSelector", Severity: model.Warning, Reason: model.NotHonoured,
				Message: "too many workloadSelectors for one host in namespace " + dr.Namespace +
					", which a client may match in too many combinations; only allowedRegions of this rule counts, for every client of the namespace",
			})
		}
	}
	return out
}

// overlap says that some client may see both of two rules of one namespace.
func overlap(a, b *v1alpha1.DestinationRule) bool {
	if exportedTo(a, "") || exportedTo(b, "") {
		return true
	}
	for _, to := range a.Spec.ExportTo {
		if exportedTo(b, strings.Replace(to, ".", a.Namespace, 1)) {
			return true
		}
	}
	return false
}
