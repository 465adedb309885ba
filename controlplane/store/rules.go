package store

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// ruleEntry is a rule, or the fence in its place, and the host that it is for.
type ruleEntry struct {
	rule     *v1alpha1.DestinationRule
	fence    *model.Fence
	pattern  string    // as written
	key      model.Key // where not wildcard
	wildcard bool
}

// short is the host as written, where it is a short form that an entry may have
// as its own host; "" if it is none.
func (e *ruleEntry) short() string {
	if host := strings.ToLower(e.pattern); !e.wildcard && host != e.key.Host && strings.Contains(host, ".") {
		return host
	}
	return ""
}

// ruleIndex finds rules by the service that they are for.
type ruleIndex struct {
	byRef map[model.ObjectRef]*ruleEntry
	// exact is by the full host, and also by the short form as written.
	exact    map[string]map[model.ObjectRef]*ruleEntry
	wildcard map[model.ObjectRef]*ruleEntry
}

func newRuleIndex() ruleIndex {
	return ruleIndex{
		byRef:    map[model.ObjectRef]*ruleEntry{},
		exact:    map[string]map[model.ObjectRef]*ruleEntry{},
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
		for _, host := range old.hosts() {
			delete(r.exact[host], ref)
			if len(r.exact[host]) == 0 {
				delete(r.exact, host)
			}
		}
	}
	if e == nil {
		return
	}
	r.byRef[ref] = e
	if e.wildcard {
		r.wildcard[ref] = e
	}
	for _, host := range e.hosts() {
		if r.exact[host] == nil {
			r.exact[host] = map[model.ObjectRef]*ruleEntry{}
		}
		r.exact[host][ref] = e
	}
}

// hosts are those that a rule may mean: one, and another if an entry has that.
func (e *ruleEntry) hosts() []string {
	switch {
	case e.wildcard:
		return nil
	case e.short() != "":
		return []string{e.key.Host, e.short()}
	}
	return []string{e.key.Host}
}

// gather adds the rules and fences for a host, of all namespaces, sorted by kind
// (ours before Istio's), namespace and name. A short form means a Service unless
// an entry has exactly that host (semantics 3). An entry of another namespace than
// the rule's takes nothing from a Service that is there: such a rule is for both, or
// whoever may write an entry could undo somebody else's rule. Even of the own
// namespace it takes no fence.
func (r *ruleIndex) gather(o *ingest.Objects, entries entryIndex) {
	host := o.Key.Host
	found := map[model.ObjectRef]*ruleEntry{}
	shadowed := map[model.ObjectRef]bool{}
	for ref, e := range r.exact[host] {
		short := e.short()
		declared := short != "" && entries.declare(short)
		if short == host && !declared {
			continue
		}
		_, own := entries.hosts[short][ref.Namespace]
		found[ref], shadowed[ref] = e, declared && short != host && (own || o.Service == nil)
	}
	for ref, e := range r.wildcard {
		if ingest.HostMatches(e.pattern, host) {
			found[ref] = e
		}
	}
	for _, ref := range slices.SortedFunc(maps.Keys(found), model.ObjectRef.Compare) {
		switch e := found[ref]; {
		case e.rule == nil:
			o.Fences = append(o.Fences, *e.fence)
		case shadowed[ref]:
			o.Shadowed = append(o.Shadowed, e.rule)
		default:
			o.Rules = append(o.Rules, e.rule)
		}
	}
}
