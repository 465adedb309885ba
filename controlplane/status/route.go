package status

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

const (
	// RouteProgrammed says of a parent of a route how many proxies have it, which the
	// Gateway API has no condition for. True has the reason Programmed.
	RouteProgrammed = "networking.coastwise.dev/Programmed"
	// PartiallyInvalid is there, and True, while some rules of a route are dropped.
	PartiallyInvalid = string(gatewayv1.RouteConditionPartiallyInvalid)
)

// route is the form of an HTTPRoute or GRPCRoute: an entry in status.parents for each
// parent that is ours. The list is one value to the API server and has the entries of
// other controllers too; it is written as a whole onto the version that was read, so
// that theirs stand.
type route struct {
	Object
	plural string
	rules  int
	// parents are ours among those of the spec, with their places there.
	parents []parent
	stand   []gatewayv1.RouteParentStatus
}

// parent is a parentRef.
type parent struct {
	key   string
	index int
	ref   gatewayv1.ParentReference
	// waypoint says that it is a Gateway to which no route can be attached.
	waypoint bool
}

// route is nil where none of the parents is ours, and no entry of ours stands there.
func (m mesh) route(o Object, plural string, refs []gatewayv1.ParentReference, rules int, stand []gatewayv1.RouteParentStatus) form {
	out := route{Object: o, plural: plural, rules: rules, stand: stand}
	for i, ref := range refs {
		p := parent{key: parentKey(o.Ref.Namespace, ref), index: i, ref: ref}
		name, isGateway := gatewayOf(o.Ref.Namespace, ref)
		if isGateway && m.runs(name) {
			p.waypoint = m.acting[name] != nil && m.acting[name].Kind == model.Waypoint
		} else if isGateway || !isService(ref) {
			continue
		}
		if !slices.ContainsFunc(out.parents, func(q parent) bool { return q.key == p.key }) {
			out.parents = append(out.parents, p)
		}
	}
	if len(out.parents) == 0 && !slices.ContainsFunc(stand, isOurs) {
		return nil
	}
	return out
}

func isOurs(s gatewayv1.RouteParentStatus) bool { return s.ControllerName == model.GatewayController }

func isService(ref gatewayv1.ParentReference) bool {
	return ref.Kind != nil && *ref.Kind == "Service" && ref.Group != nil && *ref.Group == ""
}

// gatewayOf is the Gateway that a parentRef names.
func gatewayOf(namespace string, ref gatewayv1.ParentReference) (model.GatewayName, bool) {
	if ref.Kind != nil && *ref.Kind != KindGateway || ref.Group != nil && *ref.Group != gatewayv1.GroupName {
		return model.GatewayName{}, false
	}
	return model.GatewayName{Namespace: string(value(ref.Namespace, gatewayv1.Namespace(namespace))), Name: string(ref.Name)}, true
}

func value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// parentKey tells parents apart, whether or not their defaults are written.
func parentKey(namespace string, ref gatewayv1.ParentReference) string {
	return strings.Join([]string{
		string(value(ref.Group, gatewayv1.GroupName)), string(value(ref.Kind, KindGateway)),
		string(value(ref.Namespace, gatewayv1.Namespace(namespace))), string(ref.Name),
		string(value(ref.SectionName, "")), strconv.Itoa(int(value(ref.Port, 0))),
	}, "/")
}

func (f route) resource() schema.GroupVersionResource { return gatewayResource(f.plural) }

func routeConditions() []string {
	return append(Conditions(KindHTTPRoute), PartiallyInvalid)
}

func (f route) stands() state {
	var out state
	keys := map[string]int{}
	for _, s := range f.stand {
		if !isOurs(s) {
			continue
		}
		key := parentKey(f.Ref.Namespace, s.ParentRef)
		if keys[key]++; keys[key] == 1 {
			for _, said := range theirs(s.Conditions, routeConditions()...).said {
				out.say(key, said.Condition)
			}
		}
	}
	out.rest = keys
	return out
}

// rest is how many entries each parent of ours has: one.
func (f route) rest(state) any {
	keys := map[string]int{}
	for _, p := range f.parents {
		keys[p.key] = 1
	}
	return keys
}

// patch leaves the entries of others, and conditions of others in ours, as they stand.
// The state may hold parents of another version of the route, but the server does not
// write onto that.
func (f route) patch(s state) (types.PatchType, any) {
	left := map[string]parent{}
	for _, p := range f.parents {
		left[p.key] = p
	}
	all := []gatewayv1.RouteParentStatus{}
	for _, entry := range f.stand {
		key := parentKey(f.Ref.Namespace, entry.ParentRef)
		switch p, ok := left[key]; {
		case !isOurs(entry):
			all = append(all, entry)
		case ok:
			delete(left, key)
			all = append(all, entryOf(p, s, entry.Conditions))
		}
	}
	for _, p := range f.parents {
		if _, ok := left[p.key]; ok {
			all = append(all, entryOf(p, s, nil))
		}
	}
	return types.MergePatchType, map[string]any{"parents": all}
}

func entryOf(p parent, s state, stand []metav1.Condition) gatewayv1.RouteParentStatus {
	conditions := s.conditions(p.key)
	for _, c := range stand {
		if !slices.Contains(routeConditions(), c.Type) {
			conditions = append(conditions, c)
		}
	}
	return gatewayv1.RouteParentStatus{ParentRef: p.ref, ControllerName: model.GatewayController, Conditions: conditions}
}

// routeFindings are the Problems of a route by what they are about.
type routeFindings struct {
	whole, refs, rollout, notes []model.Problem
	parents                     map[int][]model.Problem
	// rules are those that are dropped, and why; parts those of which something is.
	rules, parts map[int][]model.Problem
}

// routeRefs are the reasons of ResolvedRefs, gravest first.
var routeRefs = []model.Reason{model.RefNotPermitted, model.InvalidKind, model.BackendNotFound, model.UnsupportedProtocol}

func (f route) sift(problems []model.Problem) routeFindings {
	out := routeFindings{parents: map[int][]model.Problem{}, rules: map[int][]model.Problem{}, parts: map[int][]model.Problem{}}
	for _, p := range fromServer(problems) {
		at, isParent := indexed(p.Field, "spec.parentRefs")
		rule, isRule := indexed(p.Field, "spec.rules")
		switch {
		case conditionOf(p.Reason) == Programmed:
			out.rollout = append(out.rollout, p)
		case isParent && p.Severity != model.Info:
			out.parents[at] = append(out.parents[at], p)
		case !isParent && p.Severity != model.Info && slices.Contains(routeRefs, p.Reason):
			out.refs = append(out.refs, p)
		case isRule && p.Severity == model.Error:
			out.rules[rule] = append(out.rules[rule], p)
		case isRule && p.Severity == model.Warning && p.Reason == model.UnsupportedValue:
			out.parts[rule] = append(out.parts[rule], p)
		case p.Severity == model.Error:
			out.whole = append(out.whole, p)
		default:
			out.notes = append(out.notes, p)
		}
	}
	if len(out.rules) >= f.rules {
		for _, rule := range slices.Sorted(maps.Keys(out.rules)) {
			out.whole = append(out.whole, out.rules[rule]...)
		}
		out.rules = nil
	}
	return out
}

func (f route) wish(was state, r Report, now metav1.Time) state {
	found := f.sift(r.Problems)
	var out state
	for _, p := range f.parents {
		acts, resolved := f.accepted(p, found), f.resolved(found)
		out.say(p.key, acts, resolved, f.programmed(found, r, acts, resolved))
		if len(found.rules)+len(found.parts) > 0 && acts.Status == metav1.ConditionTrue {
			out.say(p.key, found.dropped())
		}
	}
	out.stamp(was, f.Generation, now)
	return out
}

// accepted is that of one parent.
func (f route) accepted(p parent, found routeFindings) metav1.Condition {
	switch bad := found.parents[p.index]; {
	case len(found.whole) > 0:
		return denied(Accepted, routeReason(found.whole), list(slices.Concat(found.whole, found.notes)))
	case len(bad) > 0:
		return denied(Accepted, routeReason(bad), list(slices.Concat(bad, found.notes)))
	case f.Acts == 0 || f.Acts != f.Generation:
		return unread(f.Object)
	case p.waypoint:
		return denied(Accepted, string(gatewayv1.RouteReasonNotAllowedByListeners), fmt.Sprintf(
			"spec.parentRefs[%d]: the Gateway is a waypoint: routes have a Service as their parent, and act at its waypoint", p.index))
	}
	return accepted(found.notes, "the route is valid")
}

// routeReason is the reason of the first Problem that refuses a route or a parent;
// those that the Gateway API does not know are an unsupported value.
func routeReason(problems []model.Problem) string {
	switch r := problems[0].Reason; r {
	case model.Invalid, model.NotHonoured, model.UnknownField:
		return string(model.UnsupportedValue)
	default:
		return string(r)
	}
}

func (f route) resolved(found routeFindings) metav1.Condition {
	switch {
	case f.Acts == 0 || f.Acts != f.Generation:
		c := unread(f.Object)
		c.Type = ResolvedRefs
		return c
	case len(found.refs) > 0:
		return denied(ResolvedRefs, first(found.refs, routeRefs, model.BackendNotFound), list(found.refs))
	}
	return metav1.Condition{Type: ResolvedRefs, Status: metav1.ConditionTrue, Reason: ResolvedRefs, Message: "everything that it names exists"}
}

// programmed is how far the proxies are with the route, whichever of its parents they
// have it by.
func (f route) programmed(found routeFindings, r Report, acts, resolved metav1.Condition) metav1.Condition {
	sound := acts.Status == metav1.ConditionTrue && resolved.Status == metav1.ConditionTrue
	c := findings{flips: map[string][]model.Problem{Programmed: found.rollout}}.programmed(f.Object, r, sound)
	if acts.Status == metav1.ConditionFalse {
		c = pending(metav1.ConditionFalse, "it is not accepted: see Accepted")
	}
	c.Type = RouteProgrammed
	return c
}

// dropped tells which rules do not act, or not whole.
func (found routeFindings) dropped() metav1.Condition {
	var words []string
	var why []model.Problem
	tell := func(format string, dropped map[int][]model.Problem) {
		var all []string
		for _, rule := range slices.Sorted(maps.Keys(dropped)) {
			all = append(all, strconv.Itoa(rule))
			why = append(why, dropped[rule]...)
		}
		if len(all) > 0 {
			words = append(words, fmt.Sprintf(format, strings.Join(all, ", ")))
		}
	}
	tell("Dropped Rule(s) %s", found.rules)
	tell("Dropped Rule parts of %s", found.parts)
	return metav1.Condition{
		Type: PartiallyInvalid, Status: metav1.ConditionTrue, Reason: routeReason(why), Message: strings.Join(words, "; ") + ":\n" + list(why),
	}
}
