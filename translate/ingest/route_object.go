package ingest

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// kindService is the only kind of backends.
const kindService = "Service"

// routeObject is an HTTPRoute or a GRPCRoute in the words of an HTTPRoute.
type routeObject struct {
	ref       model.ObjectRef
	created   int64 // Unix seconds, 0 if unknown
	parents   []gatewayv1.ParentReference
	hostnames []gatewayv1.Hostname
	rules     []routeRule
}

// routeRule is one of its rules; http or grpc are its matches, by the object's kind.
type routeRule struct {
	http     []gatewayv1.HTTPRouteMatch
	grpc     []gatewayv1.GRPCRouteMatch
	filters  []gatewayv1.HTTPRouteFilter
	backends []gatewayv1.HTTPBackendRef
	timeouts *gatewayv1.HTTPRouteTimeouts
	retry    *gatewayv1.HTTPRouteRetry
	session  *gatewayv1.SessionPersistence
}

func (o routeObject) isGRPC() bool { return o.ref.Kind == KindGRPCRoute }

func (o routeObject) problem(field string, s model.Severity, reason model.Reason, message string) model.Problem {
	return model.Problem{Object: o.ref, Field: field, Severity: s, Reason: reason, Message: message}
}

// routeObjects are all routes of both kinds: the older first, then by namespace, name
// and kind.
func routeObjects(r Routing) []routeObject {
	out := make([]routeObject, 0, len(r.HTTP)+len(r.GRPC))
	for _, h := range r.HTTP {
		out = append(out, ofHTTPRoute(h))
	}
	for _, g := range r.GRPC {
		out = append(out, ofGRPCRoute(g))
	}
	slices.SortFunc(out, func(a, b routeObject) int {
		return cmp.Or(cmp.Compare(a.created, b.created), strings.Compare(a.ref.Namespace, b.ref.Namespace),
			strings.Compare(a.ref.Name, b.ref.Name), strings.Compare(a.ref.Kind, b.ref.Kind))
	})
	return out
}

func routeHead(kind string, meta *metav1.ObjectMeta) routeObject {
	o := routeObject{ref: model.ObjectRef{Kind: kind, Namespace: meta.Namespace, Name: meta.Name}}
	if !meta.CreationTimestamp.IsZero() {
		o.created = meta.CreationTimestamp.Unix()
	}
	return o
}

func ofHTTPRoute(h *gatewayv1.HTTPRoute) routeObject {
	o := routeHead(KindHTTPRoute, &h.ObjectMeta)
	o.parents, o.hostnames = h.Spec.ParentRefs, h.Spec.Hostnames
	for _, r := range h.Spec.Rules {
		o.rules = append(o.rules, routeRule{
			http: r.Matches, filters: r.Filters, backends: r.BackendRefs,
			timeouts: r.Timeouts, retry: r.Retry, session: r.SessionPersistence,
		})
	}
	if len(o.rules) == 0 { // the API's default
		o.rules = []routeRule{{}}
	}
	return o
}

func ofGRPCRoute(g *gatewayv1.GRPCRoute) routeObject {
	o := routeHead(KindGRPCRoute, &g.ObjectMeta)
	o.parents, o.hostnames = g.Spec.ParentRefs, g.Spec.Hostnames
	for _, r := range g.Spec.Rules {
		rule := routeRule{grpc: r.Matches, filters: ofGRPCFilters(r.Filters), session: r.SessionPersistence}
		for _, b := range r.BackendRefs {
			rule.backends = append(rule.backends, gatewayv1.HTTPBackendRef{BackendRef: b.BackendRef, Filters: ofGRPCFilters(b.Filters)})
		}
		o.rules = append(o.rules, rule)
	}
	return o
}

func ofGRPCFilters(filters []gatewayv1.GRPCRouteFilter) []gatewayv1.HTTPRouteFilter {
	var out []gatewayv1.HTTPRouteFilter
	for _, f := range filters {
		out = append(out, gatewayv1.HTTPRouteFilter{
			Type:                   gatewayv1.HTTPRouteFilterType(f.Type),
			RequestHeaderModifier:  f.RequestHeaderModifier,
			ResponseHeaderModifier: f.ResponseHeaderModifier,
			RequestMirror:          f.RequestMirror,
			ExtensionRef:           f.ExtensionRef,
		})
	}
	return out
}
