// Package workload says in the words of workload discovery what ztunnels need: which
// workloads there are and which services, and who may reach what.
//
// In: services of package model with the objects behind them, Pods, WorkloadEntries,
// Namespaces, Nodes and Gateways. Out: resources of the types istio.workload.Address and
// istio.security.Authorization (third_party/istio), the same bytes for every ztunnel, and
// the ranks by which a ztunnel chooses (reference/ambient.md 6).
//
// A Part is what one service says, alone; a Workload is made of an object and of what the
// Parts of its services say of it. So one change costs its own workloads, and not the mesh.
//
// It imports ingest, model, envoy for the form of a resource, and the generated protos.
package workload
