// Package conformance runs the Gateway API's own conformance suite against coastwise,
// with real parts: kube-apiserver and its controllers, coastwise serve, and an Envoy for
// each Gateway.
//
// What a cluster would have and this one has not is emulated: a Lab runs the suite's
// Pods as servers on addresses of their own (what a kubelet does), shows their logs to
// kubectl logs, starts an Envoy by coastwise bootstrap for each Gateway behind a Service
// with an address (what an operator and a load balancer do), and puts the Secrets of
// certificates into a folder as files (what a mount does). Nothing of it answers for
// coastwise.
//
// It is a module of its own for the suite's dependencies.
package conformance
