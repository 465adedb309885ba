package xds

import (
	"context"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// wire is a gRPC stream in one of the two encodings of the protocol. A proxy
// knows no other difference between them.
type wire interface {
	Context() context.Context
	// receive returns a status of gRPC's own, or io.EOF.
	receive() (*message, error)
	send(r Response) error
	machine(id string, source Source, limits Limits) *Stream
}

// message is what a client sent.
type message struct {
	node    *corev3.Node
	request Request
	bytes   int // on the wire
}

// deltaWire is a stream of a client with api_type DELTA_GRPC.
type deltaWire struct {
	discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer
}

func (w deltaWire) receive() (*message, error) {
	r, err := w.Recv()
	if err != nil {
		return nil, err
	}
	return &message{bytes: proto.Size(r), node: r.GetNode(), request: Request{
		TypeURL:     r.GetTypeUrl(),
		Subscribe:   withLocators(r.GetResourceNamesSubscribe(), r.GetResourceLocatorsSubscribe()),
		Unsubscribe: withLocators(r.GetResourceNamesUnsubscribe(), r.GetResourceLocatorsUnsubscribe()),
		Initial:     r.GetInitialResourceVersions(), Nonce: r.GetResponseNonce(),
		Refused: r.GetErrorDetail() != nil, Message: r.GetErrorDetail().GetMessage(),
	}}, nil
}

func (w deltaWire) send(r Response) error { return w.Send(delta(r)) }

func (w deltaWire) machine(id string, source Source, limits Limits) *Stream {
	return NewStream(id, source, limits)
}

// delta writes a response for a delta stream. The bytes of bodies are shared.
func delta(r Response) *discoveryv3.DeltaDiscoveryResponse {
	out := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: r.TypeURL, Nonce: r.Nonce, RemovedResources: r.Removed}
	for _, res := range r.Resources {
		out.Resources = append(out.Resources, &discoveryv3.Resource{
			Name: res.Name, Version: res.Version,
			Resource: &anypb.Any{TypeUrl: res.TypeURL, Value: res.Body},
		})
	}
	return out
}

// wholeWire is a stream of a client with api_type GRPC: the state of the world.
type wholeWire struct {
	discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer
}

// receive: version_info says nothing of a refusal, which error_detail alone makes
// (rule 5).
func (w wholeWire) receive() (*message, error) {
	r, err := w.Recv()
	if err != nil {
		return nil, err
	}
	return &message{bytes: proto.Size(r), node: r.GetNode(), request: Request{
		TypeURL: r.GetTypeUrl(), Names: withLocators(r.GetResourceNames(), r.GetResourceLocators()),
		Version: r.GetVersionInfo(), Nonce: r.GetResponseNonce(),
		Refused: r.GetErrorDetail() != nil, Message: r.GetErrorDetail().GetMessage(),
	}}, nil
}

func (w wholeWire) send(r Response) error { return w.Send(whole(r)) }

func (w wholeWire) machine(id string, source Source, limits Limits) *Stream {
	return NewWholeStream(id, source, limits)
}

// whole writes a response for a stream of the state of the world. The bytes of
// bodies are shared.
func whole(r Response) *discoveryv3.DiscoveryResponse {
	out := &discoveryv3.DiscoveryResponse{TypeUrl: r.TypeURL, Nonce: r.Nonce, VersionInfo: r.Version}
	for _, res := range r.Resources {
		out.Resources = append(out.Resources, &anypb.Any{TypeUrl: res.TypeURL, Value: res.Body})
	}
	return out
}

// withLocators ignores the parameters of locators (rule 27).
func withLocators(names []string, locators []*discoveryv3.ResourceLocator) []string {
	for _, l := range locators {
		names = append(names, l.GetName())
	}
	return names
}
