// Package v1alpha1 holds the kinds of networking.coastwise.dev/v1alpha1.
//
// A DestinationRule says how clients reach a service; the MeshConfig named
// default says what holds for all services. Fields have Istio's names, shapes
// and defaults, so that a user migrates by changing apiVersion; what is new
// stands beside them and says so. A pointer tells an explicit 0, false or empty
// value from an absent one: 0 means 0.
//
// In: nothing. Out: types, as written by users. The package imports
// k8s.io/apimachinery only; what values are valid is said here in words and
// checked by translate/admit.
//
// +kubebuilder:object:generate=true
// +groupName=networking.coastwise.dev
package v1alpha1
