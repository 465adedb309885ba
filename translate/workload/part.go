package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Part is what one service says to ztunnels: its own resource, and what it adds to the
// workloads behind it.
type Part struct {
	// Service is nil where the service is not for ztunnels: an alias (ExternalName).
	Service *envoy.Resource
	Members map[ID]Member
	// Waypoint is that of the service, zero for none.
	Waypoint model.GatewayName
}

// Member is what one service says of one workload. It is comparable by Equal.
type Member struct {
	// Service is namespace/hostname.
	Service string
	// Ports are sorted by number of the service.
	Ports []PortPair
	// Votes says that the service has a word on health: one that wants addresses
	// published whatever their readiness has none. Ready is that word.
	Votes, Ready bool
	// Address and Additional are the workload's, Place where it is.
	Address    string
	Additional []string
	Place      model.Locality
	Node       string
	Network    string
	Weight     uint32
	Waypoint   model.GatewayName
}

// PortPair is a port of a service and the number behind it.
type PortPair struct {
	Service, Target uint32
	Protocol        model.AppProtocol
}

// Equal compares all of it.
func (m Member) Equal(o Member) bool {
	return m.Service == o.Service && m.Votes == o.Votes && m.Ready == o.Ready && m.Address == o.Address &&
		m.Place == o.Place && m.Node == o.Node && m.Network == o.Network && m.Weight == o.Weight && m.Waypoint == o.Waypoint &&
		slices.Equal(m.Ports, o.Ports) && slices.Equal(m.Additional, o.Additional)
}

// NewPart says it of a service and the objects that it was made of; waypoint is the
// Gateway in front of it, nil for none.
//
// The error is that of a string which is not UTF-8.
func NewPart(s *model.Service, o ingest.Objects, waypoint *Waypoint) (*Part, error) {
	p := &Part{}
	if s == nil || o.Service != nil && o.Service.Spec.Type == corev1.ServiceTypeExternalName {
		return p, nil
	}
	var err error
	if p.Service, err = serviceResource(service(s, o, waypoint)); err != nil {
		return nil, err
	}
	p.Waypoint = s.Waypoint
	p.Members = members(s, o.Service == nil || !o.Service.Spec.PublishNotReadyAddresses)
	return p, nil
}

// members are the workloads behind a service.
func members(s *model.Service, votes bool) map[ID]Member {
	out := map[ID]Member{}
	for i := range s.Ports {
		port := &s.Ports[i]
		nothing, fence := nothingReady(port.Endpoints), fenceOf(s, port.Number)
		for j := range port.Endpoints {
			e := &port.Endpoints[j]
			id, ok := idOf(e)
			if !ok || fence != nil && !fence.Has(e.Region) {
				continue
			}
			m, known := out[id]
			if !known {
				m = Member{
					Service: s.Namespace + "/" + s.Host, Votes: votes,
					Address: e.Address, Additional: e.Additional, Place: e.Locality, Node: e.Node, Network: e.Network, Weight: e.Weight,
					Waypoint: s.Waypoint,
				}
			}
			m.Ports = append(m.Ports, PortPair{port.Number, e.Port, port.Protocol})
			m.Ready = m.Ready || e.State == model.Ready || nothing && e.State == model.Serving
			out[id] = m
		}
	}
	return out
}

// fenceOf is the fence that holds for the clients of any namespace at a port, nil for none
// (semantics 4.1). That of a client's own namespace cannot be said to a ztunnel.
func fenceOf(s *model.Service, port uint32) *model.Allowed {
	id, ok := s.Lookup[model.PolicyKey{Port: port}]
	if !ok {
		return nil
	}
	return s.Policies[id].Allowed
}

// nothingReady is the last column of semantics 7: then what still serves is healthy.
func nothingReady(endpoints []model.Endpoint) bool {
	return !slices.ContainsFunc(endpoints, func(e model.Endpoint) bool { return e.State == model.Ready })
}

// Touched are the workloads of which two parts say something else, sorted; either may be nil.
func Touched(was, is *Part) []ID {
	var before, after map[ID]Member
	if was != nil {
		before = was.Members
	}
	if is != nil {
		after = is.Members
	}
	var out []ID
	for id, m := range after {
		if old, ok := before[id]; !ok || !old.Equal(m) {
			out = append(out, id)
		}
	}
	for id := range before {
		if _, ok := after[id]; !ok {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, ID.Compare)
	return out
}

// portsOf are the ports of a Workload, by service.
func portsOf(members []Member) map[string]*workloadapi.PortList {
	out := make(map[string]*workloadapi.PortList, len(members))
	for i := range members {
		list := &workloadapi.PortList{}
		for _, p := range members[i].Ports {
			list.Ports = append(list.Ports, &workloadapi.Port{ServicePort: p.Service, TargetPort: p.Target, AppProtocol: protocolOf(p.Protocol)})
		}
		out[members[i].Service] = list
	}
	return out
}
