package envoy

import (
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/model"
)

func TestProxyFromNode(t *testing.T) {
	for _, tt := range []struct {
		name, node string
		want       model.Proxy
	}{
		{
			"an Envoy that was not told of us", `{"id": "web"}`,
			model.Proxy{ID: "default/web", Namespace: "default", Kind: model.Sidecar},
		},
		{
			"metadata of others", `{"id": "a/web", "metadata": {"LABELS": {"x": 1}, "kind": 7}}`,
			model.Proxy{ID: "a/web", Namespace: "a", Kind: model.Sidecar},
		},
		{
			"only a port", `{"id": "a/web", "metadata": {"coastwise": {"httpProxyPort": 15080}}}`,
			model.Proxy{ID: "a/web", Namespace: "a", Kind: model.Sidecar, Bind: "127.0.0.1", HTTPProxyPort: 15080},
		},
		{
			"everything", `{"id": "a/web", "locality": {"region": "eu", "zone": "z", "subZone": "s"}, "metadata": {"coastwise": {
				"kind": "gateway", "node": "n", "network": "w", "labels": {"k": "v"}, "scope": "b/*, a/x", "bind": "::1",
				"httpProxyPort": 80, "gateway": "", "capture": false}}}`,
			model.Proxy{
				ID: "a/web", Namespace: "a", Kind: model.Gateway, Node: "n", Network: "w", Labels: map[string]string{"k": "v"},
				Locality: model.Locality{Region: "eu", Zone: "z", SubZone: "s"}, Scope: "a/x,b/*", Bind: "::1", HTTPProxyPort: 80,
			},
		},
	} {
		got, err := ProxyFromNode(node(t, tt.node))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func node(t fataler, text string) *corev3.Node {
	t.Helper()
	n := new(corev3.Node)
	if err := protojson.Unmarshal([]byte(text), n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestProxyFromNodeRefuses(t *testing.T) {
	if _, err := ProxyFromNode(nil); err == nil || !strings.HasPrefix(err.Error(), "node: missing") {
		t.Errorf("no node: %v", err)
	}
	for _, tt := range []struct{ node, want string }{
		{`{}`, `node.id: "" is not NAMESPACE/ID`},
		{`{"id": "a/b/c"}`, `node.id: "a/b/c" is not`},
		{`{"id": "A/b"}`, `node.id: "A/b" is not`},
		{`{"id": "a/"}`, `node.id: "a/" is not`},
		{`{"id": "a", "locality": {"zone": "~"}}`, `node.locality: "~" is not`},
		{`{"id": "a", "metadata": {"coastwise": "x"}}`, "node.metadata.coastwise: must be an object"},
		{`{"id": "a", "metadata": {"coastwise": {"zone": "x"}}}`, "node.metadata.coastwise.zone: unknown: allowed are kind, node,"},
		{`{"id": "a", "metadata": {"coastwise": {"kind": "waypoint"}}}`, "node.metadata.coastwise.gateway: missing: NAMESPACE/NAME of the Gateway that the waypoint runs"},
		{`{"id": "a", "metadata": {"coastwise": {"kind": "grpc", "bind": "127.0.0.1"}}}`, "node.metadata.coastwise.bind: means nothing to kind grpc"},
		{`{"id": "a", "metadata": {"coastwise": {"kind": "grpc", "httpProxyPort": 80}}}`, "node.metadata.coastwise.httpProxyPort: means nothing to kind grpc"},
		{`{"id": "a", "metadata": {"coastwise": {"kind": "x"}}}`, `node.metadata.coastwise.kind: kind "x" does not exist`},
		{`{"id": "a", "metadata": {"coastwise": {"node": 7}}}`, "node.metadata.coastwise.node: must be a string"},
		{`{"id": "a", "metadata": {"coastwise": {"network": ["x"]}}}`, "node.metadata.coastwise.network: must be a string"},
		{`{"id": "a", "metadata": {"coastwise": {"scope": "x"}}}`, `node.metadata.coastwise.scope: "x" is not NAMESPACE/*`},
		{`{"id": "a", "metadata": {"coastwise": {"bind": "x"}}}`, `node.metadata.coastwise.bind: "x" is not an IP`},
		{`{"id": "a", "metadata": {"coastwise": {"httpProxyPort": "80"}}}`, "node.metadata.coastwise.httpProxyPort: must be a whole number"},
		{`{"id": "a", "metadata": {"coastwise": {"httpProxyPort": 80.5}}}`, "node.metadata.coastwise.httpProxyPort: must be a whole number"},
		{`{"id": "a", "metadata": {"coastwise": {"httpProxyPort": -1}}}`, "node.metadata.coastwise.httpProxyPort: must be a whole number"},
		{`{"id": "a", "metadata": {"coastwise": {"httpProxyPort": 65536}}}`, "node.metadata.coastwise.httpProxyPort: must be a whole number"},
		{`{"id": "a", "metadata": {"coastwise": {"labels": []}}}`, "node.metadata.coastwise.labels: must be an object"},
		{`{"id": "a", "metadata": {"coastwise": {"labels": {"k": 1}}}}`, "node.metadata.coastwise.labels.k: must be a string"},
		{`{"id": "a", "metadata": {"coastwise": {"labels": {"k": "a b"}}}}`, `node.metadata.coastwise.labels: "k=a b" is not`},
		{`{"id": "a", "metadata": {"coastwise": {"gateway": "a/b"}}}`, "node.metadata.coastwise.gateway: is for kinds waypoint and gateway, and not for sidecar"},
		{`{"id": "a", "metadata": {"coastwise": {"kind": "gateway", "capture": true}}}`, "node.metadata.coastwise.capture: is for kind sidecar, and not for gateway"},
		{`{"id": "a", "metadata": {"coastwise": {"capture": "no"}}}`, "node.metadata.coastwise.capture: must be true or false"},
	} {
		got, err := ProxyFromNode(node(t, tt.node))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.node, err, tt.want)
		}
		if diff := cmp.Diff(model.Proxy{}, got); diff != "" {
			t.Errorf("%s: a proxy beside the error: %s", tt.node, diff)
		}
	}
}

// Garbage never panics, and never becomes a proxy that Bootstrap would refuse.
func TestProxyFromNodeTakesNoGarbage(t *testing.T) {
	leaf := rapid.OneOf(
		rapid.Just(structpb.NewNullValue()), rapid.Map(rapid.Bool(), structpb.NewBoolValue),
		rapid.Map(rapid.Float64(), structpb.NewNumberValue), rapid.Map(rapid.String(), structpb.NewStringValue),
		rapid.Just(&structpb.Value{}), rapid.Just((*structpb.Value)(nil)),
	)
	keys := rapid.SampledFrom([]string{"kind", "node", "network", "labels", "scope", "bind", "httpProxyPort", "gateway", "capture"})
	rapid.Check(t, func(t *rapid.T) {
		claims := &structpb.Struct{Fields: rapid.MapOfN(keys, leaf, 0, 3).Draw(t, "claims")}
		n := &corev3.Node{Id: rapid.OneOf(rapid.Just("a"), rapid.String()).Draw(t, "id"), Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{
			MetadataKey: structpb.NewStructValue(claims),
		}}}
		p, err := ProxyFromNode(n)
		if err != nil {
			return
		}
		if p.Bind == "" {
			p.Bind = DefaultBind
		}
		if _, err := Bootstrap(p, BootstrapOptions{XDS: "127.0.0.1:1", AdminPort: p.HTTPProxyPort%maxPort + 1}); err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
	})
}

func TestParseID(t *testing.T) {
	for in, want := range map[string][2]string{"web": {"default", "web"}, "a/web-1.x_y": {"a", "web-1.x_y"}} {
		namespace, id, err := ParseID(in)
		if err != nil || namespace != want[0] || id != want[1] {
			t.Errorf("%q: %q %q %v", in, namespace, id, err)
		}
	}
	for _, in := range []string{"", "/", "/x", "x/", "a.b/x", "a/x y", "a/-x", "a/" + strings.Repeat("x", 254)} {
		if _, _, err := ParseID(in); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
}
