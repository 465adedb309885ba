// Package kube is the source that watches a Kubernetes API server.
//
// In: Services, EndpointSlices, Nodes, Pods and Namespaces, our own kinds, and
// Istio's and the Gateway API's where their CRDs exist. Out: admitted objects and fences, written to the
// store, and Problems under the source name "kube"; for whoever writes status, what
// the API server has of our own kinds and the Gateway API's (Source.Written).
//
// Invariants: what was read stays while the API server is away. A kind with a CRD is
// read while discovery lists it; its objects go only if an API server that is ready
// does not list it, and says of the kind itself that there is no such thing. A
// refused edit changes nothing, of one object by its UID (semantics 8.1); all memory
// of that is in admissions, which is pure.
//
// It imports admit, model and store; never the loop, xds or another source.
package kube
