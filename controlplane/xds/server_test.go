package xds

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	statusv3 "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/coastwise/coastwise/translate/envoy"
)

// rig is a server on an in-memory listener.
type rig struct {
	*Server
	t        *testing.T
	hub      *testHub
	registry *prometheus.Registry
	listener *bufconn.Listener
	ready    atomic.Bool
	refused  chan Refusal
}

func newRig(t *testing.T, limits func(*ServerLimits)) *rig {
	t.Cleanup(func() {
		goleak.VerifyNone(t, goleak.IgnoreAnyFunction("testing/synctest.Test"), goleak.IgnoreAnyFunction("testing/synctest.testingSynctestTest"))
	})
	w := newWorld()
	for _, name := range []string{"a", "b"} {
		w.set(envoy.ClusterType, name, "1")
		w.set(envoy.EndpointType, name, "1")
	}
	r := &rig{
		t: t, hub: newTestHub(w), registry: prometheus.NewRegistry(),
		listener: bufconn.Listen(1 << 10), refused: make(chan Refusal, 100),
	}
	r.ready.Store(true)
	c := Config{
		Hub: r.hub, Ready: r.ready.Load, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Metrics: NewMetrics(r.registry), Refused: func(f Refusal) { r.refused <- f }, Limits: DefaultServerLimits(),
	}
	if limits != nil {
		limits(&c.Limits)
	}
	r.Server = New(c)
	served := make(chan error, 1)
	go func() { served <- r.Serve(r.listener) }()
	t.Cleanup(func() {
		r.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		r.eventually("every stream has left", func() bool { return r.hub.count() == 0 && len(r.Proxies()) == 0 })
	})
	return r
}

func (r *rig) eventually(what string, is func() bool) {
	r.t.Helper()
	for range 3000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Errorf("never: %s", what)
}

// figure is the value of a metric with this label, or a histogram's count.
func (r *rig) figure(name, label string) float64 {
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

func (r *rig) dial() *grpc.ClientConn {
	conn, err := grpc.NewClient("passthrough:///x",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return r.listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	return conn
}

// peerStream is one client's delta stream.
type peerStream struct {
	discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
	t      *testing.T
	cancel context.CancelFunc
}

func (r *rig) open() *peerStream {
	return r.on(r.dial())
}

func (p *peerStream) say(r *discoveryv3.DeltaDiscoveryRequest) *peerStream {
	p.t.Helper()
	if err := p.Send(r); err != nil && !errors.Is(err, io.EOF) {
		p.t.Fatal(err)
	}
	return p
}

func (p *peerStream) hear() *discoveryv3.DeltaDiscoveryResponse {
	p.t.Helper()
	r, err := p.Recv()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, res := range r.Resources {
		if res.GetResource().GetTypeUrl() != r.TypeUrl || len(res.GetResource().GetValue()) == 0 {
			p.t.Errorf("an empty Any: %v", res)
		}
	}
	return r
}

func (p *peerStream) ends(code codes.Code, message string) {
	p.t.Helper()
	for {
		_, err := p.Recv()
		if err == nil {
			continue
		}
		if status.Code(err) != code || !strings.Contains(err.Error(), message) {
			p.t.Errorf("ended with %v, want %s %q", err, code, message)
		}
		return
	}
}

func node(id string) *corev3.Node { return &corev3.Node{Id: id} }

func ask(n *corev3.Node, url string, names ...string) *discoveryv3.DeltaDiscoveryRequest {
	return &discoveryv3.DeltaDiscoveryRequest{Node: n, TypeUrl: url, ResourceNamesSubscribe: names}
}

func ack(r *discoveryv3.DeltaDiscoveryResponse) *discoveryv3.DeltaDiscoveryRequest {
	return &discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.TypeUrl, ResponseNonce: r.Nonce}
}

func versions(r *discoveryv3.DeltaDiscoveryResponse) string {
	var out []string
	for _, res := range r.Resources {
		out = append(out, res.Name+"="+res.Version)
	}
	for _, name := range r.RemovedResources {
		out = append(out, "-"+name)
	}
	return strings.Join(out, " ")
}

func TestFirstRequest(t *testing.T) {
	garbage, err := structpb.NewStruct(map[string]any{"coastwise": "garbage"})
	if err != nil {
		t.Fatal(err)
	}
	lonely, err := structpb.NewStruct(map[string]any{"coastwise": map[string]any{"kind": "waypoint"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		node    *corev3.Node
		message string
	}{
		{"no node", nil, "must carry a node"},
		{"no id", node(""), "must carry a node"},
		{"long id", node(strings.Repeat("x", 2000)), "longer than 1024 bytes"},
		{"garbage metadata", &corev3.Node{Id: "default/x", Metadata: garbage}, "node.metadata.coastwise"},
		{"a waypoint of no Gateway", &corev3.Node{Id: "default/x", Metadata: lonely}, "gateway: missing"},
		{"refused by the hub", node("default/nowhere"), "no place for it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.open().say(ask(c.node, envoy.ClusterType, "*")).ends(codes.InvalidArgument, c.message)
		})
	}
}

func TestNodeOnlyOnFirst(t *testing.T) {
	r := newRig(t, nil)
	p := r.open().say(ask(node("default/x"), envoy.ClusterType, "*"))
	p.say(ack(p.hear())).say(ask(node("default/x"), envoy.EndpointType, "a"))
	if got := versions(p.hear()); got != "a=1" {
		t.Error(got)
	}
	p.say(ask(node("default/y"), envoy.EndpointType, "b")).ends(codes.InvalidArgument, "belongs to one node")
}

func TestUnready(t *testing.T) {
	r := newRig(t, nil)
	r.ready.Store(false)
	r.open().say(ask(node("default/x"), envoy.ClusterType, "*")).ends(codes.Unavailable, "not ready")
	check := func() healthv1.HealthCheckResponse_ServingStatus {
		h, err := healthv1.NewHealthClient(r.dial()).Check(context.Background(), &healthv1.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return h.Status
	}
	if check() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Error("healthy, though not ready")
	}
	r.ready.Store(true)
	if check() != healthv1.HealthCheckResponse_SERVING {
		t.Error("not healthy, though ready")
	}
}

func TestRegisteredServices(t *testing.T) {
	r := newRig(t, nil)
	var got []string
	for name := range r.shards[0].grpc.GetServiceInfo() {
		got = append(got, name)
	}
	slices.Sort(got)
	want := []string{
		"envoy.service.discovery.v3.AggregatedDiscoveryService",
		"envoy.service.status.v3.ClientStatusDiscoveryService", "grpc.health.v1.Health",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestUpdateAndRefusal(t *testing.T) {
	r := newRig(t, nil)
	p := r.open().say(ask(node("default/x"), envoy.ClusterType, "*"))
	p.say(ack(p.hear()))
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "a", "2") })
	second := p.hear()
	if got := versions(second); got != "a=2" {
		t.Fatal(got)
	}
	nack := ack(second)
	nack.ErrorDetail = &statusv3.Status{Code: int32(codes.InvalidArgument), Message: "cluster a is bad"}
	p.say(nack)
	want := Refusal{ProxyID: "default/x", TypeURL: envoy.ClusterType, Name: "a", Version: "2", Message: "cluster a is bad"}
	if got := <-r.refused; got != want {
		t.Errorf("%+v", got)
	}
	if info := r.Proxies()[0].Types[0]; info.Refused != 1 || info.Acked != 2 || info.Synced {
		t.Errorf("%+v", info)
	}
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "a", "3") })
	third := p.hear()
	if got := versions(third); got != "a=3" {
		t.Fatal(got)
	}
	p.say(ack(third)).say(ask(nil, "type.googleapis.com/none.Such", "a"))
	if p.hear().TypeUrl != "type.googleapis.com/none.Such" {
		t.Error("a type that is not served is not answered")
	}
	r.eventually("all is answered", func() bool { return r.Proxies()[0].Types[0].Acked == 2 && r.Proxies()[0].Types[0].Synced })
	for name, want := range map[string]float64{"Cluster": 3, "other": 1} {
		r.eventually("every push is counted: "+name, func() bool { return r.figure("coastwise_pushes_total", name) == want })
	}
	if got := r.figure("coastwise_nacks_total", "Cluster"); got != 1 {
		t.Errorf("%v NACKs", got)
	}
	r.eventually("the change has converged", func() bool { return r.figure("coastwise_convergence_seconds", "Cluster") == 1 })
	if got := r.figure("coastwise_proxies", "sidecar"); got != 1 {
		t.Errorf("%v proxies", got)
	}
}

func TestProxiesAndDump(t *testing.T) {
	r := newRig(t, nil)
	p := r.open().say(&discoveryv3.DeltaDiscoveryRequest{
		Node:    &corev3.Node{Id: "default/x", Locality: &corev3.Locality{Region: "eu", Zone: "eu-1"}},
		TypeUrl: envoy.ClusterType, ResourceNamesSubscribe: []string{"a", "zzz"},
	})
	p.say(ack(p.hear())).say(ask(nil, envoy.EndpointType, "a"))
	p.hear()
	r.eventually("the ACK counts", func() bool { return r.Proxies()[0].Types[0].Synced })
	info := r.Proxies()[0]
	if info.ID != "default/x" || info.Kind != "sidecar" || info.Namespace != "default" || info.Locality != "eu/eu-1" {
		t.Errorf("%+v", info)
	}
	want := TypeInfo{Type: "Cluster", Subscribed: 2, Sent: 1, Acked: 1, Bytes: 4, Synced: true}
	if info.Types[0] != want {
		t.Errorf("%+v", info.Types[0])
	}
	if info.Types[1].Synced {
		t.Error("synced without an ACK")
	}
	dump, ok := r.Dump("default/x")
	if !ok {
		t.Fatal("no dump")
	}
	text, err := json.Marshal(dump)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `{"name":"a","sent":"1","acked":"1","resource":`) {
		t.Errorf("%s", text)
	}
	if _, ok := r.Dump("default/stranger"); ok {
		t.Error("a stranger has a dump")
	}
}
