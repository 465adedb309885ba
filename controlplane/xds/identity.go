package xds

import (
	"strings"

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

// agree holds a client's claims to what it proved (reference/xds.md 8), and gives it
// what its token decides. reason is why it is refused.
func (s *Server) agree(proof *Verified, claims *model.Proxy) (reason string, err error) {
	if proof == nil {
		return "", nil
	}
	if reason, err = within(*proof, *claims); err != nil {
		return reason, err
	}
	if reason, err = s.known(*proof, *claims); err != nil {
		return reason, err
	}
	claims.Verified = true
	claims.Namespace = proof.Namespace
	if proof.Node != "" {
		claims.Node = proof.Node
	}
	return "", nil
}

// within compares the claims with the proof alone.
func within(proof Verified, claims model.Proxy) (reason string, err error) {
	denied := func(reason, format string, args ...any) (string, error) {
		return reason, status.Errorf(codes.PermissionDenied, format, args...)
	}
	switch {
	case claims.Namespace != proof.Namespace:
		return denied(otherNamespace, "node %q: the client is of namespace %q", claims.ID, proof.Namespace)
	case claims.Gateway != "" && !strings.HasPrefix(claims.Gateway, proof.Namespace+"/"):
		return denied(otherGateway, "node %q claims Gateway %q: the client is of namespace %q", claims.ID, claims.Gateway, proof.Namespace)
	case proof.Pod == "":
		return "", nil
	case claims.ID != proof.Namespace+"/"+proof.Pod:
		return denied(otherPod, "node %q: the client's token is of pod %s/%s", claims.ID, proof.Namespace, proof.Pod)
	case claims.Node != "" && proof.Node != "" && claims.Node != proof.Node:
		return denied(otherNode, "node %q claims node %q: the client's token is of a pod on %q", claims.ID, claims.Node, proof.Node)
	}
	return "", nil
}

// known compares the proof with the Pod that the client names, if that is known: the
// token may be that of a former pod of its name, the certificate that of another
// service account of its namespace. A Pod that says whose Gateway it runs runs no other.
func (s *Server) known(proof Verified, claims model.Proxy) (reason string, err error) {
	if s.config.Pod == nil {
		return "", nil
	}
	id := claims.ID
	namespace, name, _ := strings.Cut(id, "/")
	_, gateway, _ := strings.Cut(claims.Gateway, "/")
	pod, ok := s.config.Pod(namespace, name)
	switch {
	case !ok:
		return "", nil
	case proof.PodUID != "" && pod.UID != "" && proof.PodUID != pod.UID:
		return formerPod, status.Errorf(codes.PermissionDenied, "node %q: the client's token is of a former pod of this name", id)
	case pod.ServiceAccount != "" && proof.ServiceAccount != pod.ServiceAccount:
		return otherAccount, status.Errorf(codes.PermissionDenied,
			"node %q: the client is service account %q, the pod is of another", id, proof.ServiceAccount)
	case pod.Gateway != "" && gateway != "" && pod.Gateway != gateway:
		return otherGateway, status.Errorf(codes.PermissionDenied, "node %q claims Gateway %q: the pod is labelled as that of %q", id, claims.Gateway, pod.Gateway)
	}
	return "", nil
}
