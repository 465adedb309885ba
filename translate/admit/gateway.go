package admit

import gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

func (r *report) gatewayClass(*gatewayv1.GatewayClass) {}

func (r *report) gateway(g *gatewayv1.Gateway) { defaultGateway(g) }

func (r *report) httpRoute(route *gatewayv1.HTTPRoute) { defaultHTTPRoute(route) }

func (r *report) grpcRoute(route *gatewayv1.GRPCRoute) { defaultGRPCRoute(route) }

func (r *report) referenceGrant(*gatewayv1.ReferenceGrant) {}
