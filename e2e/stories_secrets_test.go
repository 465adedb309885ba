package e2e

import (
	"os"
	"path/filepath"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// secretsByFile lets m and all that is packed in it read from a file without secrets
// what it would ask the control plane for: static resources are made before there is
// a stream, and Envoy 1.40 dies of secrets by ADS in them.
func secretsByFile(t *testing.T, m proto.Message) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.yaml")
	if err := os.WriteFile(path, []byte("resources: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	byFile(t, m.ProtoReflect(), path)
}

func byFile(t *testing.T, m protoreflect.Message, path string) {
	t.Helper()
	switch m := m.Interface().(type) {
	case *anypb.Any:
		inner, err := m.UnmarshalNew()
		if err != nil {
			t.Fatal(err)
		}
		byFile(t, inner.ProtoReflect(), path)
		if err := m.MarshalFrom(inner); err != nil {
			t.Fatal(err)
		}
		return
	case *tlsv3.SdsSecretConfig:
		if m.SdsConfig.GetAds() != nil {
			m.SdsConfig.ConfigSourceSpecifier = &corev3.ConfigSource_PathConfigSource{
				PathConfigSource: &corev3.PathConfigSource{Path: path},
			}
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case f.IsMap():
			if f.MapValue().Message() != nil {
				value.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					byFile(t, v.Message(), path)
					return true
				})
			}
		case f.Message() == nil:
		case f.IsList():
			for i := range value.List().Len() {
				byFile(t, value.List().Get(i).Message(), path)
			}
		default:
			byFile(t, value.Message(), path)
		}
		return true
	})
}
