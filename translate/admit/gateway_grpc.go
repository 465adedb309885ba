package admit

import gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

func (r *report) grpcRoute(route *gatewayv1.GRPCRoute) {
	defaultGRPCRoute(route)
	const p path = "spec"
	r.common(p, &route.Spec.CommonRouteSpec, route.Spec.Hostnames)
	if !r.list(p.child("rules"), len(route.Spec.Rules), 0, maxRules) {
		return
	}
	matches := 0
	for i := range route.Spec.Rules {
		r.grpcRule(p.child("rules").index(i), &route.Spec.Rules[i])
		matches += len(route.Spec.Rules[i].Matches)
	}
	r.totalMatches(p.child("rules"), matches)
}

func (r *report) grpcRule(p path, rule *gatewayv1.GRPCRouteRule) {
	wordPointer(r, p.child("name"), rule.Name, aSection)
	if r.list(p.child("matches"), len(rule.Matches), 0, maxMatches) {
		for i := range rule.Matches {
			r.grpcMatch(p.child("matches").index(i), &rule.Matches[i])
		}
	}
	r.grpcFilters(p.child("filters"), rule.Filters)
	if r.list(p.child("backendRefs"), len(rule.BackendRefs), 0, maxBackends) {
		for i := range rule.BackendRefs {
			at := p.child("backendRefs").index(i)
			r.weighted(at, &rule.BackendRefs[i].BackendRef)
			r.grpcFilters(at.child("filters"), rule.BackendRefs[i].Filters)
		}
	}
	r.session(p.child("sessionPersistence"), rule.SessionPersistence)
}

func (r *report) grpcMatch(p path, m *gatewayv1.GRPCRouteMatch) {
	if m.Method != nil {
		r.grpcMethod(p.child("method"), m.Method)
	}
	seen := map[string]bool{}
	if r.list(p.child("headers"), len(m.Headers), 0, maxComparisons) {
		for i, h := range m.Headers {
			at := p.child("headers").index(i)
			r.headerMatch(at, (*string)(h.Type), string(h.Name), h.Value)
			r.once(at.child("name"), seen, string(h.Name))
		}
	}
}

func (r *report) grpcMethod(p path, m *gatewayv1.GRPCMethodMatch) {
	r.oneOfPointer(p.child("type"), (*string)(m.Type), "Exact", "RegularExpression")
	if m.Service == nil && m.Method == nil {
		r.invalid(p, "names nothing; write service, method or both")
	}
	if *m.Type != gatewayv1.GRPCMethodMatchExact {
		return
	}
	wordPointer(r, p.child("service"), m.Service, aGRPCService)
	wordPointer(r, p.child("method"), m.Method, aGRPCMethod)
}

func (r *report) grpcFilters(p path, filters []gatewayv1.GRPCRouteFilter) {
	if !r.list(p, len(filters), 0, maxFilters) {
		return
	}
	var kinds []string
	for i := range filters {
		f, at := &filters[i], p.index(i)
		kinds = append(kinds, string(f.Type))
		r.union(at, string(f.Type), []part{
			{"RequestHeaderModifier", "requestHeaderModifier", f.RequestHeaderModifier != nil},
			{"ResponseHeaderModifier", "responseHeaderModifier", f.ResponseHeaderModifier != nil},
			{"RequestMirror", "requestMirror", f.RequestMirror != nil},
			{"ExtensionRef", "extensionRef", f.ExtensionRef != nil},
		})
		r.headerFilter(at.child("requestHeaderModifier"), f.RequestHeaderModifier)
		r.headerFilter(at.child("responseHeaderModifier"), f.ResponseHeaderModifier)
		r.mirror(at.child("requestMirror"), f.RequestMirror)
		r.extension(at.child("extensionRef"), f.ExtensionRef)
	}
	r.repeated(p, kinds, "RequestHeaderModifier", "ResponseHeaderModifier")
}
