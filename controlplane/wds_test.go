package controlplane

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/workload"
)

const ztunnelID = "ztunnel~10.0.0.1~ztunnel-a.istio-system~istio-system.svc.cluster.local"

// discovery is a server of workload discovery over a store.
type discovery struct {
	t       *testing.T
	store   *store.Store
	hub     *snapshot.Hub
	server  *xds.Server
	address string
}

func newDiscovery(t *testing.T) *discovery {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	d := &discovery{t: t, store: store.New()}
	d.hub = snapshot.New(d.store, 0, log)
	d.hub.Publish(time.Now())
	d.server = xds.New(xds.Config{
		Hub: hub{d.hub}, Ready: d.hub.Synced, Log: log, Metrics: xds.NewMetrics(prometheus.NewRegistry()),
		Limits: xds.DefaultServerLimits(), Refused: func(r xds.Refusal) { d.hub.Refuse(snapshot.Refusal(r)) },
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.hub.Run(ctx) }() //nolint:errcheck // it is stopped
	go d.server.Serve(l)                              //nolint:errcheck // it is stopped
	t.Cleanup(func() { d.server.Stop(); cancel(); <-done })
	return d
}

// wdsClient is a ztunnel, as far as the protocol goes: it keeps what it is sent, by type
// and name, and answers each response.
type wdsClient struct {
	t       *testing.T
	stream  discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
	node    *corev3.Node
	held    map[string]map[string]*discoveryv3.Resource
	arrived chan *discoveryv3.DeltaDiscoveryResponse
	log     []*discoveryv3.DeltaDiscoveryResponse
	// refuse says why a response is refused, "" if it is not.
	refuse func(*discoveryv3.DeltaDiscoveryResponse) string
	close  func()
}

// connect opens a stream; nothing is asked for yet.
func (d *discovery) connect(id string) *wdsClient {
	d.t.Helper()
	conn, err := grpc.NewClient(d.address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(200<<20)))
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.t.Context())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	name, _ := structpb.NewStruct(map[string]any{"NAME": "ztunnel-a", "NAMESPACE": "istio-system", "NODE_NAME": "node-1"})
	c := &wdsClient{
		t: d.t, stream: stream, node: &corev3.Node{Id: id, Metadata: name},
		held:    map[string]map[string]*discoveryv3.Resource{workload.AddressType: {}, workload.AuthorizationType: {}},
		arrived: make(chan *discoveryv3.DeltaDiscoveryResponse, 100),
		close:   func() { cancel(); conn.Close() },
	}
	go func() {
		defer close(c.arrived)
		for {
			r, err := stream.Recv()
			if err != nil {
				return
			}
			c.arrived <- r
		}
	}()
	d.t.Cleanup(c.close)
	return c
}

func (c *wdsClient) send(r *discoveryv3.DeltaDiscoveryRequest) {
	c.t.Helper()
	r.Node = c.node
	if err := c.stream.Send(r); err != nil {
		c.t.Fatal(err)
	}
}

// open asks for everything, in the order of a ztunnel: it says what it holds, with the
// versions that are given.
func (c *wdsClient) open(versions map[string]map[string]string) *wdsClient {
	for _, url := range []string{workload.AddressType, workload.AuthorizationType} {
		c.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: url, InitialResourceVersions: versions[url]})
	}
	return c
}

// next applies one response and answers it; nil if none comes within the time.
func (c *wdsClient) next(within time.Duration) *discoveryv3.DeltaDiscoveryResponse {
	c.t.Helper()
	select {
	case r, ok := <-c.arrived:
		if !ok {
			c.t.Fatal("the stream has ended")
		}
		c.apply(r)
		return r
	case <-time.After(within):
		return nil
	}
}

func (c *wdsClient) apply(r *discoveryv3.DeltaDiscoveryResponse) {
	c.t.Helper()
	c.log = append(c.log, r)
	answer := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.TypeUrl, ResponseNonce: r.Nonce}
	if c.refuse != nil {
		if why := c.refuse(r); why != "" {
			answer.ErrorDetail = &status.Status{Message: why}
		}
	}
	held := c.held[r.TypeUrl]
	for _, res := range r.Resources {
		if held[res.Name] != nil && held[res.Name].Version == res.Version {
			c.t.Logf("%s was sent twice", res.Name)
		}
		held[res.Name] = res
	}
	for _, name := range r.RemovedResources {
		delete(held, name)
	}
	c.send(answer)
}

// both waits until both types were answered.
func (c *wdsClient) both() *wdsClient {
	c.t.Helper()
	seen := map[string]bool{}
	for len(seen) < 2 {
		r := c.next(20 * time.Second)
		if r == nil {
			c.t.Fatalf("only %v were answered", slices.Collect(maps.Keys(seen)))
		}
		seen[r.TypeUrl] = true
	}
	return c
}

// until applies responses until something holds, and says how long that took.
func (c *wdsClient) until(what string, holds func() bool) time.Duration {
	c.t.Helper()
	began := time.Now()
	for !holds() {
		if c.next(20*time.Second) == nil {
			c.t.Fatalf("%s: it did not come", what)
		}
	}
	return time.Since(began)
}

// quiet fails if a response comes.
func (c *wdsClient) quiet(what string) {
	c.t.Helper()
	if r := c.next(300 * time.Millisecond); r != nil {
		c.t.Fatalf("%s: %s with %d resources, %v removed", what, r.TypeUrl, len(r.Resources), r.RemovedResources)
	}
}

// versions are those that it holds.
func (c *wdsClient) versions() map[string]map[string]string {
	out := map[string]map[string]string{}
	for url, held := range c.held {
		out[url] = map[string]string{}
		for name, r := range held {
			out[url][name] = r.Version
		}
	}
	return out
}

func (c *wdsClient) address(name string) *workloadapi.Address {
	c.t.Helper()
	r := c.held[workload.AddressType][name]
	if r == nil {
		return nil
	}
	a := &workloadapi.Address{}
	if err := proto.Unmarshal(r.Resource.Value, a); err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c *wdsClient) workload(pod string) *workloadapi.Workload {
	c.t.Helper()
	return c.address("Kubernetes//Pod/" + pod).GetWorkload()
}

// names are those of a type that it holds, sorted.
func (c *wdsClient) names(url string) []string { return slices.Sorted(maps.Keys(c.held[url])) }

func (c *wdsClient) String() string { return fmt.Sprint(c.names(workload.AddressType)) }
