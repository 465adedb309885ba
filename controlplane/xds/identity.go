package xds

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// maxNodeID bounds what a client's name costs us in memory and logs.
const maxNodeID = 1024

// maxClaims bounds in bytes what a client says of itself: its class is told from
// others by all of it.
const maxClaims = 64 << 10

// identify reads who the client says it is from the node of its first request.
// Its claims are fixed for the stream's life; the Hub checks them.
func identify(node *corev3.Node) (model.Proxy, error) {
	if node.GetId() == "" {
		return model.Proxy{}, status.Error(codes.InvalidArgument, "the first request of a stream must carry a node with an id")
	}
	if len(node.GetId()) > maxNodeID {
		return model.Proxy{}, status.Errorf(codes.InvalidArgument, "node.id is longer than %d bytes", maxNodeID)
	}
	claims := node.GetMetadata().GetFields()[envoy.MetadataKey]
	if size := proto.Size(node.GetLocality()) + proto.Size(claims); size > maxClaims {
		return model.Proxy{}, status.Errorf(codes.InvalidArgument,
			"node %q: its locality and metadata.%s have %d bytes, more than %d", node.GetId(), envoy.MetadataKey, size, maxClaims)
	}
	proxy, err := envoy.ProxyFromNode(node)
	if err != nil {
		return model.Proxy{}, status.Errorf(codes.InvalidArgument, "node %q: %s", node.GetId(), shorten(err.Error()))
	}
	return proxy, nil
}

// sameNode: a node may be repeated, not replaced. An absent one says nothing.
func sameNode(id string, node *corev3.Node) error {
	if node != nil && node.GetId() != id {
		return status.Errorf(codes.InvalidArgument, "node.id was %q and is now %q: a stream belongs to one node", id, node.GetId())
	}
	return nil
}
