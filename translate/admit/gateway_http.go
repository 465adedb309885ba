package admit

import (
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func (r *report) httpRoute(route *gatewayv1.HTTPRoute) {
	defaultHTTPRoute(route)
	const p path = "spec"
	r.common(p, &route.Spec.CommonRouteSpec, route.Spec.Hostnames)
	matches := 0
	each(r, p.child("rules"), route.Spec.Rules, 1, maxRules, func(at path, rule *gatewayv1.HTTPRouteRule) {
		r.httpRule(at, rule)
		matches += len(rule.Matches)
	})
	r.totalMatches(p.child("rules"), matches)
}

func (r *report) httpRule(p path, rule *gatewayv1.HTTPRouteRule) {
	wordPointer(r, p.child("name"), rule.Name, aSection)
	each(r, p.child("matches"), rule.Matches, 0, maxMatches, r.httpMatch)
	prefix := len(rule.Matches) == 1 && *rule.Matches[0].Path.Type == gatewayv1.PathMatchPathPrefix
	r.httpFilters(p.child("filters"), rule.Filters, prefix)
	each(r, p.child("backendRefs"), rule.BackendRefs, 0, maxBackends, func(at path, ref *gatewayv1.HTTPBackendRef) {
		r.weighted(at, &ref.BackendRef)
		r.httpFilters(at.child("filters"), ref.Filters, prefix)
	})
	for i, f := range rule.Filters {
		if f.RequestRedirect != nil && len(rule.BackendRefs) > 0 {
			r.invalid(p.child("filters").index(i).child("requestRedirect"), "not together with backendRefs: a redirect is the answer")
		}
	}
	r.timeouts(p.child("timeouts"), rule.Timeouts)
	r.retry(p.child("retry"), rule.Retry)
	r.session(p.child("sessionPersistence"), rule.SessionPersistence)
}

func (r *report) httpMatch(p path, m *gatewayv1.HTTPRouteMatch) {
	r.httpPath(p.child("path"), m.Path)
	headers, params := map[string]bool{}, map[string]bool{}
	each(r, p.child("headers"), m.Headers, 0, maxComparisons, func(at path, h *gatewayv1.HTTPHeaderMatch) {
		r.comparison(at, (*string)(h.Type), string(h.Name), h.Value, aValue, headers)
	})
	each(r, p.child("queryParams"), m.QueryParams, 0, maxComparisons, func(at path, q *gatewayv1.HTTPQueryParamMatch) {
		r.comparison(at, (*string)(q.Type), string(q.Name), q.Value, aQuery, params)
	})
	r.oneOfPointer(p.child("method"), (*string)(m.Method), "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
}

// once checks that no name stands twice in a list that is keyed by it.
func (r *report) once(p path, seen map[string]bool, name string) {
	if name != "" && seen[name] {
		r.invalid(p, "%q names an earlier entry", clip(name))
	}
	seen[name] = true
}

func (r *report) httpPath(p path, m *gatewayv1.HTTPPathMatch) {
	r.oneOfPointer(p.child("type"), (*string)(m.Type), "Exact", "PathPrefix", "RegularExpression")
	value, at := *m.Value, p.child("value")
	r.length(at, value, aPath.most)
	if *m.Type == gatewayv1.PathMatchRegularExpression || r.isCovered(at) {
		return
	}
	if !strings.HasPrefix(value, "/") {
		r.invalid(at, "%q does not begin with \"/\"", clip(value))
		return
	}
	for _, part := range []string{"//", "/./", "/../", "%2f", "%2F", "#"} {
		if strings.Contains(value, part) {
			r.invalid(at, "%q contains %q, which no path has that is compared", clip(value), part)
			return
		}
	}
	if strings.HasSuffix(value, "/..") || strings.HasSuffix(value, "/.") {
		r.invalid(at, "%q ends with a part of dots, which no path does that is compared", clip(value))
		return
	}
	if !pathWords.MatchString(value) {
		r.invalid(at, "%q has characters that a path has not, other than after \"%%\"", clip(value))
	}
}

func (r *report) timeouts(p path, t *gatewayv1.HTTPRouteTimeouts) {
	if t == nil {
		return
	}
	request, whole := r.gatewayDuration(p.child("request"), t.Request)
	attempt, each := r.gatewayDuration(p.child("backendRequest"), t.BackendRequest)
	if whole && each && request != 0 && attempt > request {
		r.invalid(p.child("backendRequest"), "%s is longer than request, %s, which it is part of", *t.BackendRequest, *t.Request)
	}
}

func (r *report) retry(p path, t *gatewayv1.HTTPRouteRetry) {
	if t == nil {
		return
	}
	for i := range t.Codes {
		between(r, p.child("codes").index(i), &t.Codes[i], 400, 599)
	}
	if t.Attempts != nil && *t.Attempts < 1 {
		r.invalid(p.child("attempts"), "%d is too few; write at least 1, or leave retry out", *t.Attempts)
	}
	r.gatewayDuration(p.child("backoff"), t.Backoff)
}
