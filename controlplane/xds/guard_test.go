package xds

import (
	"context"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// byWord verifies who says a word in its metadata.
func byWord(words map[string]Verified) func(context.Context) (Verified, error) {
	return func(ctx context.Context) (Verified, error) {
		word := strings.Join(metadata.ValueFromIncomingContext(ctx, "word"), ",")
		if word == "later" {
			return Verified{}, status.Error(codes.Unavailable, "ask again")
		}
		if v, ok := words[word]; ok {
			return v, nil
		}
		return Verified{}, status.Error(codes.Unauthenticated, "who are you?")
	}
}

// A stream is one identity's, and what it claims must be within it.
func TestClaimsMustAgreeWithTheProof(t *testing.T) {
	r := newRig(t, nil)
	r.config.Verify = byWord(map[string]Verified{
		"web-1":  {Namespace: "shop", ServiceAccount: "web", Pod: "web-1", PodUID: "new", Node: "node-1"},
		"web-1-": {Namespace: "shop", ServiceAccount: "web", Pod: "web-1", PodUID: "old", Node: "node-1"},
		"web-2":  {Namespace: "shop", ServiceAccount: "web", Pod: "web-2", PodUID: "u2", Node: "node-2"},
		"young":  {Namespace: "shop", ServiceAccount: "web", Pod: "web-1", PodUID: "new"},
		"web":    {Namespace: "shop", ServiceAccount: "web"},
		"db":     {Namespace: "shop", ServiceAccount: "db"},
	})
	r.config.Pod = func(namespace, name string) (Pod, bool) {
		if namespace == "shop" && name == "web-1" {
			return Pod{UID: "new", ServiceAccount: "web", Gateway: "w"}, true
		}
		return Pod{}, namespace == "shop" && name == "manifest"
	}
	for name, c := range map[string]struct {
		word, id, node string
		code           codes.Code
		reason         string
	}{
		"token":                       {"web-1", "shop/web-1", "", codes.OK, ""},
		"token, its node":             {"web-1", "shop/web-1", "node-1", codes.OK, ""},
		"token, another's node":       {"web-1", "shop/web-1", "node-2", codes.PermissionDenied, otherNode},
		"token, another pod":          {"web-1", "shop/web-2", "", codes.PermissionDenied, otherPod},
		"token, another namespace":    {"web-1", "other/web-1", "", codes.PermissionDenied, otherNamespace},
		"token of a former pod":       {"web-1-", "shop/web-1", "", codes.PermissionDenied, formerPod},
		"token, the pod is not known": {"web-2", "shop/web-2", "node-2", codes.OK, ""},
		"token without a node":        {"young", "shop/web-1", "node-7", codes.OK, ""},
		"certificate":                 {"web", "shop/web-1", "node-7", codes.OK, ""},
		"certificate, unknown pod":    {"db", "shop/vm", "", codes.OK, ""},
		"certificate, of a manifest":  {"db", "shop/manifest", "", codes.OK, ""},
		"certificate, another's pod":  {"db", "shop/web-1", "", codes.PermissionDenied, otherAccount},
		"certificate, namespace":      {"web", "other/web-1", "", codes.PermissionDenied, otherNamespace},
		"nobody":                      {"", "shop/web-1", "", codes.Unauthenticated, unauthenticated},
		"nobody can tell":             {"later", "shop/web-1", "", codes.Unavailable, cannotTell},
	} {
		t.Run(name, func(t *testing.T) {
			before := r.figure("coastwise_streams_refused_total", c.reason)
			stream := r.openAs(c.word)
			claim := map[string]any{"kind": "sidecar"}
			if c.node != "" {
				claim["node"] = c.node
			}
			meta, err := structpb.NewStruct(map[string]any{envoy.MetadataKey: claim})
			if err != nil {
				t.Fatal(err)
			}
			stream.Send(&discoveryv3.DeltaDiscoveryRequest{ //nolint:errcheck // a refusal may be quicker
				TypeUrl: envoy.ClusterType, Node: &corev3.Node{Id: c.id, Metadata: meta},
			})
			_, err = stream.Recv()
			if status.Code(err) != c.code {
				t.Fatalf("got %v", err)
			}
			if c.code == codes.OK {
				if p := r.Proxies(); len(p) != 1 || p[0].ServiceAccount == "" || p[0].ID != c.id {
					t.Errorf("%+v", p)
				}
				stream.cancel()
				r.eventually("it has left", func() bool { return len(r.Proxies()) == 0 })
			} else if r.figure("coastwise_streams_refused_total", c.reason) != before+1 {
				t.Errorf("%s is not counted", c.reason)
			}
		})
	}
}

func (r *rig) openAs(word string) *peerStream {
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(context.Background(), "word", word))
	r.t.Cleanup(cancel)
	s, err := discoveryv3.NewAggregatedDiscoveryServiceClient(r.dial()).DeltaAggregatedResources(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return &peerStream{s, r.t, cancel}
}

// A waypoint runs a Gateway of its own namespace, and of its Pod's label if it has one.
func TestGatewayMustAgreeWithTheProof(t *testing.T) {
	s := &Server{config: Config{}}
	s.config.Pod = func(_, name string) (Pod, bool) { return Pod{Gateway: "w"}, name == "w-0" }
	for name, c := range map[string]struct{ id, gateway, reason string }{
		"its own":            {"shop/w-0", "shop/w", ""},
		"no label is known":  {"shop/vm", "shop/other", ""},
		"another namespace":  {"shop/w-0", "infra/w", otherGateway},
		"another than label": {"shop/w-0", "shop/other", otherGateway},
		"none":               {"shop/w-0", "", ""},
	} {
		claims := model.Proxy{ID: c.id, Namespace: "shop", Kind: model.Waypoint, Gateway: c.gateway}
		reason, err := s.agree(&Verified{Namespace: "shop"}, &claims)
		if reason != c.reason || (err == nil) != (c.reason == "") {
			t.Errorf("%s: %q, %v", name, reason, err)
		}
	}
}

// What the token says takes the place of what was claimed.
func TestTheProofDecides(t *testing.T) {
	s := &Server{}
	claims := model.Proxy{ID: "shop/web-1", Namespace: "shop"}
	if _, err := s.agree(&Verified{Namespace: "shop", ServiceAccount: "web", Pod: "web-1", PodUID: "u", Node: "node-1"}, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Node != "node-1" || !claims.Verified {
		t.Errorf("%+v", claims)
	}
	claims = model.Proxy{ID: "shop/web-1", Namespace: "shop", Node: "n"}
	if _, err := s.agree(nil, &claims); err != nil || claims.Verified || claims.Node != "n" {
		t.Errorf("nobody is verified: %v, %+v", err, claims)
	}
}

// Every method that is registered is on the list, and one that is not is refused, of
// either form, before its handler runs.
func TestMethodsThatAreNotOnTheListAreRefused(t *testing.T) {
	r := newRig(t, nil)
	for service, info := range r.shards[0].grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			if method := "/" + service + "/" + m.Name; accessTo(method) == nobody && !strings.HasSuffix(method, "Health/List") {
				t.Errorf("%s is registered for nobody", method)
			}
		}
	}
	const method = "/coastwise.test.Secrets/Read"
	_, err := r.guardUnary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) {
		t.Error("the handler ran")
		return nil, nil
	})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("unary: %v", err)
	}
	err = r.guardStream(nil, contextStream{ctx: t.Context()}, &grpc.StreamServerInfo{FullMethod: method}, func(any, grpc.ServerStream) error {
		t.Error("the handler ran")
		return nil
	})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("stream: %v", err)
	}
	if n := r.figure("coastwise_streams_refused_total", noMethod); n != 2 {
		t.Errorf("counted %v times", n)
	}
}

type contextStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s contextStream) Context() context.Context { return s.ctx }

// Probes have no identity; who reads what others are sent has the right one.
func TestWhoMayCallWhat(t *testing.T) {
	r := newRig(t, nil)
	from := func(ip string) context.Context {
		return peer.NewContext(context.Background(), &peer.Peer{Addr: &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}})
	}
	as := func(ctx context.Context, word string) context.Context {
		return metadata.NewIncomingContext(ctx, metadata.Pairs("word", word))
	}
	expect := func(what string, ctx context.Context, method string, want codes.Code) {
		t.Helper()
		if _, err := r.admit(ctx, method); status.Code(err) != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	const check, csds = "/grpc.health.v1.Health/Check", fetchClientStatus
	expect("nobody is verified, here", from("127.0.0.1"), csds, codes.OK)
	expect("nobody is verified, from elsewhere", from("10.0.0.1"), csds, codes.PermissionDenied)
	expect("nobody is verified, from nowhere", context.Background(), csds, codes.PermissionDenied)
	r.config.Verify = byWord(map[string]Verified{"us": {Namespace: "coastwise-system", ServiceAccount: "coastwise"}, "them": {Namespace: "shop", ServiceAccount: "web"}})
	expect("no hook", as(from("127.0.0.1"), "us"), csds, codes.PermissionDenied)
	r.config.Inspect = func(v Verified) bool { return v.ServiceAccount == "coastwise" }
	expect("us", as(from("10.0.0.1"), "us"), csds, codes.OK)
	expect("us, stream", as(from("10.0.0.1"), "us"), streamClientStatus, codes.OK)
	expect("them", as(from("127.0.0.1"), "them"), csds, codes.PermissionDenied)
	expect("somebody", as(from("127.0.0.1"), "x"), csds, codes.Unauthenticated)
	expect("a probe", from("10.0.0.1"), check, codes.OK)
	r.ready.Store(false)
	expect("not ready", as(from("10.0.0.1"), "x"), discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResources_FullMethodName, codes.Unavailable)
	expect("a probe then", from("10.0.0.1"), check, codes.OK)
}
