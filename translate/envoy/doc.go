// Package envoy encodes decisions as Envoy's resources and validates them, and
// makes and reads the two things around them: a proxy's bootstrap and the claims
// in its node.
//
// In: a model.Service with one of its Variants, and a locality.Assignment; for
// listeners and routes the services of a scope, or the model.GatewayObject of a Gateway
// at the edge; for a bootstrap a model.Proxy. Out: Resources: name, version, bytes. A
// version is the hash of the deterministically marshalled body, so replicas agree and no
// field can be forgotten. No per-client name stands in a cluster, and of a View clusters
// depend on the Form alone: gRPC clients, and waypoints that end HBONE, have clusters of
// their own. Those that hold their load assignment, since DNS resolves it, depend on all
// of it.
//
// Requests and connections come in by these, and meet in the same clusters:
//
//   - the HTTP proxy port: Listener and Routes, which are joined of Fragments, and its
//     CONNECT (connect.go);
//   - explicit listeners: Explicit;
//   - Entrances, which tell connections to all services apart by where they go
//     (chains.go, chains_match.go): of captured connections and of CONNECT (capture.go),
//     and of a waypoint. Their routes are PortRoutes;
//   - the tunnels of a waypoint that ends HBONE: HBONEListener, HBONECluster and Tunnel;
//   - a Gateway at the edge: GatewayPort;
//   - what gRPC clients dial: Target.
//
// What HTTPRoutes and GRPCRoutes say becomes Envoy's routes in one place, routeEncoder
// (route.go and the files called after it). The semantic validator (validate.go and those
// called after it) holds what Envoy and gRPC clients demand, which Envoy itself often does
// not check. The package imports model, locality and Envoy's messages; no grpc, no
// network, no files.
package envoy
