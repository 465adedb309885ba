package model

import (
	"cmp"
	"slices"
	"time"
)

// Key is the identity of one service: the namespace of the object that
// declares it, and its host. A ServiceEntry with several hosts is several
// services. A rule whose host nothing declares has a Key without a Service.
type Key struct {
	Namespace string
	Host      string
}

// ClusterDomain ends the host of every Kubernetes Service.
const ClusterDomain = "svc.cluster.local"

// ServiceKey is the key of a Kubernetes Service.
func ServiceKey(namespace, name string) Key {
	return Key{Namespace: namespace, Host: name + "." + namespace + "." + ClusterDomain}
}

// Service is one service in mesh words. Immutable once returned by
// ingest.Service; every slice is sorted.
type Service struct {
	Key
	// Object is the Service or ServiceEntry that declares it.
	Object ObjectRef
	// HostField is where a ServiceEntry says the host: spec.hosts[i]. Of a Kubernetes
	// Service, whose host is its name, it is "".
	HostField string
	// EndpointsField is where it says its endpoints.
	EndpointsField string
	// Name is the object's name, for short host names and alt_stat_name.
	Name string
	// Created orders claims on one domain or port: Unix seconds, 0 if unknown.
	Created int64
	// ExportTo lists the namespaces that may see it; "*" is all, "." its own.
	ExportTo []string
	// Resolution says where its endpoints' addresses come from.
	Resolution Resolution
	// DNSRefreshRate is how long an answer without a TTL holds; 0 unless resolved by DNS.
	DNSRefreshRate time.Duration
	// Addresses are its virtual IPs, canonical and sorted: a ServiceEntry's.
	Addresses []string
	// VIPs are all virtual IPs, canonical and sorted: Addresses, or the cluster IPs of a
	// Kubernetes Service. Captured connections, waypoints and ztunnels are told by them.
	VIPs []string
	// Blocks are the CIDR blocks among a ServiceEntry's addresses, masked and sorted: only
	// captured connections, and those of CONNECT, are told by them.
	Blocks []string
	// Waypoint is the Gateway through which clients in ambient mode reach it: one that
	// exists, is of our waypoint class, and takes the service; zero for none.
	Waypoint GatewayName
	// Ports is sorted by number.
	Ports []Port
	// Policies is indexed by PolicyID; see Select.
	Policies []Policy
	// Lookup finds the policy of a client; see Select.
	Lookup map[PolicyKey]PolicyID
	// Subsets lists the names of the subsets that a class of clients has, sorted; the
	// key is a PolicyKey.Class. They are the same at every port.
	Subsets map[PolicyKey][]string
	// Selectors are the workloadSelectors of rules for the host, by the namespace that
	// they stand in, which is that of the clients that they pick.
	Selectors map[string][]Selector
	// Places says what this service knows of places, nodes and regions; View
	// projects onto it.
	Places Places
	// Listens are its explicit listeners, sorted by At; no At stands twice.
	Listens []Listen
}

// Resolution is how the addresses of a service's endpoints are found: that of a
// ServiceEntry. A Kubernetes Service is Static, one of type ExternalName is DNS.
type Resolution string

// The resolutions (reference/destination-rule.md 2.9).
const (
	// Static sends literal addresses by EDS.
	Static Resolution = ""
	// DNS resolves the endpoints' names to all of their addresses (STRICT_DNS).
	DNS Resolution = "DNS"
	// DNSRoundRobin uses the first address of the one name, anew for each
	// connection (LOGICAL_DNS).
	DNSRoundRobin Resolution = "DNS_ROUND_ROBIN"
	// OriginalDestination goes where the client went; there are no endpoints.
	OriginalDestination Resolution = "NONE"
)

// Alone says that nothing but the port, and the host of a request, tells connections to
// the service from others: it goes where its client goes, and has no address.
func (s *Service) Alone() bool {
	return s.Resolution == OriginalDestination && len(s.VIPs)+len(s.Blocks) == 0
}

// Port is one port of a Service with the endpoints behind it: the unit on
// which hints and readiness are judged (semantics 5.1, 7).
type Port struct {
	Name     string
	Number   uint32
	Protocol AppProtocol
	// Routes are those of the HTTPRoutes and GRPCRoutes whose parent is the Service, in
	// the order in which they are tried; none: all requests go to Endpoints.
	Routes []Route
	// Endpoints is sorted by address and port; no address:port stands twice.
	Endpoints []Endpoint
}

// AppProtocol is what a port speaks (semantics 9.4).
type AppProtocol string

// The protocols that make a difference to a cluster or listener.
const (
	ProtocolUndeclared AppProtocol = ""
	ProtocolTCP        AppProtocol = "tcp"
	ProtocolHTTP       AppProtocol = "http"
	ProtocolHTTP2      AppProtocol = "http2"
	ProtocolGRPC       AppProtocol = "grpc"
)

// HTTP says that requests are routed to the port; else, undeclared too, explicit
// listeners carry TCP (semantics 9.4).
func (p AppProtocol) HTTP() bool {
	switch p {
	case ProtocolHTTP, ProtocolHTTP2, ProtocolGRPC:
		return true
	}
	return false
}

// HTTP says that requests are routed to the port: by its protocol, and where it
// declares none, by a route that has it as its parent (docs/routes.md). Every entrance
// asks this, so that a port is one or the other for all of them.
func (p Port) HTTP() bool {
	return p.Protocol.HTTP() || p.Protocol == ProtocolUndeclared && len(p.Routes) > 0
}

// State is an endpoint's readiness as its slice (and its Pod) says (semantics 7).
type State uint8

// The states, in the words of the table of semantics 7.
const (
	// Ready takes traffic, terminating or not.
	Ready State = iota
	// Unready is not ready and not terminating.
	Unready
	// Serving is not ready, terminating and still serving: used only when nothing is ready.
	Serving
	// Terminating is not ready, terminating and not serving: always left out.
	Terminating
	// NeverReady belongs to a pod that has not been ready yet: always left out.
	NeverReady
	// Behind is unready by its slice and ready by its pod, so one of the two is old, as
	// whenever a new pod turns ready: left out until they agree.
	Behind
)

// Endpoint is one ip:port behind a Service's port.
type Endpoint struct {
	// Address is a literal IP of the service's first family; for DNS resolutions an
	// IP or a full name, in lower case.
	Address string
	// Additional holds the other family's address of the same pod.
	Additional []string
	Port       uint32
	// Weight is 1..1,000,000, or 0: drained, left out (semantics 6.5).
	Weight   uint32
	State    State
	Locality Locality
	// Region decides at the fence, whatever Locality says (semantics 4.1); "" is unknown.
	Region  string
	Node    string
	Network string
	// Labels are those of the pod or entry; never modified.
	Labels map[string]string
	// Workload is what has the address.
	Workload WorkloadName
	// ZoneHints and NodeHints are sorted; empty means no such hint.
	ZoneHints []string
	NodeHints []string
	// HBONE says that a ztunnel in front of the endpoint ends HBONE; Identity is then the
	// SPIFFE id that it must show (spiffe://DOMAIN/ns/NS/sa/ACCOUNT).
	HBONE    bool
	Identity string
}

// WorkloadKind says which object an endpoint is, or stands in.
type WorkloadKind uint8

// The kinds; the zero kind is none: the name of an ExternalName Service or a DNS entry.
const (
	NoWorkload WorkloadKind = iota
	PodWorkload
	// SliceWorkload is an endpoint of an EndpointSlice that names no Pod.
	SliceWorkload
	// EntryWorkload is an endpoint that a ServiceEntry writes.
	EntryWorkload
	WorkloadEntryWorkload
)

// WorkloadName names the object that an endpoint is, or the one that it stands in.
type WorkloadName struct {
	Kind WorkloadKind
	// Istio says that the object is of Istio's group.
	Istio           bool
	Namespace, Name string
}

// Compare orders by kind, group, namespace and name.
func (w WorkloadName) Compare(o WorkloadName) int {
	group := 0
	if w.Istio != o.Istio {
		group = -1
		if w.Istio {
			group = 1
		}
	}
	return cmp.Or(cmp.Compare(w.Kind, o.Kind), group, cmp.Compare(w.Namespace, o.Namespace), cmp.Compare(w.Name, o.Name))
}

// Places is what a service knows: the values that a View keeps as they are.
type Places struct {
	Regions  map[string]bool
	Zones    map[string]bool
	SubZones map[string]bool
	// Nodes are those that hold an endpoint.
	Nodes map[string]bool
	// HintedNodes are those that an endpoint is hinted for.
	HintedNodes map[string]bool
	// Networks are those that an endpoint is in.
	Networks map[string]bool
	// Labels holds, for each key that a policy compares with the client's, the
	// values that endpoints have.
	Labels map[string]map[string]bool
}

// Port finds a port by its number.
func (s *Service) Port(number uint32) (Port, bool) {
	i, ok := slices.BinarySearchFunc(s.Ports, number, func(p Port, n uint32) int { return cmp.Compare(p.Number, n) })
	if !ok {
		return Port{}, false
	}
	return s.Ports[i], true
}

// Compare orders by namespace and host.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Namespace, o.Namespace), cmp.Compare(k.Host, o.Host))
}
