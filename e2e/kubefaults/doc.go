// Package kubefaults breaks what coastwise on Kubernetes depends on, under traffic: the
// API server is away, silent or killed, etcd goes back in time, coastwise itself is
// killed, endpoints storm, rights are missing.
//
// In: a cluster.Cluster and the scenes of package kube. Out: a Way, the TCP proxy that
// takes the API server away from coastwise while kubectl still reaches it. The tests
// print what they measured.
package kubefaults
