package kube

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
)

// crd is a kind whose CRD may be there or not.
type crd struct{ group, plural, kind string }

// crds are the kinds that are read where their CRDs are installed.
func crds() []crd {
	return []crd{
		{v1alpha1.GroupName, "destinationrules", v1alpha1.KindDestinationRule},
		{v1alpha1.GroupName, "meshconfigs", v1alpha1.KindMeshConfig},
		{v1alpha1.GroupName, "serviceentries", v1alpha1.KindServiceEntry},
		{v1alpha1.GroupName, "workloadentries", v1alpha1.KindWorkloadEntry},
		{v1alpha1.IstioGroup, "destinationrules", v1alpha1.KindDestinationRule},
		{v1alpha1.IstioGroup, "serviceentries", v1alpha1.KindServiceEntry},
		{v1alpha1.IstioGroup, "workloadentries", v1alpha1.KindWorkloadEntry},
		{gatewayv1.GroupName, "gatewayclasses", ingest.KindGatewayClass},
		{gatewayv1.GroupName, "gateways", ingest.KindGateway},
		{gatewayv1.GroupName, "httproutes", ingest.KindHTTPRoute},
		{gatewayv1.GroupName, "grpcroutes", ingest.KindGRPCRoute},
		{gatewayv1.GroupName, "referencegrants", ingest.KindReferenceGrant},
	}
}

// ours says that it is of our own group.
func (k crd) ours() bool { return k.group == v1alpha1.GroupName }

// ofGateway says that it is of the Gateway API.
func (k crd) ofGateway() bool { return k.group == gatewayv1.GroupName }

// hasStatus says that we write its status.
func (k crd) hasStatus() bool {
	return k.ours() || k.ofGateway() && k.kind != ingest.KindReferenceGrant
}

// namespaced says that its objects are in namespaces.
func (k crd) namespaced() bool {
	return k.kind != v1alpha1.KindMeshConfig && k.kind != ingest.KindGatewayClass
}

// versions are those that are read, the newest first.
func (k crd) versions() []string {
	switch {
	case k.ours():
		return []string{v1alpha1.Version}
	case !k.ofGateway():
		return v1alpha1.IstioVersions()
	case k.kind == ingest.KindReferenceGrant: // in v1 since v1.5 of the Gateway API
		return []string{"v1", "v1beta1"}
	}
	return []string{"v1"}
}

// refKind is the kind in references.
func (k crd) refKind() string { return v1alpha1.KindOf(k.group+"/", k.kind) }

// String is PLURAL.GROUP, as kubectl has it.
func (k crd) String() string { return k.plural + "." + k.group }

// namesSecrets says that its objects may name credentials.
func (k crd) namesSecrets() bool { return k.kind == v1alpha1.KindDestinationRule }
