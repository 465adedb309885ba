package store

import (
	"maps"
	"reflect"
	"slices"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// ruleEntry is a rule, or the fence in its place, and the host that it is for.
type ruleEntry struct {
	rule     *v1alpha1.DestinationRule
	fence    *model.Fence
	pattern  string    // as written, where wildcard
	key      model.Key // where not wildcard
	wildcard bool
}

// ruleIndex finds rules by the service that they are for.
type ruleIndex struct {
	byRef    map[model.ObjectRef]*ruleEntry
	exact    map[model.Key]map[model.ObjectRef]*ruleEntry
	wildcard map[model.ObjectRef]*ruleEntry
}

func newRuleIndex() ruleIndex {
	return ruleIndex{
		byRef:    map[model.ObjectRef]*ruleEntry{},
		exact:    map[model.Key]map[model.ObjectRef]*ruleEntry{},
		wildcard: map[model.ObjectRef]*ruleEntry{},
	}
}

// newRuleEntry is nil if there is neither rule nor fence.
func newRuleEntry(ref model.ObjectRef, rule *v1alpha1.DestinationRule, fence *model.Fence) *ruleEntry {
	e := &ruleEntry{rule: rule, fence: fence}
	switch {
	case rule != nil:
		e.pattern, e.fence = rule.Spec.Host, nil
	case fence != nil:
		e.pattern = fence.Host
	default:
		return nil
	}
	e.key, e.wildcard = ingest.RuleKey(ref.Namespace, e.pattern)
	return e
}

// same says that nothing changed: pointers are compared by what they point to.
func (e *ruleEntry) same(o *ruleEntry) bool { return reflect.DeepEqual(e, o) }

// set replaces the entry of one rule; nil removes it.
func (r *ruleIndex) set(ref model.ObjectRef, e *ruleEntry) {
	if old := r.byRef[ref]; old != nil {
		delete(r.byRef, ref)
		delete(r.wildcard, ref)
		delete(r.exact[old.key], ref)
		if len(r.exact[old.key]) == 0 {
			delete(r.exact, old.key)
		}
	}
	if e == nil {
		return
	}
	r.byRef[ref] = e
	if e.wildcard {
		r.wildcard[ref] = e
		return
	}
	if r.exact[e.key] == nil {
		r.exact[e.key] = map[model.ObjectRef]*ruleEntry{}
	}
	r.exact[e.key][ref] = e
}

// of returns the rules and fences for a service, of all namespaces, sorted by
// kind (ours before Istio's), namespace and name.
func (r *ruleIndex) of(key model.Key) (rules []*v1alpha1.DestinationRule, fences []model.Fence) {
	found := maps.Clone(r.exact[key])
	for ref, e := range r.wildcard {
		if !ingest.HostMatches(e.pattern, key.Host) {
			continue
		}
		if found == nil {
			found = map[model.ObjectRef]*ruleEntry{}
		}
		found[ref] = e
	}
	for _, ref := range slices.SortedFunc(maps.Keys(found), model.ObjectRef.Compare) {
		if e := found[ref]; e.rule != nil {
			rules = append(rules, e.rule)
		} else {
			fences = append(fences, *e.fence)
		}
	}
	return rules, fences
}
