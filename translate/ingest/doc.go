// Package ingest turns everything that is known about one service into one
// model.Service, with the policies of all clients resolved, and everything that is
// known about one Gateway into one model.GatewayObject.
//
// In: Objects or GatewayObjects, admitted ones only, and the fences of refused ones.
// Out: what Service and Gateway return, immutable, every slice sorted, and Problems. It
// imports k8s.io/api, the Gateway API's types, our own and model. It has no memory: the
// same Objects in any order give the same Service.
//
// HTTPRoutes and GRPCRoutes are read alike, as routeObjects, whatever their parent is:
// translateRules says what they do (route_rules.go, route_match.go, route_filters.go,
// route_backends.go). attachRoutes gives them to the ports of a Service (route.go), and
// edge.attach to the listeners of a Gateway at the edge (gateway_attach.go). attach finds
// the waypoint that labels name (waypoint.go).
package ingest
