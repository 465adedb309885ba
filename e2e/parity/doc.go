// Package parity holds coastwise against Kubernetes itself: the endpoints of priority
// 0 against those that kube-proxy would use, and what is told of topology-mode: Auto
// against the controller's own refusals; drawn at random, and live, with slices of the
// real controller and an Envoy on each Node. It is a module of its own, since
// k8s.io/kubernetes can be imported only behind these replace lines.
package parity
