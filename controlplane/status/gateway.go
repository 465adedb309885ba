package status

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// Conflicted is the condition of a listener that is at odds with another: True is bad.
const Conflicted = "Conflicted"

// gateway is the form of a Gateway of a class of ours.
type gateway struct {
	Object
	is *gatewayv1.Gateway
	// acting is what is made of it; nil if that is nothing.
	acting *model.GatewayObject
}

// gatewayRest is what a Gateway's status has beside conditions.
type gatewayRest struct {
	Addresses []gatewayv1.GatewayStatusAddress
	// Listeners are without their conditions, by name.
	Listeners map[string]gatewayv1.ListenerStatus
}

func (gateway) resource() schema.GroupVersionResource { return gatewayResource("gateways") }

func (f gateway) stands() state {
	out := theirs(f.is.Status.Conditions, Conditions(KindGateway)...)
	rest := gatewayRest{Addresses: f.is.Status.Addresses, Listeners: map[string]gatewayv1.ListenerStatus{}}
	for _, l := range f.is.Status.Listeners {
		name := string(l.Name)
		for _, said := range theirs(l.Conditions, Accepted, Programmed, ResolvedRefs, Conflicted).said {
			out.say(name, said.Condition)
		}
		l.Conditions = nil
		rest.Listeners[name] = l
	}
	out.rest = rest
	return out
}

// gatewayFindings are the Problems of a Gateway by what they are about.
type gatewayFindings struct {
	whole, notes []model.Problem
	listeners    map[int][]model.Problem
	rollout      []model.Problem
}

func (f gateway) sift(problems []model.Problem) gatewayFindings {
	out := gatewayFindings{listeners: map[int][]model.Problem{}}
	for _, p := range fromServer(problems) {
		i, ok := indexed(p.Field, "spec.listeners")
		switch {
		case conditionOf(p.Reason) == Programmed:
			out.rollout = append(out.rollout, p)
		case ok && i < len(f.is.Spec.Listeners):
			out.listeners[i] = append(out.listeners[i], p)
		case p.Severity == model.Error || p.Severity == model.Warning && slices.Contains(gatewayReasons, p.Reason):
			out.whole = append(out.whole, p)
		default:
			out.notes = append(out.notes, p)
		}
	}
	return out
}

func (f gateway) wish(was state, r Report, now metav1.Time) state {
	found := f.sift(r.Problems)
	var listeners [][]metav1.Condition
	for i := range f.is.Spec.Listeners {
		listeners = append(listeners, f.listener(i, found.listeners[i]))
	}
	acts := f.accepted(found, listeners)
	live := f.programmed(found, r, acts)
	var out state
	out.say("", acts, live)
	for i, l := range f.is.Spec.Listeners {
		c := live
		if !f.works(l.Name, listeners[i]) {
			c = denied(Programmed, string(gatewayv1.ListenerReasonInvalid), "the listener is not valid: see its other conditions")
			if acts.Status == metav1.ConditionUnknown {
				c = pending(metav1.ConditionUnknown, acts.Message)
				c.Type = Programmed
			}
		}
		out.say(string(l.Name), append(listeners[i], c)...)
	}
	out.stamp(was, f.Generation, now)
	return out
}

// lives says whether a listener of that name is made.
func (f gateway) lives(name gatewayv1.SectionName) bool {
	switch {
	case f.acting == nil:
		return false
	case f.acting.Kind == model.Waypoint:
		return f.acting.Waypoint.Port != 0 && f.acting.Waypoint.Name == string(name)
	}
	return slices.ContainsFunc(f.acting.Listeners, func(l model.GatewayListener) bool { return l.Name == string(name) })
}

// works says whether a listener is valid, and there.
func (f gateway) works(name gatewayv1.SectionName, said []metav1.Condition) bool {
	return f.lives(name) && find(said, Accepted).Status == metav1.ConditionTrue
}

// accepted is that of the Gateway as a whole. One whose listeners are all invalid does
// nothing; of one with some the others act.
func (f gateway) accepted(found gatewayFindings, listeners [][]metav1.Condition) metav1.Condition {
	var bad []string
	for i, l := range f.is.Spec.Listeners {
		for _, kind := range []string{Accepted, ResolvedRefs} {
			if c := find(listeners[i], kind); c.Status == metav1.ConditionFalse && (kind == Accepted || !f.lives(l.Name)) {
				bad = append(bad, fmt.Sprintf("listener %s: %s", l.Name, c.Reason))
				break
			}
		}
	}
	notValid := string(gatewayv1.GatewayReasonListenersNotValid)
	switch {
	case len(found.whole) > 0:
		return denied(Accepted, gatewayReason(found.whole), list(slices.Concat(found.whole, found.notes)))
	case f.Acts == 0 || f.Acts != f.Generation:
		return unread(f.Object)
	case len(bad) > 0 && len(bad) == len(f.is.Spec.Listeners):
		return denied(Accepted, notValid, append([]string{"no listener is valid"}, bad...)...)
	case len(bad) > 0:
		c := accepted(found.notes, "")
		c.Reason, c.Message = notValid, join(append(bad, c.Message)...)
		return c
	case f.acting == nil:
		return unread(f.Object)
	}
	return accepted(found.notes, "the Gateway is valid")
}

// gatewayReasons are those of Accepted, gravest first.
var gatewayReasons = []model.Reason{model.Invalid, model.InvalidParameters, model.UnsupportedAddress, model.DuplicateObject, model.Conflicted}

// gatewayReason is the reason of Problems of a whole Gateway.
func gatewayReason(problems []model.Problem) string {
	if slices.ContainsFunc(problems, func(p model.Problem) bool { return strings.HasPrefix(p.Field, "spec.addresses") }) {
		return string(gatewayv1.GatewayReasonUnsupportedAddress)
	}
	return first(problems, gatewayReasons, model.Invalid)
}

// programmed is how far the proxies are that run the Gateway. Without any there is
// nothing that a client could reach.
func (f gateway) programmed(found gatewayFindings, r Report, acts metav1.Condition) metav1.Condition {
	c := findings{flips: map[string][]model.Problem{Programmed: found.rollout}}.programmed(f.Object, r, true)
	switch {
	case acts.Status == metav1.ConditionFalse:
		c = denied(Programmed, string(gatewayv1.GatewayReasonInvalid), "the Gateway is not accepted: see Accepted")
	case acts.Status == metav1.ConditionUnknown:
		c = pending(metav1.ConditionUnknown, acts.Message)
	case c.Status == metav1.ConditionTrue && r.Rollout.Proxies == 0:
		c = pending(metav1.ConditionFalse, "no proxy runs it: start one with "+f.command())
	case c.Status == metav1.ConditionTrue && len(f.acting.Addresses) == 0 && f.acting.Kind == model.Waypoint:
		c.Message += fmt.Sprintf("; it has no address: no Service is labelled %s=%s", gatewayv1.GatewayNameLabelKey, f.Ref.Name)
	}
	c.Type = Programmed
	return c
}

func (f gateway) command() string {
	kind := model.Gateway
	if f.acting != nil {
		kind = f.acting.Kind
	}
	return fmt.Sprintf("coastwise bootstrap --kind %s --gateway %s/%s", kind, f.Ref.Namespace, f.Ref.Name)
}

// rest has addresses where clients reach a proxy there, and every listener of the spec.
func (f gateway) rest(said state) any {
	out := gatewayRest{Listeners: map[string]gatewayv1.ListenerStatus{}}
	if c := said.find("", Programmed); c.Status == metav1.ConditionTrue && f.acting != nil {
		for _, a := range f.acting.Addresses {
			kind := gatewayv1.HostnameAddressType
			if _, err := netip.ParseAddr(a); err == nil {
				kind = gatewayv1.IPAddressType
			}
			out.Addresses = append(out.Addresses, gatewayv1.GatewayStatusAddress{Type: &kind, Value: a})
		}
	}
	for _, l := range f.is.Spec.Listeners {
		out.Listeners[string(l.Name)] = gatewayv1.ListenerStatus{Name: l.Name, SupportedKinds: f.kinds(l), AttachedRoutes: f.attached(l.Name)}
	}
	return out
}

func (gateway) patch(s state) (types.PatchType, any) {
	rest := s.rest.(gatewayRest)
	out := gatewayv1.GatewayStatus{Addresses: rest.Addresses, Conditions: s.conditions("")}
	for _, l := range rest.Listeners {
		l.Conditions = s.conditions(string(l.Name))
		out.Listeners = append(out.Listeners, l)
	}
	slices.SortFunc(out.Listeners, func(a, b gatewayv1.ListenerStatus) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return types.ApplyPatchType, out
}
