package ads

import (
	"fmt"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
)

// deltaWire speaks delta.
type deltaWire struct {
	discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
}

func (w deltaWire) say(r request) error {
	return w.Send(&discoveryv3.DeltaDiscoveryRequest{
		Node: r.node, TypeUrl: r.typeURL, ResponseNonce: r.nonce,
		ResourceNamesSubscribe: r.subscribe, ResourceNamesUnsubscribe: r.unsub,
		InitialResourceVersions: r.initial, ErrorDetail: refusal(r.refused),
	})
}

func (w deltaWire) hear() (*response, error) {
	r, err := w.Recv()
	if err != nil {
		return nil, err
	}
	out := &response{typeURL: r.TypeUrl, nonce: r.Nonce, removed: r.RemovedResources}
	for _, res := range r.Resources {
		out.resources = append(out.resources, named{res.Name, res.Version, res.Resource, res.Ttl != nil})
	}
	return out, nil
}

// wholeWire speaks state of the world.
type wholeWire struct {
	discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesClient
}

func (w wholeWire) say(r request) error {
	return w.Send(&discoveryv3.DiscoveryRequest{
		Node: r.node, TypeUrl: r.typeURL, ResponseNonce: r.nonce, VersionInfo: r.version,
		ResourceNames: r.names, ErrorDetail: refusal(r.refused),
	})
}

func (w wholeWire) hear() (*response, error) {
	r, err := w.Recv()
	if err != nil {
		return nil, err
	}
	out := &response{typeURL: r.TypeUrl, nonce: r.Nonce, version: r.VersionInfo}
	for _, a := range r.Resources {
		m, err := a.UnmarshalNew()
		if err != nil {
			return nil, err
		}
		out.resources = append(out.resources, named{name: Name(m), body: a})
	}
	return out, nil
}

// Name is the name of a resource of one of the Types.
func Name(m proto.Message) string {
	switch m := m.(type) {
	case *clusterv3.Cluster:
		return m.Name
	case *endpointv3.ClusterLoadAssignment:
		return m.ClusterName
	case *listenerv3.Listener:
		return m.Name
	case *routev3.RouteConfiguration:
		return m.Name
	}
	panic(fmt.Sprintf("%T is no resource", m))
}
