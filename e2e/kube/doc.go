// Package kube plays the scenes of coastwise on Kubernetes: a real API server with its
// controllers, `coastwise serve --kubeconfig` under the role of deploy/, real Envoys,
// and HTTP servers on the addresses of the Pods.
//
// In: a cluster.Cluster and Tools. Out: a Scene, whose Envoys say what they hold and
// send traffic that is counted. What coastwise should answer is the tests' to say.
package kube
