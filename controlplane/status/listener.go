package status

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// The reasons of the conditions of a listener, gravest first; a Problem of another
// reason that refuses a listener is an unsupported value.
var (
	listenerConflicts = []model.Reason{"ProtocolConflict", "HostnameConflict"}
	listenerRefs      = []model.Reason{model.RefNotPermitted, model.InvalidCertificateRef, model.InvalidRouteKinds}
	listenerAccepted  = []model.Reason{model.UnsupportedProtocol, model.PortUnavailable, model.UnsupportedValue}
)

// listener are the conditions of the i-th listener, without Programmed.
func (f gateway) listener(i int, problems []model.Problem) []metav1.Condition {
	var conflicts, refs, refused, notes []model.Problem
	for _, p := range problems {
		switch {
		case p.Severity == model.Info || p.Reason == model.NotHonoured && p.Severity != model.Error:
			notes = append(notes, p)
		case p.Reason == model.Conflicted || slices.Contains(listenerConflicts, p.Reason):
			conflicts = append(conflicts, p)
		case slices.Contains(listenerRefs, p.Reason):
			refs = append(refs, p)
		default:
			refused = append(refused, p)
		}
	}
	acts := accepted(notes, "the listener is valid")
	conflict := metav1.Condition{
		Type: Conflicted, Status: metav1.ConditionFalse, Reason: string(gatewayv1.ListenerReasonNoConflicts), Message: "no other listener is in its way",
	}
	switch why := conflictReason(conflicts); {
	case len(refused) > 0:
		acts = denied(Accepted, first(refused, listenerAccepted, model.UnsupportedValue), list(slices.Concat(refused, notes)))
	case len(conflicts) > 0:
		acts = denied(Accepted, why, list(slices.Concat(conflicts, notes)))
	case f.Acts == 0 || f.Acts != f.Generation || f.acting == nil:
		acts = unread(f.Object)
	}
	if len(conflicts) > 0 {
		conflict.Status, conflict.Reason, conflict.Message = metav1.ConditionTrue, conflictReason(conflicts), list(conflicts)
	}
	resolved := metav1.Condition{Type: ResolvedRefs, Status: metav1.ConditionTrue, Reason: ResolvedRefs, Message: "everything that it names exists"}
	if len(refs) > 0 {
		resolved = denied(ResolvedRefs, first(refs, listenerRefs, model.InvalidCertificateRef), list(refs))
	}
	return []metav1.Condition{acts, resolved, conflict}
}

// conflictReason is whether listeners are at odds by protocol or by host name.
func conflictReason(conflicts []model.Problem) string {
	otherwise := model.Reason(gatewayv1.ListenerReasonProtocolConflict)
	if slices.ContainsFunc(conflicts, func(p model.Problem) bool { return strings.HasSuffix(p.Field, ".hostname") }) {
		otherwise = model.Reason(gatewayv1.ListenerReasonHostnameConflict)
	}
	return first(conflicts, listenerConflicts, otherwise)
}

// first is the gravest reason that some Problems have, or another.
func first(problems []model.Problem, gravest []model.Reason, otherwise model.Reason) string {
	for _, r := range gravest {
		if slices.ContainsFunc(problems, func(p model.Problem) bool { return p.Reason == r }) {
			return string(r)
		}
	}
	return string(otherwise)
}

// kinds are the kinds of routes that a listener takes: those that we know for its
// protocol, as far as its allowedRoutes want them. Routes of a waypoint have a Service as
// their parent, and not the Gateway.
func (f gateway) kinds(l gatewayv1.Listener) []gatewayv1.RouteGroupKind {
	if f.acting != nil && f.acting.Kind == model.Waypoint || l.Protocol != gatewayv1.HTTPProtocolType && l.Protocol != gatewayv1.HTTPSProtocolType {
		return nil
	}
	group := gatewayv1.Group(gatewayv1.GroupName)
	var out []gatewayv1.RouteGroupKind
	for _, kind := range []gatewayv1.Kind{KindHTTPRoute, KindGRPCRoute} {
		wanted := l.AllowedRoutes == nil || len(l.AllowedRoutes.Kinds) == 0 ||
			slices.ContainsFunc(l.AllowedRoutes.Kinds, func(k gatewayv1.RouteGroupKind) bool {
				return k.Kind == kind && (k.Group == nil || *k.Group == group)
			})
		if wanted {
			out = append(out, gatewayv1.RouteGroupKind{Group: &group, Kind: kind})
		}
	}
	return out
}

// attached counts the routes that a listener has accepted, whether or not it is valid.
func (f gateway) attached(name gatewayv1.SectionName) int32 {
	if f.acting == nil {
		return 0
	}
	return int32(f.acting.Attached[string(name)]) // a waypoint has none
}
