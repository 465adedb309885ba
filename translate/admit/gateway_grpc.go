package admit

import gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

func (r *report) grpcRoute(route *gatewayv1.GRPCRoute) {
	defaultGRPCRoute(route)
	const p path = "spec"
	r.common(p, &route.Spec.CommonRouteSpec, route.Spec.Hostnames)
	matches := 0
	each(r, p.child("rules"), route.Spec.Rules, 0, maxRules, func(at path, rule *gatewayv1.GRPCRouteRule) {
		r.grpcRule(at, rule)
		matches += len(rule.Matches)
	})
	r.totalMatches(p.child("rules"), matches)
}

func (r *report) grpcRule(p path, rule *gatewayv1.GRPCRouteRule) {
	wordPointer(r, p.child("name"), rule.Name, aSection)
	each(r, p.child("matches"), rule.Matches, 0, maxMatches, r.grpcMatch)
	r.grpcFilters(p.child("filters"), rule.Filters)
	each(r, p.child("backendRefs"), rule.BackendRefs, 0, maxBackends, func(at path, ref *gatewayv1.GRPCBackendRef) {
		r.weighted(at, &ref.BackendRef)
		r.grpcFilters(at.child("filters"), ref.Filters)
	})
	r.session(p.child("sessionPersistence"), rule.SessionPersistence)
}

func (r *report) grpcMatch(p path, m *gatewayv1.GRPCRouteMatch) {
	if m.Method != nil {
		r.grpcMethod(p.child("method"), m.Method)
	}
	headers := map[string]bool{}
	each(r, p.child("headers"), m.Headers, 0, maxComparisons, func(at path, h *gatewayv1.GRPCHeaderMatch) {
		r.comparison(at, (*string)(h.Type), string(h.Name), h.Value, aValue, headers)
	})
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
	var kinds []string
	each(r, p, filters, 0, maxFilters, func(at path, f *gatewayv1.GRPCRouteFilter) {
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
	})
	r.repeated(p, kinds, "RequestHeaderModifier", "ResponseHeaderModifier")
}
