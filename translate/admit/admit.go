package admit

import "github.com/coastwise/coastwise/translate/model"

// Result is what one manifest came to.
type Result struct {
	// Ref names the object; zero if not even kind and name could be read.
	// The namespace is "default" where a namespaced kind gives none.
	Ref model.ObjectRef
	// Object is *corev1.Service, *discoveryv1.EndpointSlice, *corev1.Node,
	// *corev1.Pod, *corev1.Namespace, *v1alpha1.DestinationRule,
	// *v1alpha1.MeshConfig, *v1alpha1.ServiceEntry, *v1alpha1.WorkloadEntry,
	// *gatewayv1.GatewayClass, *gatewayv1.Gateway, *gatewayv1.HTTPRoute,
	// *gatewayv1.GRPCRoute or *gatewayv1.ReferenceGrant; nil if it was refused or is foreign.
	Object any
	// Fence holds in place of a refused object of ours, nil if it has none.
	Fence *model.Fence
	// Foreign is a kind of somebody else: to be skipped and counted.
	Foreign bool
}
