package admit

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

const (
	gatewayVersion = gatewayv1.GroupName + "/v1"
	gatewayBeta    = gatewayv1.GroupName + "/v1beta1"
)

// servedOfGateway is the table of the kinds of the Gateway API that are read; nil for all
// others. In v1beta1 they have the same fields.
func servedOfGateway(name string) *kind {
	versions := []string{gatewayVersion, gatewayBeta}
	var k *kind
	switch name {
	case "GatewayClass":
		k = kindOf(gatewayVersion, scope{}, (*report).gatewayClass)
	case "Gateway":
		k = kindOf(gatewayVersion, scope{namespaced: true}, (*report).gateway)
	case "HTTPRoute":
		k = kindOf(gatewayVersion, scope{namespaced: true}, (*report).httpRoute)
	case "GRPCRoute":
		k, versions = kindOf(gatewayVersion, scope{namespaced: true}, (*report).grpcRoute), versions[:1]
	case "ReferenceGrant":
		k = kindOf(gatewayVersion, scope{namespaced: true}, (*report).referenceGrant)
	default:
		return nil
	}
	k.versions = versions
	return k
}

// notServed tells of a kind of the Gateway API that is skipped.
func (r *report) notServed(h head) {
	if schema.FromAPIVersionAndKind(h.apiVersion, "").Group == gatewayv1.GroupName {
		r.add(model.Info, model.NotServed, "kind", "%s of %s is not read; it is skipped, whoever else may read it",
			clip(h.ref.Kind), gatewayv1.GroupName)
	}
}
