package envoy

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// MetadataKey is the filter_metadata key under which each locality says its
// zone, its region and the reason for its place. 'coastwise' and 'zone' are a
// contract: access logs print them.
const MetadataKey = "coastwise"

// LoadAssignment is the ClusterLoadAssignment of one variant. An assignment
// without groups is one with nothing but its name: it empties the cluster, which
// removing the resource would not (reference envoy R6).
//
// A PASSTHROUGH policy has no load assignment: the zero Resource. It fails if
// the service has no such port or policy, or on a string that is not UTF-8.
func LoadAssignment(s *model.Service, v model.Variant, a locality.Assignment) (Resource, error) {
	_, policy, err := resolve(s, v)
	if err != nil {
		return Resource{}, err
	}
	if policy.Algorithm == model.Passthrough {
		return Resource{}, nil
	}
	name := ClusterName(v.Port, v.Subset, s.Host)
	return encode(EndpointType, name, loadAssignment(name, a))
}

func loadAssignment(name string, a locality.Assignment) *endpointv3.ClusterLoadAssignment {
	cla := &endpointv3.ClusterLoadAssignment{ClusterName: name}
	if len(a.Groups) == 0 {
		return cla
	}
	cla.Policy = &endpointv3.ClusterLoadAssignment_Policy{
		OverprovisioningFactor: wrapperspb.UInt32(a.OverprovisioningFactor),
	}
	n := 0
	for _, g := range a.Groups {
		n += len(g.Endpoints)
	}
	hosts := make([]host, n)
	pointers := make([]*endpointv3.LbEndpoint, n)
	cla.Endpoints = make([]*endpointv3.LocalityLbEndpoints, 0, len(a.Groups))
	for _, g := range a.Groups {
		n := len(g.Endpoints)
		for i := range g.Endpoints {
			pointers[i] = hosts[i].fill(&g.Endpoints[i])
		}
		cla.Endpoints = append(cla.Endpoints, group(g, pointers[:n:n]))
		hosts, pointers = hosts[n:], pointers[n:]
	}
	return cla
}

// group always carries a weight: Envoy with locality weighting, and gRPC, drop
// a locality without one.
func group(g locality.Group, endpoints []*endpointv3.LbEndpoint) *endpointv3.LocalityLbEndpoints {
	about := &structpb.Struct{Fields: map[string]*structpb.Value{
		"zone":   structpb.NewStringValue(g.Locality.Zone),
		"region": structpb.NewStringValue(g.Locality.Region),
		"reason": structpb.NewStringValue(string(g.Reason)),
	}}
	return &endpointv3.LocalityLbEndpoints{
		Locality:            encodeLocality(g.Locality),
		LbEndpoints:         endpoints,
		LoadBalancingWeight: wrapperspb.UInt32(max(1, g.Weight)),
		Priority:            g.Priority,
		Metadata:            &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{MetadataKey: about}},
	}
}

func encodeLocality(l model.Locality) *corev3.Locality {
	return &corev3.Locality{Region: l.Region, Zone: l.Zone, SubZone: l.SubZone}
}

// host holds all the messages of one endpoint, so that an assignment is one
// allocation and not seven per endpoint.
type host struct {
	lb       endpointv3.LbEndpoint
	id       endpointv3.LbEndpoint_Endpoint
	endpoint endpointv3.Endpoint
	address  address
	weight   wrapperspb.UInt32Value
}

func (h *host) fill(e *locality.Endpoint) *endpointv3.LbEndpoint {
	h.endpoint.Address = h.address.fill(e.Address, e.Port)
	h.endpoint.AdditionalAddresses = additional(e)
	h.id.Endpoint = &h.endpoint
	h.weight.Value = max(1, e.Weight)
	h.lb.HostIdentifier = &h.id
	h.lb.LoadBalancingWeight = &h.weight
	h.lb.HealthStatus = corev3.HealthStatus_UNHEALTHY
	if e.Healthy {
		h.lb.HealthStatus = corev3.HealthStatus_HEALTHY
	}
	return &h.lb
}

func additional(e *locality.Endpoint) []*endpointv3.Endpoint_AdditionalAddress {
	if len(e.Additional) == 0 {
		return nil
	}
	out := make([]*endpointv3.Endpoint_AdditionalAddress, 0, len(e.Additional))
	for _, ip := range e.Additional {
		out = append(out, &endpointv3.Endpoint_AdditionalAddress{Address: socketAddress(ip, e.Port)})
	}
	return out
}

// address holds the messages of one ip:port.
type address struct {
	address  corev3.Address
	specific corev3.Address_SocketAddress
	socket   corev3.SocketAddress
	port     corev3.SocketAddress_PortValue
}

func (a *address) fill(ip string, port uint32) *corev3.Address {
	a.port.PortValue = port
	a.socket.Address = ip
	a.socket.PortSpecifier = &a.port
	a.specific.SocketAddress = &a.socket
	a.address.Address = &a.specific
	return &a.address
}

func socketAddress(ip string, port uint32) *corev3.Address { return new(address).fill(ip, port) }
