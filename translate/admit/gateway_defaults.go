package admit

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The defaults are those of the CRDs, which an API server fills in and a folder of
// manifests does not.

// preset sets what is absent.
func preset[T any](p **T, value T) {
	if *p == nil {
		*p = &value
	}
}

func defaultParents(refs []gatewayv1.ParentReference) {
	for i := range refs {
		preset(&refs[i].Group, gatewayv1.GroupName)
		preset(&refs[i].Kind, "Gateway")
	}
}

func defaultBackend(ref *gatewayv1.BackendObjectReference) {
	preset(&ref.Group, "")
	preset(&ref.Kind, "Service")
}

func defaultWeighted(ref *gatewayv1.BackendRef) {
	defaultBackend(&ref.BackendObjectReference)
	preset(&ref.Weight, 1)
}

func defaultSession(s *gatewayv1.SessionPersistence) {
	if s == nil {
		return
	}
	preset(&s.Type, gatewayv1.CookieBasedSessionPersistence)
	if s.CookieConfig != nil {
		preset(&s.CookieConfig.LifetimeType, gatewayv1.SessionCookieLifetimeType)
	}
}

func defaultMirror(m *gatewayv1.HTTPRequestMirrorFilter) {
	if m == nil {
		return
	}
	defaultBackend(&m.BackendRef)
	if m.Fraction != nil {
		preset(&m.Fraction.Denominator, 100)
	}
}

func defaultHTTPRoute(route *gatewayv1.HTTPRoute) {
	defaultParents(route.Spec.ParentRefs)
	if route.Spec.Rules == nil {
		route.Spec.Rules = []gatewayv1.HTTPRouteRule{{}}
	}
	for i := range route.Spec.Rules {
		rule := &route.Spec.Rules[i]
		if len(rule.Matches) == 0 {
			rule.Matches = []gatewayv1.HTTPRouteMatch{{}}
		}
		for j := range rule.Matches {
			defaultHTTPMatch(&rule.Matches[j])
		}
		defaultHTTPFilters(rule.Filters)
		for j := range rule.BackendRefs {
			defaultWeighted(&rule.BackendRefs[j].BackendRef)
			defaultHTTPFilters(rule.BackendRefs[j].Filters)
		}
		defaultSession(rule.SessionPersistence)
	}
}

func defaultHTTPMatch(m *gatewayv1.HTTPRouteMatch) {
	preset(&m.Path, gatewayv1.HTTPPathMatch{})
	preset(&m.Path.Type, gatewayv1.PathMatchPathPrefix)
	preset(&m.Path.Value, "/")
	for i := range m.Headers {
		preset(&m.Headers[i].Type, gatewayv1.HeaderMatchExact)
	}
	for i := range m.QueryParams {
		preset(&m.QueryParams[i].Type, gatewayv1.QueryParamMatchExact)
	}
}

func defaultHTTPFilters(filters []gatewayv1.HTTPRouteFilter) {
	for i := range filters {
		f := &filters[i]
		defaultMirror(f.RequestMirror)
		if f.RequestRedirect != nil {
			preset(&f.RequestRedirect.StatusCode, 302)
		}
		if f.CORS != nil && f.CORS.MaxAge == 0 {
			f.CORS.MaxAge = 5
		}
		if f.ExternalAuth != nil {
			defaultBackend(&f.ExternalAuth.BackendRef)
		}
	}
}

func defaultGRPCRoute(route *gatewayv1.GRPCRoute) {
	defaultParents(route.Spec.ParentRefs)
	for i := range route.Spec.Rules {
		rule := &route.Spec.Rules[i]
		for j := range rule.Matches {
			if m := rule.Matches[j].Method; m != nil {
				preset(&m.Type, gatewayv1.GRPCMethodMatchExact)
			}
			for k := range rule.Matches[j].Headers {
				preset(&rule.Matches[j].Headers[k].Type, gatewayv1.GRPCHeaderMatchExact)
			}
		}
		defaultGRPCFilters(rule.Filters)
		for j := range rule.BackendRefs {
			defaultWeighted(&rule.BackendRefs[j].BackendRef)
			defaultGRPCFilters(rule.BackendRefs[j].Filters)
		}
		defaultSession(rule.SessionPersistence)
	}
}

func defaultGRPCFilters(filters []gatewayv1.GRPCRouteFilter) {
	for i := range filters {
		defaultMirror(filters[i].RequestMirror)
	}
}

func defaultGateway(g *gatewayv1.Gateway) {
	for i := range g.Spec.Listeners {
		l := &g.Spec.Listeners[i]
		preset(&l.AllowedRoutes, gatewayv1.AllowedRoutes{})
		preset(&l.AllowedRoutes.Namespaces, gatewayv1.RouteNamespaces{})
		preset(&l.AllowedRoutes.Namespaces.From, gatewayv1.NamespacesFromSame)
		for j := range l.AllowedRoutes.Kinds {
			preset(&l.AllowedRoutes.Kinds[j].Group, gatewayv1.GroupName)
		}
		if l.TLS != nil {
			preset(&l.TLS.Mode, gatewayv1.TLSModeTerminate)
			for j := range l.TLS.CertificateRefs {
				defaultSecret(&l.TLS.CertificateRefs[j])
			}
		}
	}
	for i := range g.Spec.Addresses {
		preset(&g.Spec.Addresses[i].Type, gatewayv1.IPAddressType)
	}
	if a := g.Spec.AllowedListeners; a != nil {
		preset(&a.Namespaces, gatewayv1.ListenerNamespaces{})
		preset(&a.Namespaces.From, gatewayv1.NamespacesFromNone)
	}
	if t := g.Spec.TLS; t != nil && t.Backend != nil && t.Backend.ClientCertificateRef != nil {
		defaultSecret(t.Backend.ClientCertificateRef)
	}
}

func defaultSecret(ref *gatewayv1.SecretObjectReference) {
	preset(&ref.Group, "")
	preset(&ref.Kind, "Secret")
}
