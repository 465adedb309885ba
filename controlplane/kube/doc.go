// Package kube is the source that watches a Kubernetes API server.
//
// In: Services, EndpointSlices, Nodes, Pods and Namespaces, our own kinds, and
// Istio's where their CRDs exist. Out: admitted objects and fences, written to the
// store, and Problems under the source name "kube".
//
// It imports admit, model and store; never the loop, xds or another source.
package kube
