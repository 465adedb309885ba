package xds

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/translate/envoy"
)

// openOn opens a stream on a connection of the caller's.
func (r *rig) openOn(conn *grpc.ClientConn) *peerStream {
	ctx, cancel := context.WithCancel(context.Background())
	r.t.Cleanup(cancel)
	s, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return &peerStream{s, r.t, cancel}
}

// leaver is one of many clients of a server that drains.
type leaver struct {
	conn   *grpc.ClientConn
	stream *peerStream
	// left is when its stream had ended and its connection could not be used any more.
	left time.Time
	err  error
}

// watch notes when the client is told to go.
func (l *leaver) watch(within time.Duration) {
	_, l.err = l.stream.Recv()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for l.conn.GetState() == connectivity.Ready && l.conn.WaitForStateChange(ctx, connectivity.Ready) {
	}
	if ctx.Err() == nil {
		l.left = time.Now()
	}
}

// TestDrainIsSpread: in every stretch of the time about as many clients are told to
// go, each by its stream's end and with its connection.
func TestDrainIsSpread(t *testing.T) { synctest.Test(t, drainIsSpread) }

func drainIsSpread(t *testing.T) {
	const clients, over, parts = 100, 1500 * time.Millisecond, 3
	r := newRig(t, nil)
	leavers := make([]*leaver, clients)
	var watching sync.WaitGroup
	for i := range leavers {
		conn := r.dial()
		l := &leaver{conn: conn, stream: r.openOn(conn).say(ask(node(fmt.Sprintf("default/x%d", i)), envoy.ClusterType, "*"))}
		l.stream.say(ack(l.stream.hear()))
		leavers[i] = l
	}
	began := time.Now()
	for _, l := range leavers {
		watching.Go(func() { l.watch(over / 3) })
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*over)
	defer cancel()
	r.Drain(ctx, over)
	if took := time.Since(began); took < over*9/10 || took > 2*over {
		t.Errorf("the drain took %v, not about %v", took, over)
	}
	watching.Wait()
	var in [parts]int
	for _, l := range leavers {
		if status.Code(l.err) != codes.Unavailable || status.Convert(l.err).Message() != "the server is stopping" {
			t.Fatalf("a stream ended with %v", l.err)
		}
		if l.left.IsZero() {
			t.Fatal("a client's connection was usable after its stream had ended")
		}
		in[min(parts-1, int(l.left.Sub(began)*parts/over))]++
	}
	for _, n := range in {
		if n < clients/parts/2 || n > clients/parts*3/2 {
			t.Errorf("clients that left in each third: %v", in)
			break
		}
	}
}

// TestDrainSendsAllOfAStep: the end of a stream waits for the responses that its
// owner is sending.
func TestDrainSendsAllOfAStep(t *testing.T) {
	r := newRig(t, nil)
	var names []string
	r.hub.publish(func(w *world) {
		for i := range 20 { // each travels alone, and no two fit into the connection
			names = append(names, fmt.Sprintf("e%02d", i))
			w.set(envoy.EndpointType, names[i], fmt.Sprintf("%0*d", 64<<10, i))
		}
	})
	p := r.open().say(ask(node("default/x"), envoy.EndpointType, names...))
	var got []string
	hear := func() {
		for _, res := range p.hear().Resources {
			got = append(got, res.Name)
		}
	}
	hear()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		r.Drain(ctx, 0)
	}()
	r.eventually("its shard leaves", func() bool {
		for _, sh := range r.busy() {
			select {
			case <-sh.leaving:
				return true
			default:
			}
		}
		return false
	})
	for len(got) < len(names) {
		hear()
	}
	p.ends(codes.Unavailable, "stopping")
	<-drained
	if slices.Sort(got); !slices.Equal(got, names) {
		t.Errorf("got %v", got)
	}
}

// TestUnreadyServes: what is unready serves as before, also who comes now; once it
// drains nobody gets in.
func TestUnreadyServes(t *testing.T) {
	r := newRig(t, nil)
	r.Unready()
	p := r.open().say(ask(node("default/x"), envoy.ClusterType, "*"))
	p.say(ack(p.hear()))
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "a", "2") })
	if got := versions(p.hear()); got != "a=2" {
		t.Error(got)
	}
	h, err := healthv1.NewHealthClient(r.dial()).Check(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil || h.Status != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health: %v %v", h, err)
	}
	silent := r.open().say(ask(node("default/y"), envoy.EndpointType))
	r.eventually("both are there", func() bool { return len(r.Proxies()) == 2 })
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		r.Drain(ctx, 0)
	}()
	p.ends(codes.Unavailable, "stopping")
	if _, err := r.listener.DialContext(t.Context()); err == nil {
		t.Error("a new connection was accepted by a server that drains")
	}
	// A stream that has had no response is served still, and ends then.
	silent.say(ask(nil, envoy.EndpointType, "a"))
	if got := versions(silent.hear()); got != "a=1" {
		t.Error(got)
	}
	silent.ends(codes.Unavailable, "stopping")
	<-drained
	cancel()
}

// TestDrainWaitsForNoHandshake: a connection that says nothing does not hold up the end.
func TestDrainWaitsForNoHandshake(t *testing.T) {
	r := newRig(t, nil)
	var mute []net.Conn
	for range 2 * shardCount {
		c, err := r.listener.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		mute = append(mute, c)
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	r.Drain(ctx, 100*time.Millisecond)
	if took := time.Since(began); took > 200*time.Millisecond+2*cutTime {
		t.Errorf("the drain took %v", took)
	}
	for _, c := range mute {
		c.Close()
	}
}
