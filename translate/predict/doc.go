// Package predict is Envoy's own arithmetic: which share of a cluster's requests
// each endpoint of an Assignment gets, by the algorithm that the assignment carries.
//
// In: a locality.Assignment, with the health that it carries. Out: percentages; and
// for gRPC clients, which have no such arithmetic, the assignment that makes them give
// the same ones (Hard).
// Pure; it imports locality and model only. An endpoint that is a name counts as
// one host: Envoy makes a host of each of its addresses, which nobody knows here.
// What it says is checked against real Envoys in e2e.
package predict
