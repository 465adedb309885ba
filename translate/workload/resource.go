package workload

import (
	"fmt"
	"net/netip"

	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/third_party/istio/workloadapi/security"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// The types of resource that ztunnels are served.
const (
	AddressType       = "type.googleapis.com/istio.workload.Address"
	AuthorizationType = "type.googleapis.com/istio.security.Authorization"
)

// DefaultTrustDomain is the one that is written as "".
const DefaultTrustDomain = "cluster.local"

// Mesh is what all workloads of one control plane have in common.
type Mesh struct {
	// Cluster is the id of the cluster, the first part of every uid.
	Cluster string
	// TrustDomain is "" for DefaultTrustDomain.
	TrustDomain string
}

// trustDomain is as the proto has it.
func (m Mesh) trustDomain() string {
	if m.TrustDomain == DefaultTrustDomain {
		return ""
	}
	return m.TrustDomain
}

var deterministic = proto.MarshalOptions{Deterministic: true}

// encode fails on a string that is not UTF-8.
func encode(typeURL, name string, m proto.Message) (*envoy.Resource, error) {
	body, err := deterministic.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", name, err)
	}
	return &envoy.Resource{TypeURL: typeURL, Name: name, Version: envoy.Version(body), Body: body}, nil
}

func workloadResource(w *workloadapi.Workload) (*envoy.Resource, error) {
	return encode(AddressType, w.GetUid(), &workloadapi.Address{Type: &workloadapi.Address_Workload{Workload: w}})
}

func serviceResource(s *workloadapi.Service) (*envoy.Resource, error) {
	return encode(AddressType, s.GetNamespace()+"/"+s.GetHostname(), &workloadapi.Address{Type: &workloadapi.Address_Service{Service: s}})
}

func authorizationResource(a *security.Authorization) (*envoy.Resource, error) {
	return encode(AuthorizationType, a.GetNamespace()+"/"+a.GetName(), a)
}

// bytesOf is an IP as the protos have it: 4 or 16 bytes; false for what is none.
func bytesOf(address string) ([]byte, bool) {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Zone() != "" {
		return nil, false
	}
	return ip.Unmap().AsSlice(), true
}

func localityOf(l model.Locality) *workloadapi.Locality {
	if l.Empty() {
		return nil
	}
	return &workloadapi.Locality{Region: l.Region, Zone: l.Zone, Subzone: l.SubZone}
}

func protocolOf(p model.AppProtocol) workloadapi.AppProtocol {
	switch p {
	case model.ProtocolHTTP:
		return workloadapi.AppProtocol_HTTP11
	case model.ProtocolHTTP2:
		return workloadapi.AppProtocol_HTTP2
	case model.ProtocolGRPC:
		return workloadapi.AppProtocol_GRPC
	case model.ProtocolTCP:
		return workloadapi.AppProtocol_TCP
	}
	return workloadapi.AppProtocol_UNKNOWN
}
