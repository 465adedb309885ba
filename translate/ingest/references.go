package ingest

import (
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// The kinds of the Gateway API that are read, as references have them.
const (
	KindGatewayClass   = model.KindGatewayClass
	KindGateway        = model.KindGateway
	KindHTTPRoute      = model.KindHTTPRoute
	KindGRPCRoute      = model.KindGRPCRoute
	KindReferenceGrant = model.KindReferenceGrant
)

// ParentService is the service that a reference of a route in a namespace has as
// parent; ok is false where the parent is something else. Absent parts are as the CRD
// has them.
func ParentService(namespace string, ref *gatewayv1.ParentReference) (key model.Key, ok bool) {
	if ptr.Deref(ref.Group, gatewayv1.GroupName) != "" || ptr.Deref(ref.Kind, KindGateway) != "Service" {
		return model.Key{}, false
	}
	return model.ServiceKey(string(ptr.Deref(ref.Namespace, gatewayv1.Namespace(namespace))), string(ref.Name)), true
}

// ParentGateway is the Gateway that a reference of a route in a namespace has as parent;
// ok is false where the parent is something else.
func ParentGateway(namespace string, ref *gatewayv1.ParentReference) (name model.GatewayName, ok bool) {
	if ptr.Deref(ref.Group, gatewayv1.GroupName) != gatewayv1.GroupName || ptr.Deref(ref.Kind, KindGateway) != KindGateway {
		return model.GatewayName{}, false
	}
	return model.GatewayName{Namespace: string(ptr.Deref(ref.Namespace, gatewayv1.Namespace(namespace))), Name: string(ref.Name)}, true
}

// BackendService is the namespace and the service of a reference to a backend or mirror,
// of a route in a namespace; ok is false where it is no Service.
func BackendService(namespace string, ref *gatewayv1.BackendObjectReference) (in string, key model.Key, ok bool) {
	if ptr.Deref(ref.Group, "") != "" || ptr.Deref(ref.Kind, "Service") != "Service" {
		return "", model.Key{}, false
	}
	in = string(ptr.Deref(ref.Namespace, gatewayv1.Namespace(namespace)))
	return in, model.ServiceKey(in, string(ref.Name)), true
}

// HTTPBackends are all references of an HTTPRoute to backends and mirrors, in its order.
func HTTPBackends(route *gatewayv1.HTTPRoute) []*gatewayv1.BackendObjectReference {
	return ofHTTPRoute(route).references()
}

// GRPCBackends is the same for a GRPCRoute.
func GRPCBackends(route *gatewayv1.GRPCRoute) []*gatewayv1.BackendObjectReference {
	return ofGRPCRoute(route).references()
}

// references are those to backends and mirrors, in its order.
func (o routeObject) references() []*gatewayv1.BackendObjectReference {
	var all []*gatewayv1.BackendObjectReference
	mirrors := func(filters []gatewayv1.HTTPRouteFilter) {
		for _, f := range filters {
			if f.RequestMirror != nil {
				all = append(all, &f.RequestMirror.BackendRef)
			}
		}
	}
	for _, rule := range o.rules {
		mirrors(rule.filters)
		for i := range rule.backends {
			all = append(all, &rule.backends[i].BackendObjectReference)
			mirrors(rule.backends[i].Filters)
		}
	}
	return all
}
