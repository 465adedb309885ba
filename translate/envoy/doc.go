// Package envoy encodes decisions as Envoy's resources and validates them, and
// makes and reads the two things around them: a proxy's bootstrap and the claims
// in its node.
//
// In: a model.Service with one of its Variants, and a locality.Assignment; for
// routes the services of a scope; for a bootstrap a model.Proxy. Out: Resources:
// name, version, bytes. A version is the hash of the deterministically
// marshalled body, so replicas agree and no field can be forgotten. No per-client
// name stands in a cluster, and of a View clusters depend on the Form alone: gRPC
// clients have clusters, listeners and routes of their own. Those that hold their
// load assignment, since DNS resolves it, depend on all of it. The semantic
// validator holds what Envoy and gRPC clients demand, which Envoy itself often
// does not check. The package imports model, locality and Envoy's messages; no
// grpc, no network, no files.
package envoy
