package envoy

import (
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/coastwise/coastwise/translate/model"
)

func TestZtunnelFromNode(t *testing.T) {
	for id, want := range map[string]string{
		"ztunnel~10.0.0.1~ztunnel-abc.istio-system~istio-system.svc.cluster.local": "istio-system/ztunnel-abc",
		"ztunnel~10.0.0.1~z.with.dots.mesh~mesh.svc.cluster.local":                 "mesh/z.with.dots",
		"ztunnel~1.1.1.1~.~.svc.cluster.local":                                     "default/ztunnel-1.1.1.1",
		"ztunnel~fd00::1~.~.svc.cluster.local":                                     "default/ztunnel-fd00--1",
		"ztunnel~":                                                                 "", "ztunnel~1.1.1.1~pod~x": "", "ztunnel~a~b~c~d": "", "ztunnel~1.1.1.1~a b.c~d": "",
	} {
		node := &corev3.Node{Id: id, Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{"NODE_NAME": structpb.NewStringValue("n1")}}}
		p, err := ProxyFromNode(node)
		if (err != nil) != (want == "") || p.ID != want {
			t.Errorf("%s: %q, %v; want %q", id, p.ID, err, want)
		}
		if err == nil && (p.Kind != model.Ztunnel || p.Node != "n1" || p.Namespace+"/" != p.ID[:len(p.Namespace)+1]) {
			t.Errorf("%s: %+v", id, p)
		}
	}
	node := &corev3.Node{Id: "ztunnel~1.1.1.1~.~x", Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{"NODE_NAME": structpb.NewStringValue("a b")}}}
	if _, err := ProxyFromNode(node); err == nil {
		t.Error("a Node of no name is taken")
	}
}
