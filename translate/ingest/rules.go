package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

const (
	defaultRootNamespace = "coastwise-system"

	fieldHost         = "spec.host"
	fieldMeshLocality = "spec.localityLbSetting"
)

// rules is every rule for one host, ready to be looked up.
type rules struct {
	// levels holds them by namespace: the most specific host first, of one host ours
	// before Istio's, and of one kind the older first.
	levels map[string][]*ruled
	// exact are those whose host is this one, older first; all adds those whose
	// wildcard covers it, and those that only fence, sorted by namespace, name and kind.
	exact, all []*v1alpha1.DestinationRule
}

// ruled is a rule and the host that it is for: "" is this very one, else the
// pattern that covers it.
type ruled struct {
	*v1alpha1.DestinationRule
	pattern string
}

// sortRules keeps those of o.Rules that cover the host.
func sortRules(o Objects) rules {
	r := rules{levels: map[string][]*ruled{}}
	for _, dr := range o.Rules {
		_, wildcard := RuleKey(dr.Namespace, dr.Spec.Host)
		entry := &ruled{DestinationRule: dr}
		switch {
		case means(dr.Namespace, dr.Spec.Host, o.Key.Host):
			r.exact = append(r.exact, dr)
		case wildcard && HostMatches(dr.Spec.Host, o.Key.Host):
			entry.pattern = fullPattern(dr.Spec.Host, o.Key.Host)
		default:
			continue
		}
		r.levels[dr.Namespace] = append(r.levels[dr.Namespace], entry)
		r.all = append(r.all, dr)
	}
	for _, dr := range o.Shadowed {
		if means(dr.Namespace, dr.Spec.Host, o.Key.Host) {
			r.all = append(r.all, dr)
		}
	}
	slices.SortFunc(r.exact, older)
	slices.SortFunc(r.all, func(a, b *v1alpha1.DestinationRule) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name), oursFirst(a, b))
	})
	for _, level := range r.levels {
		slices.SortFunc(level, func(a, b *ruled) int {
			return cmp.Or(moreSpecific(a.pattern, b.pattern), oursFirst(a.DestinationRule, b.DestinationRule), older(a.DestinationRule, b.DestinationRule))
		})
	}
	return r
}

// moreSpecific orders an exact host first, then longer patterns.
func moreSpecific(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(a), len(b))
	}
	return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
}

// older orders by creationTimestamp, an absent one first, then by name, namespace
// and kind.
func older(a, b *v1alpha1.DestinationRule) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		strings.Compare(a.Name, b.Name), strings.Compare(a.Namespace, b.Namespace), oursFirst(a, b))
}

// isIstio says that a rule is of Istio's kind, which yields to ours.
func isIstio(dr *v1alpha1.DestinationRule) bool { return v1alpha1.IsIstio(dr.APIVersion) }

// oursFirst orders rules of our kind before Istio's.
func oursFirst(a, b *v1alpha1.DestinationRule) int { return compareBool(isIstio(a), isIstio(b)) }

// chosen is what decides for a class of clients: the rules for one host at one
// level, as if they were one.
type chosen struct {
	// rule is the one whose trafficPolicy counts, or the first; nil if there is none.
	rule *v1alpha1.DestinationRule
	// subsets are those of all of them, by name; of equal names the older rule's.
	subsets []*subset
}

// lookup is semantics 3: the first of these namespaces with a rule that the
// client sees, and inside it those with the most specific host.
func (r rules) lookup(c client, namespaces []string) chosen {
	for _, ns := range namespaces {
		if group := r.group(c, ns); len(group) > 0 {
			return unite(group)
		}
	}
	return chosen{}
}

// group is the rules of a namespace for the most specific host, of those that the
// client sees; Istio's are in it only if there is none of our kind (semantics 3).
// Where some have a workloadSelector, those for all are not in it.
func (r rules) group(c client, namespace string) []*v1alpha1.DestinationRule {
	var group, selected []*v1alpha1.DestinationRule
	pattern := ""
	for _, dr := range r.levels[namespace] {
		if len(group) > 0 && (dr.pattern != pattern || isIstio(dr.DestinationRule) != isIstio(group[0])) {
			break
		}
		if c.sees(dr.DestinationRule) {
			pattern = dr.pattern
			group = append(group, dr.DestinationRule)
			if dr.Spec.WorkloadSelector != nil {
				selected = append(selected, dr.DestinationRule)
			}
		}
	}
	if len(selected) > 0 {
		return selected
	}
	return group
}

// unite makes one of rules for one host, older first.
func unite(group []*v1alpha1.DestinationRule) chosen {
	out := chosen{rule: group[0]}
	seen := map[string]bool{}
	for _, dr := range group {
		if out.rule.Spec.TrafficPolicy == nil && dr.Spec.TrafficPolicy != nil {
			out.rule = dr
		}
		for i := range dr.Spec.Subsets {
			if name := dr.Spec.Subsets[i].Name; !seen[name] {
				seen[name] = true
				out.subsets = append(out.subsets, &subset{dr, i})
			}
		}
	}
	slices.SortFunc(out.subsets, func(a, b *subset) int { return strings.Compare(a.spec().Name, b.spec().Name) })
	return out
}

// problems are those of the rules among each other, and of rules for a host
// that nothing declares.
func (r rules) problems(o Objects) []model.Problem {
	var out []model.Problem
	for _, level := range r.levels {
		for i, dr := range level {
			out = append(out, yields(dr, level[:i])...)
			out = append(out, conflicts(dr, level[:i])...)
		}
	}
	out = append(out, shadowed(o)...)
	for _, dr := range r.exact {
		if o.Service == nil && !o.Declared {
			out = append(out, model.Problem{
				Object: ruleRef(dr), Field: fieldHost, Severity: model.Warning, Reason: model.TargetNotFound,
				Message: fmt.Sprintf("no Service or ServiceEntry is %s", o.Key.Host),
			})
		}
	}
	return out
}

// shadowed tells of rules for the Service by its short form that are an entry's of
// their own namespace (semantics 3).
func shadowed(o Objects) []model.Problem {
	var out []model.Problem
	for _, dr := range o.Shadowed {
		if o.Service == nil || !means(dr.Namespace, dr.Spec.Host, o.Key.Host) {
			continue
		}
		out = append(out, model.Problem{
			Object: ruleRef(dr), Field: fieldHost, Severity: model.Warning, Reason: model.Conflicted,
			Message: fmt.Sprintf("a ServiceEntry has exactly the host %s: the rule is for that, and of it only allowedRegions hold for %s; write %s to mean the Service",
				dr.Spec.Host, serviceRef(o.Service), o.Key.Host),
		})
	}
	return out
}

// conflicts are what a rule loses to earlier ones for the same host and clients.
func conflicts(dr *ruled, earlier []*ruled) []model.Problem {
	var out []model.Problem
	lost := map[string]bool{}
	lose := func(field, what string, to *ruled) {
		if !lost[field] {
			lost[field] = true
			out = append(out, model.Problem{
				Object: ruleRef(dr.DestinationRule), Field: field, Severity: model.Warning, Reason: model.Conflicted,
				Message: fmt.Sprintf("%s has the same host and is older or first by name: its %s counts, this one does not", ruleRef(to.DestinationRule), what),
			})
		}
	}
	for _, e := range earlier {
		if e.pattern != dr.pattern || !sameSelector(e, dr) || !overlap(e.DestinationRule, dr.DestinationRule) {
			continue
		}
		if isIstio(e.DestinationRule) != isIstio(dr.DestinationRule) {
			continue // told by yields
		}
		if e.Spec.TrafficPolicy != nil && dr.Spec.TrafficPolicy != nil {
			lose(fieldHost, "trafficPolicy", e)
		}
		for i := range dr.Spec.Subsets {
			name := dr.Spec.Subsets[i].Name
			if slices.ContainsFunc(e.Spec.Subsets, func(s v1alpha1.Subset) bool { return s.Name == name }) {
				lose(fmt.Sprintf("spec.subsets[%d].name", i), "subset "+name, e)
			}
		}
	}
	return out
}

// yields tells of a rule of Istio's kind that one of ours, for the same host and
// all of its clients in the namespaces of both, stands in the way of.
func yields(dr *ruled, earlier []*ruled) []model.Problem {
	for _, e := range earlier {
		if !isIstio(dr.DestinationRule) || isIstio(e.DestinationRule) || e.pattern != dr.pattern ||
			e.Spec.WorkloadSelector != nil && !sameSelector(e, dr) || !overlap(e.DestinationRule, dr.DestinationRule) {
			continue
		}
		return []model.Problem{{
			Object: ruleRef(dr.DestinationRule), Field: fieldHost, Severity: model.Warning, Reason: model.Conflicted,
			Message: fmt.Sprintf("%s has the same host and is of %s: for clients that see both it alone counts, nothing is united", ruleRef(e.DestinationRule), v1alpha1.APIVersion),
		}}
	}
	return nil
}

func sameSelector(a, b *ruled) bool {
	if a.Spec.WorkloadSelector == nil || b.Spec.WorkloadSelector == nil {
		return a.Spec.WorkloadSelector == b.Spec.WorkloadSelector
	}
	return selectorOf(a.DestinationRule).Text == selectorOf(b.DestinationRule).Text
}

// missingRegions tells of failover regions in which the service has no endpoint
// (semantics 6.6); at is where the localityLbSetting stands.
func missingRegions(at place, list []v1alpha1.Failover, regions map[string]bool) []model.Problem {
	var out []model.Problem
	for i, f := range list {
		if !regions[f.To] {
			out = append(out, model.Problem{
				Object: at.Object, Field: fmt.Sprintf("%s.failover[%d].to", at.Field, i),
				Severity: model.Info, Reason: model.TargetNotFound,
				Message: fmt.Sprintf("no endpoint of the service is in region %q", f.To),
			})
		}
	}
	return out
}

func endpointRegions(ports []model.Port) map[string]bool {
	out := map[string]bool{}
	for _, p := range ports {
		for i := range p.Endpoints {
			if region := p.Endpoints[i].Locality.Region; !out[region] {
				out[region] = true
			}
		}
	}
	return out
}

func ruleRef(dr *v1alpha1.DestinationRule) model.ObjectRef {
	return model.ObjectRef{Kind: v1alpha1.KindOf(dr.APIVersion, v1alpha1.KindDestinationRule), Namespace: dr.Namespace, Name: dr.Name}
}
