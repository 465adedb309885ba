// Package kubereplicas plays the scenes of several coastwise on one Kubernetes: a real
// API server with its controllers, two `coastwise serve` as the ServiceAccount and with
// the rights of deploy/rbac.yaml, each the process of a Pod of its own, with TLS and
// tokens, and real Envoys that prove by their tokens which Pods they are.
//
// It has tests only. They share one cluster and run one after the other: there is one
// Lease in it. At the end of each, none of the tokens it made may stand in what the
// replicas logged and told, nor in the cluster's statuses and Events, and nothing that
// they asked of the API server may have been forbidden.
package kubereplicas
