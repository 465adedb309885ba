package ingest

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// Objects is all that is known about one service. Service is nil where a
// ServiceEntry declares it, or where rules name a host that nothing declares. The
// slices may come in any order.
type Objects struct {
	Key     model.Key
	Service *corev1.Service
	Slices  []*discoveryv1.EndpointSlice
	// Entries are those of the key's namespace that have its host, in the order of
	// SortEntries: the first counts.
	Entries []*v1alpha1.ServiceEntry
	// Owner is the Kubernetes Service whose own host the entries have; zero if none.
	Owner model.ObjectRef
	// Declared says that a ServiceEntry of some namespace has the host, where no
	// Service does.
	Declared bool
	// Selected and Workloads are what the first entry selects, in any order.
	Selected  []*corev1.Pod
	Workloads []*v1alpha1.WorkloadEntry
	// Rules are all that match the host, of every namespace, exact and wildcard.
	Rules []*v1alpha1.DestinationRule
	// Shadowed are rules whose short form would mean the service, but an entry of
	// their namespace, or one where there is no such Service, has exactly that host:
	// of these only allowedRegions count.
	Shadowed []*v1alpha1.DestinationRule
	// Fences are those of rules that were never admitted and match the host.
	Fences    []model.Fence
	Nodes     *Nodes
	Pods      map[PodName]*corev1.Pod
	Namespace *corev1.Namespace
	Mesh      Mesh
	// Gateways are those that labels of the Service or its Namespace name as its
	// waypoint, as far as they exist, with their GatewayClass objects by name.
	Gateways map[model.GatewayName]*gatewayv1.Gateway
	Classes  map[string]*gatewayv1.GatewayClass
	// Routing is of the routes whose parent is the Service.
	Routing Routing
}

// Routing is a set of routes and what they refer to. The routes may come in any order.
type Routing struct {
	HTTP []*gatewayv1.HTTPRoute
	GRPC []*gatewayv1.GRPCRoute
	// Backends are the Services that they name as backends or mirrors, as far as they exist.
	Backends map[model.Key]*corev1.Service
	// Grants are those of the namespaces of such backends and of certificates.
	Grants []*gatewayv1.ReferenceGrant
	// Namespaces are those of the routes, as far as they are known.
	Namespaces map[string]*corev1.Namespace
}

// GatewayObjects is all that is known about one Gateway.
type GatewayObjects struct {
	Name model.GatewayName
	// Gateway is nil if it is gone; then routes still name it.
	Gateway *gatewayv1.Gateway
	// Class is the object of its class, nil if there is none.
	Class *gatewayv1.GatewayClass
	// Routing is of the routes that name it as a parent.
	Routing Routing
	// Services are those labelled gateway.networking.k8s.io/gateway-name with its name.
	Services []*corev1.Service
	// Credentials are the files of certificates.
	Credentials Credentials
}

// Credentials are the files with secrets that there are in the folders of secrets
// (--tls-dir). Never modified.
type Credentials struct {
	// Folders are all of them, in the order in which they are looked into.
	Folders []string
	// In is the first folder that has NAME.yaml, by that NAME.
	In map[string]string
	// Unfit says what is wrong with files of Gateways' certificates, by NAME. One that is
	// in In too was sound before: Envoys go on with what they have read then.
	Unfit map[string]string
}

// Ref is the object that declares the service, or a Service that would.
func (o Objects) Ref() model.ObjectRef {
	switch {
	case o.Service != nil:
		return serviceRef(o.Service)
	case len(o.Entries) > 0:
		return entryRef(o.Entries[0])
	}
	return model.ObjectRef{Kind: "Service", Namespace: o.Key.Namespace, Name: o.Key.Host}
}

// PodName is the key of a Pod.
type PodName struct{ Namespace, Name string }

// Nodes is what is known of all Nodes, immutable.
type Nodes struct {
	ByName map[string]Node
	// Regions says on which region the Nodes of a zone agree; a zone whose
	// Nodes disagree or have no region is absent (semantics 2.1).
	Regions map[string]string
}

// Node is the part of a Kubernetes Node that locality needs.
type Node struct {
	Locality model.Locality
	// MilliCPU is its allocatable CPU. Counts says that it is Ready and no control
	// plane: only then topology-mode Auto looks at it (reference/kubernetes.md 6.2).
	MilliCPU int64
	Counts   bool
}

// Mesh is what holds for all services.
type Mesh struct {
	// Config is the admitted MeshConfig named default, or nil.
	Config *v1alpha1.MeshConfig
	// Fence is that of a MeshConfig that was never admitted, or nil.
	Fence *model.Fence
	// Suspend is --suspend-locality.
	Suspend bool
	// TrustDomain is that of the workloads' SPIFFE ids; "" is DefaultTrustDomain.
	TrustDomain string
	// LocalityDefault is PILOT_ENABLE_LOCALITY_LOAD_BALANCING.
	LocalityDefault bool
}

// RegistryOnly says that captured connections to unknown destinations are refused, and
// not passed on.
func (m Mesh) RegistryOnly() bool {
	return m.Config != nil && m.Config.Spec.OutboundTrafficPolicy != nil &&
		m.Config.Spec.OutboundTrafficPolicy.Mode == "REGISTRY_ONLY"
}
