package kube

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/ingest"
)

// wholeOf is an object of the Gateway API as its type, for whoever writes its status;
// what the type does not have is left out. Of one that cannot be read, it is its name.
func wholeOf(k crd, u *unstructured.Unstructured) metav1.Object {
	object := typeOf(k)
	if runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, object) != nil {
		object = typeOf(k)
		object.SetName(u.GetName())
		object.SetNamespace(u.GetNamespace())
		object.SetUID(u.GetUID())
		object.SetGeneration(u.GetGeneration())
	}
	object.SetAnnotations(nil)
	return object
}

func typeOf(k crd) metav1.Object {
	switch k.kind {
	case ingest.KindGatewayClass:
		return &gatewayv1.GatewayClass{}
	case ingest.KindGateway:
		return &gatewayv1.Gateway{}
	case ingest.KindGRPCRoute:
		return &gatewayv1.GRPCRoute{}
	}
	return &gatewayv1.HTTPRoute{}
}
