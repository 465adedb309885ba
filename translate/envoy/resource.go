package envoy

import (
	"encoding/hex"
	"fmt"

	"github.com/zeebo/xxh3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// The types of resource that are served (xDS type URLs).
const (
	ClusterType  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	EndpointType = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	ListenerType = "type.googleapis.com/envoy.config.listener.v3.Listener"
	RouteType    = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
	SecretType   = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
)

// Resource is encoded once and shared by every stream that needs it; Body is
// never modified.
type Resource struct {
	TypeURL string
	Name    string
	// Version is the hex of the 128-bit hash (xxh3) of Body.
	Version string
	Body    []byte
}

// ResourceName is a name of one type: names of two types may be equal.
type ResourceName struct{ TypeURL, Name string }

// deterministic sorts map entries, so that equal messages are equal bytes.
var deterministic = proto.MarshalOptions{Deterministic: true}

// encode marshals a message. It fails on a string that is not UTF-8.
func encode(typeURL, name string, m proto.Message) (Resource, error) {
	body, err := deterministic.Marshal(m)
	if err != nil {
		return Resource{}, fmt.Errorf("encode %s: %w", name, err)
	}
	return Resource{TypeURL: typeURL, Name: name, Version: Version(body), Body: body}, nil
}

// Version is the hash of a deterministically marshalled body
// (docs/decisions/versions-are-hashes.md).
func Version(body []byte) string {
	sum := xxh3.Hash128(body).Bytes()
	return hex.EncodeToString(sum[:])
}

// pack wraps a message that holds no text of a user, so marshalling cannot fail.
func pack(m proto.Message) *anypb.Any {
	a := new(anypb.Any)
	if err := anypb.MarshalFrom(a, m, deterministic); err != nil {
		panic(err)
	}
	return a
}
