package kube

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/structpb"
)

// The types that a ztunnel asks for.
const (
	addressType       = "type.googleapis.com/istio.workload.Address"
	authorizationType = "type.googleapis.com/istio.security.Authorization"
)

// The fields that are read of an Address, by the names of third_party/istio.
const (
	addressWorkload, addressService       = 1, 2
	workloadStatus, serviceWaypoint       = 17, 7
	gatewayHostname, gatewayAddress       = 1, 2
	namespacedHostname, networkAddressRaw = 2, 2
)

// Discovery is a ztunnel, as far as workload discovery goes: it asks for all, keeps what
// it is sent and accepts it.
type Discovery struct {
	scene *Scene
	mu    sync.Mutex
	held  map[string][]byte // Addresses, by name
	came  chan struct{}     // closed with each response
	err   error
}

// Discovery connects a ztunnel of a Node, until the test's end.
func (s *Scene) Discovery(node string) *Discovery {
	s.Helper()
	conn, err := grpc.NewClient(s.Server.XDS, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		s.Fatal(err)
	}
	d := &Discovery{scene: s, held: map[string][]byte{}, came: make(chan struct{})}
	metadata, err := structpb.NewStruct(map[string]any{"NAME": "ztunnel", "NAMESPACE": "istio-system", "NODE_NAME": node})
	if err != nil {
		s.Fatal(err)
	}
	who := &corev3.Node{Id: "ztunnel~10.0.0.1~ztunnel.istio-system~istio-system.svc.cluster.local", Metadata: metadata}
	for _, url := range []string{addressType, authorizationType} {
		if err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{Node: who, TypeUrl: url}); err != nil {
			s.Fatal(err)
		}
	}
	ended := make(chan struct{})
	go func() { defer close(ended); d.listen(stream) }()
	s.Cleanup(func() { cancel(); <-ended; _ = conn.Close() })
	return d
}

func (d *Discovery) listen(stream discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient) {
	for {
		r, err := stream.Recv()
		if err == nil {
			err = stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.TypeUrl, ResponseNonce: r.Nonce})
		}
		d.mu.Lock()
		if d.err = err; err == nil && r.TypeUrl == addressType {
			for _, resource := range r.Resources {
				d.held[resource.Name] = resource.Resource.Value
			}
			for _, name := range r.RemovedResources {
				delete(d.held, name)
			}
		}
		close(d.came)
		d.came = make(chan struct{})
		d.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Until waits until something holds, and says when it was seen to.
func (d *Discovery) Until(what string, holds func() bool) time.Time {
	d.scene.Helper()
	deadline := time.After(Patience)
	for {
		d.mu.Lock()
		came, err := d.came, d.err
		d.mu.Unlock()
		if holds() {
			return time.Now()
		}
		if err != nil {
			d.scene.Fatalf("%s: the stream ended: %v", what, err)
		}
		select {
		case <-came:
		case <-deadline:
			d.scene.Fatalf("not within %v: %s", Patience, what)
		}
	}
}

// Healthy says whether a Pod is a workload, and healthy.
func (d *Discovery) Healthy(namespace, pod string) (healthy, there bool) {
	workload, there := d.field(fmt.Sprintf("Kubernetes//Pod/%s/%s", namespace, pod), addressWorkload)
	return number(workload, workloadStatus) == 0, there
}

// Waypoint is the IP or host name of a Service's waypoint, "" for none.
func (d *Discovery) Waypoint(namespace, service string) string {
	message, _ := d.field(fmt.Sprintf("%s/%s.%s.svc.cluster.local", namespace, service, namespace), addressService)
	waypoint := bytesOf(message, serviceWaypoint)
	if ip, ok := netip.AddrFromSlice(bytesOf(bytesOf(waypoint, gatewayAddress), networkAddressRaw)); ok {
		return ip.String()
	}
	return string(bytesOf(bytesOf(waypoint, gatewayHostname), namespacedHostname))
}

// field is the workload or the service of an Address that is held.
func (d *Discovery) field(name string, field protowire.Number) (message []byte, there bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	address, there := d.held[name]
	return bytesOf(address, field), there
}

// bytesOf is the last value of a field of bytes, number of one that is a number.
func bytesOf(message []byte, field protowire.Number) []byte {
	value, _ := last(message, field)
	return value
}

func number(message []byte, field protowire.Number) uint64 {
	_, value := last(message, field)
	return value
}

func last(message []byte, field protowire.Number) (bytes []byte, number uint64) {
	for len(message) > 0 {
		num, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, 0
		}
		message = message[n:]
		n = protowire.ConsumeFieldValue(num, kind, message)
		if n < 0 {
			return nil, 0
		}
		if num == field && kind == protowire.BytesType {
			bytes, _ = protowire.ConsumeBytes(message)
		}
		if num == field && kind == protowire.VarintType {
			number, _ = protowire.ConsumeVarint(message)
		}
		message = message[n:]
	}
	return bytes, number
}
