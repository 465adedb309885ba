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

	fieldHost     = "spec.host"
	fieldLocality = "spec.trafficPolicy.loadBalancer.localityLbSetting"

	fieldMeshLocality = "spec.localityLbSetting"
)

// rules is every rule for one host, ready to be looked up.
type rules struct {
	// winners holds, by namespace, the rule that decides there: the first of
	// those with a trafficPolicy, else the first.
	winners map[string]*v1alpha1.DestinationRule
	// exact are those whose host is this one, older first; all adds those whose
	// wildcard covers it, sorted by namespace and name.
	exact, all []*v1alpha1.DestinationRule
}

// sortRules keeps those of o.Rules that cover the host.
func sortRules(o Objects) rules {
	r := rules{winners: map[string]*v1alpha1.DestinationRule{}}
	for _, dr := range o.Rules {
		key, wildcard := RuleKey(dr.Namespace, dr.Spec.Host)
		switch {
		case !wildcard && key == o.Key:
			r.exact = append(r.exact, dr)
		case !wildcard || !HostMatches(dr.Spec.Host, o.Key.Host):
			continue
		}
		r.all = append(r.all, dr)
	}
	slices.SortFunc(r.exact, older)
	slices.SortFunc(r.all, func(a, b *v1alpha1.DestinationRule) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	for _, dr := range r.exact {
		if w := r.winners[dr.Namespace]; w == nil || w.Spec.TrafficPolicy == nil && dr.Spec.TrafficPolicy != nil {
			r.winners[dr.Namespace] = dr
		}
	}
	return r
}

// older orders by creationTimestamp, an absent one first, then by name and namespace.
func older(a, b *v1alpha1.DestinationRule) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		strings.Compare(a.Name, b.Name), strings.Compare(a.Namespace, b.Namespace))
}

// lookup is the rule of the first of these namespaces that has one (semantics 3).
func (r rules) lookup(namespaces []string) *v1alpha1.DestinationRule {
	for _, ns := range namespaces {
		if w := r.winners[ns]; w != nil {
			return w
		}
	}
	return nil
}

// problems are those of the rules among each other, and of rules for a host
// that nothing declares.
func (r rules) problems(o Objects) []model.Problem {
	var out []model.Problem
	for _, dr := range r.exact {
		w := r.winners[dr.Namespace]
		if w != dr && dr.Spec.TrafficPolicy != nil {
			out = append(out, model.Problem{
				Object: ruleRef(dr), Field: fieldHost, Severity: model.Warning, Reason: model.Conflicted,
				Message: fmt.Sprintf("%s has the same host and is older or first by name: its trafficPolicy counts, this one does not", ruleRef(w)),
			})
		}
		if o.Service == nil {
			out = append(out, model.Problem{
				Object: ruleRef(dr), Field: fieldHost, Severity: model.Warning, Reason: model.TargetNotFound,
				Message: fmt.Sprintf("no Service is %s", o.Key.Host),
			})
		}
	}
	return out
}

// settingProblems tells of failover regions in which the service has no endpoint,
// for the rules that decide and are on (semantics 6.6).
func (r rules) settingProblems(ports []model.Port) []model.Problem {
	var out []model.Problem
	for _, dr := range r.exact {
		l := ruleSetting(dr)
		if dr == r.winners[dr.Namespace] && l.Speaks() && (l.Enabled == nil || *l.Enabled) {
			out = append(out, missingRegions(dr, l.Failover, ports)...)
		}
	}
	return out
}

func missingRegions(dr *v1alpha1.DestinationRule, list []v1alpha1.Failover, ports []model.Port) []model.Problem {
	var out []model.Problem
	for i, f := range list {
		if !anyIn(ports, f.To) {
			out = append(out, model.Problem{
				Object: ruleRef(dr), Field: fmt.Sprintf("%s.failover[%d].to", fieldLocality, i),
				Severity: model.Info, Reason: model.TargetNotFound,
				Message: fmt.Sprintf("no endpoint of the service is in region %q", f.To),
			})
		}
	}
	return out
}

func anyIn(ports []model.Port, region string) bool {
	for _, p := range ports {
		for i := range p.Endpoints {
			if p.Endpoints[i].Locality.Region == region {
				return true
			}
		}
	}
	return false
}

// ruleSetting is the rule's own localityLbSetting, nil if it has none.
func ruleSetting(dr *v1alpha1.DestinationRule) *v1alpha1.LocalityLbSetting {
	if dr == nil || dr.Spec.TrafficPolicy == nil || dr.Spec.TrafficPolicy.LoadBalancer == nil {
		return nil
	}
	return dr.Spec.TrafficPolicy.LoadBalancer.LocalityLbSetting
}

func ruleRef(dr *v1alpha1.DestinationRule) model.ObjectRef {
	return model.ObjectRef{Kind: v1alpha1.KindDestinationRule, Namespace: dr.Namespace, Name: dr.Name}
}
