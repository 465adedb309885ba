package envoy

import (
	"strconv"

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
// A PASSTHROUGH policy has no load assignment, and that of a service resolved by
// DNS stands in its cluster: the zero Resource. It fails if the service has no such port
// or policy, or on a string that is not UTF-8.
func LoadAssignment(s *model.Service, v model.Variant, a locality.Assignment) (Resource, error) {
	_, policy, err := resolve(s, v)
	if err != nil {
		return Resource{}, err
	}
	if policy.Algorithm == model.Passthrough || inline(s) {
		return Resource{}, nil
	}
	name := ClusterName(v.Port, v.Subset, s.Host)
	reach := bySocket
	if v.View.Form == model.HBONE {
		reach = byHop
	}
	return encode(EndpointType, name, loadAssignment(name, a, reach))
}

// reach says how an endpoint is reached.
type reach uint8

const (
	// bySocket is at its own address.
	bySocket reach = iota
	// byHop is by ConnectOriginate, if a ztunnel is in front of it.
	byHop
	// toZtunnel is at its ztunnel's port.
	toZtunnel
)

func loadAssignment(name string, a locality.Assignment, by reach) *endpointv3.ClusterLoadAssignment {
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
	places := make([]place, len(a.Groups))
	cla.Endpoints = make([]*endpointv3.LocalityLbEndpoints, len(a.Groups))
	for k := range a.Groups {
		g := &a.Groups[k]
		n := len(g.Endpoints)
		for i := range g.Endpoints {
			pointers[i] = hosts[i].fill(&g.Endpoints[i], by)
		}
		cla.Endpoints[k] = places[k].fill(g, pointers[:n:n])
		hosts, pointers = hosts[n:], pointers[n:]
	}
	return cla
}

// place holds all the messages of one locality.
type place struct {
	group    endpointv3.LocalityLbEndpoints
	locality corev3.Locality
	weight   wrapperspb.UInt32Value
	metadata corev3.Metadata
	about    structpb.Struct
	zone     text
	region   text
	reason   text
}

// fill always sets a weight: Envoy with locality weighting, and gRPC, drop a
// locality without one.
func (p *place) fill(g *locality.Group, endpoints []*endpointv3.LbEndpoint) *endpointv3.LocalityLbEndpoints {
	p.locality.Region, p.locality.Zone, p.locality.SubZone = g.Locality.Region, g.Locality.Zone, g.Locality.SubZone
	p.weight.Value = max(1, g.Weight)
	p.about.Fields = map[string]*structpb.Value{
		"zone":   p.zone.fill(g.Locality.Zone),
		"region": p.region.fill(g.Locality.Region),
		"reason": p.reason.fill(string(g.Reason)),
	}
	p.metadata.FilterMetadata = map[string]*structpb.Struct{MetadataKey: &p.about}
	p.group.Locality = &p.locality
	p.group.LbEndpoints = endpoints
	p.group.LoadBalancingWeight = &p.weight
	p.group.Priority = g.Priority
	p.group.Metadata = &p.metadata
	return &p.group
}

// text holds the messages of one string value.
type text struct {
	value structpb.Value
	kind  structpb.Value_StringValue
}

func (t *text) fill(s string) *structpb.Value {
	t.kind.StringValue = s
	t.value.Kind = &t.kind
	return &t.value
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

func (h *host) fill(e *locality.Endpoint, by reach) *endpointv3.LbEndpoint {
	switch {
	case by == byHop && e.HBONE:
		h.hop(e)
	case by == toZtunnel:
		h.endpoint.Address = h.address.fill(e.Address, model.PortTunnel)
		h.endpoint.AdditionalAddresses = additional(e, model.PortTunnel)
		h.lb.Metadata = &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{socketMatchMeta: word(identityKey, e.Identity)}}
	default:
		h.endpoint.Address = h.address.fill(e.Address, e.Port)
		h.endpoint.AdditionalAddresses = additional(e, e.Port)
	}
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

// hop is by the first family alone: an internal address has no other.
func (h *host) hop(e *locality.Endpoint) {
	at := hostPort(e.Address, e.Port)
	h.endpoint.Address = internalAddress(ConnectOriginate, at)
	h.lb.Metadata = &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{
		originalDstMeta: word("local", at), MetadataKey: word(identityKey, e.Identity),
	}}
}

// hostPort is HOST:PORT, [HOST]:PORT for IPv6, as an authority has them.
func hostPort(ip string, port uint32) string {
	return bracketed(ip) + ":" + strconv.FormatUint(uint64(port), 10)
}

func word(key, value string) *structpb.Struct {
	return &structpb.Struct{Fields: map[string]*structpb.Value{key: structpb.NewStringValue(value)}}
}

func additional(e *locality.Endpoint, port uint32) []*endpointv3.Endpoint_AdditionalAddress {
	if len(e.Additional) == 0 {
		return nil
	}
	out := make([]*endpointv3.Endpoint_AdditionalAddress, 0, len(e.Additional))
	for _, ip := range e.Additional {
		out = append(out, &endpointv3.Endpoint_AdditionalAddress{Address: socketAddress(ip, port)})
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
