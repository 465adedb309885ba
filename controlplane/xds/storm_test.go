package xds

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/translate/envoy"
)

// storm is a crowd of hostile clients; stop ends them, and done waits.
type storm struct {
	r    *rig
	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup
	// streams were opened; codes are how they ended.
	streams atomic.Int64
	mu      sync.Mutex
	codes   map[codes.Code]int
}

// stream says everything once it is open, in turn until something ends it.
func (s *storm) stream(conn *grpc.ClientConn, say func(i int) *discoveryv3.DeltaDiscoveryRequest) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	p, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	s.streams.Add(1)
	if err == nil {
		for i := 0; err == nil && say(i) != nil; i++ {
			err = p.Send(say(i))
		}
		_, err = p.Recv()
	}
	s.mu.Lock()
	s.codes[status.Code(err)]++
	s.mu.Unlock()
}

// crowd runs clients, each with a connection of its own and so many streams at a
// time, until the storm ends.
func (s *storm) crowd(clients, streams int, client func(conn *grpc.ClientConn)) {
	for range clients {
		conn := s.r.dial()
		for range streams {
			s.done.Go(func() {
				for s.ctx.Err() == nil {
					client(conn)
					time.Sleep(250 * time.Millisecond) // this process has the clients' work to do too
				}
			})
		}
	}
}

// TestStorm: 1,000 connections that say nothing, 10,000 streams, giant names and
// requests without end disturb nobody who was there.
func TestStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	r := newRig(t, nil)
	honest := make([]*peerStream, 10)
	for i := range honest {
		honest[i] = r.open().say(ask(node(fmt.Sprint("default/honest", i)), envoy.ClusterType, "a"))
		honest[i].say(ack(honest[i].hear()))
	}
	s := &storm{r: r, codes: map[codes.Code]int{}}
	s.ctx, s.stop = context.WithTimeout(context.Background(), 10*time.Second)
	defer func() { s.stop(); s.done.Wait() }()
	for range 1000 {
		c, err := r.listener.Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		greet(t, c)
		s.done.Go(func() { swallow(s.ctx, c) })
	}
	s.crowd(60, 16, func(conn *grpc.ClientConn) { // come, and go once answered
		s.stream(conn, once(ask(node("default/x"), envoy.ClusterType, "*")))
	})
	long := strings.Repeat("n", 2<<10)
	s.crowd(5, 4, func(conn *grpc.ClientConn) { s.stream(conn, once(ask(node("default/y"), envoy.ClusterType, long))) })
	s.crowd(5, 1, func(conn *grpc.ClientConn) {
		s.stream(conn, func(int) *discoveryv3.DeltaDiscoveryRequest { return ask(node("default/z"), envoy.ClusterType, "a") })
	})
	waits := r.waits(honest, func() bool { return s.ctx.Err() != nil || s.streams.Load() >= 10_000 })
	slices.Sort(waits)
	median, worst := waits[len(waits)/2], waits[len(waits)-1]
	s.mu.Lock()
	t.Logf("%d streams, %v; of %d updates the median took %s, the slowest %s", s.streams.Load(), s.codes, len(waits), median, worst)
	if s.codes[codes.ResourceExhausted] == 0 || s.codes[codes.InvalidArgument] == 0 {
		t.Errorf("nobody is refused: %v", s.codes)
	}
	s.mu.Unlock()
	if worst > 5*time.Second { // less than a tenth of it where the cores are free
		t.Errorf("an update waited %s", worst)
	}
}

// once is one request, and no more.
func once(m *discoveryv3.DeltaDiscoveryRequest) func(int) *discoveryv3.DeltaDiscoveryRequest {
	return func(i int) *discoveryv3.DeltaDiscoveryRequest {
		if i > 0 {
			return nil
		}
		return m
	}
}

// swallow reads all that comes until ctx ends.
func swallow(ctx context.Context, c net.Conn) {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	for {
		if _, err := c.Read(make([]byte, 1<<10)); err != nil {
			return
		}
	}
}

// waits publishes until over, and tells how long each of these had to wait for each
// change.
func (r *rig) waits(all []*peerStream, over func() bool) []time.Duration {
	var out []time.Duration
	for i := 0; !over(); i++ {
		begun := time.Now()
		r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "a", fmt.Sprint("v", i)) })
		for _, p := range all {
			m := p.hear()
			out = append(out, time.Since(begun))
			p.say(ack(m))
		}
		time.Sleep(20 * time.Millisecond)
	}
	return out
}
