// Package envoy encodes decisions as Envoy's resources and validates them.
//
// In: a model.Service with one of its Variants, and a locality.Assignment. Out:
// Resources: name, version, bytes. A version is the hash of the deterministically
// marshalled body, so replicas agree and no field can be forgotten. No per-client
// name stands in a cluster. The semantic validator holds what Envoy and gRPC
// clients demand, which Envoy itself often does not check.
package envoy
