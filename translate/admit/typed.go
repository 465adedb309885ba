package admit

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// Typed admits an object of a built-in kind that somebody has decoded: a Service,
// EndpointSlice, Node, Pod or Namespace as an API server gives it. The checks, the
// Problems and the rule of refusal are those of Options.Object; only what is
// written but not decoded cannot be told. The object is not modified.
//
// panics: if it is of another type.
func (o Options) Typed(object metav1.Object) (Result, []model.Problem) {
	name := kindName(object)
	k := served(name)
	ref := model.ObjectRef{Kind: name, Namespace: object.GetNamespace(), Name: object.GetName()}
	r := &report{object: ref, options: o}
	r.check(k, ref.Kind, object)
	result := Result{Ref: ref}
	if !r.refused() {
		result.Object = object
	}
	return result, model.SortProblems(r.told())
}

func kindName(object metav1.Object) string {
	switch object.(type) {
	case *corev1.Service:
		return "Service"
	case *discoveryv1.EndpointSlice:
		return "EndpointSlice"
	case *corev1.Node:
		return "Node"
	case *corev1.Pod:
		return "Pod"
	case *corev1.Namespace:
		return "Namespace"
	}
	panic(fmt.Sprintf("admit: %T is no built-in kind that is served", object))
}
