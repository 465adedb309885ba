package xds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	statusv3 "github.com/envoyproxy/go-control-plane/envoy/service/status/v3"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/translate/envoy"
)

// TestStreamRate: as many streams as a second has may begin at once, some wait for
// their turn, and the others are refused before anything of them is read.
func TestStreamRate(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.StreamsPerSecond, l.StreamWait = 2, time.Second })
	begun := time.Now()
	for i := range 3 {
		r.open().say(ask(node(fmt.Sprint("default/x", i)), envoy.ClusterType, "*")).hear()
	}
	if waited := time.Since(begun); waited < 400*time.Millisecond {
		t.Errorf("the third stream of 2 a second waited %s", waited)
	}
}

func TestStreamRateExceeded(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.StreamsPerSecond, l.StreamWait = 1, 0 })
	r.begins.SetLimit(0.001) // however slow this machine is
	r.open().say(ask(node("default/x"), envoy.ClusterType, "*")).hear()
	r.open().ends(codes.ResourceExhausted, "more than 1 streams begin in a second")
	if got := r.figure("coastwise_streams_refused_total", streamRate); got != 1 {
		t.Errorf("%v are counted", got)
	}
}

// TestCallsHaveTheRateOfStreams: nobody makes the server ask who they are more often by
// calls than by streams; probes ask nobody.
func TestCallsHaveTheRateOfStreams(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.StreamsPerSecond, l.StreamWait = 1, 0 })
	r.begins.SetLimit(0.001)
	var asked atomic.Int32
	r.config.Verify = func(context.Context) (Verified, error) {
		asked.Add(1)
		return Verified{}, status.Error(codes.Unauthenticated, "who are you?")
	}
	for _, want := range []codes.Code{codes.Unauthenticated, codes.ResourceExhausted, codes.ResourceExhausted} {
		if _, err := r.csds().FetchClientStatus(t.Context(), &statusv3.ClientStatusRequest{}); status.Code(err) != want {
			t.Errorf("%v, want %v", err, want)
		}
	}
	r.open().ends(codes.ResourceExhausted, "begin in a second")
	if n := asked.Load(); n != 1 {
		t.Errorf("it was asked %d times who calls", n)
	}
	if _, err := healthv1.NewHealthClient(r.dial()).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
}

// TestStreamWaitEnds: who waits for its turn is sent away when the server stops.
func TestStreamWaitEnds(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.StreamsPerSecond, l.StreamWait = 1, time.Hour })
	r.begins.SetLimit(0.001)
	r.open().say(ask(node("default/x"), envoy.ClusterType, "*")).hear()
	waits := r.open()
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Drain(ctx, 0) }()
	waits.ends(codes.Unavailable, "stopping")
	cancel()
	<-done
}

func TestThrottle(t *testing.T) {
	l := DefaultServerLimits()
	l.RequestsPerSecond, l.RequestBurst, l.RequestWait = 10, 20, 5*time.Second
	q := newThrottle(l)
	now := time.Unix(1000, 0)
	take := func(bytes int) (time.Duration, bool) { return q.take(now, bytes) }
	for range 20 {
		if wait, ok := take(100); wait != 0 || !ok {
			t.Fatal("the burst is throttled", wait, ok)
		}
	}
	if wait, ok := take(0); wait != 100*time.Millisecond || !ok {
		t.Fatal(wait, ok)
	}
	now = now.Add(200 * time.Millisecond)
	if wait, _ := take(0); wait != 0 {
		t.Fatal("what was waited for is waited for again", wait)
	}
	if wait, _ := take(9 * bytesPerCost); wait != time.Second {
		t.Fatal("a large request", wait)
	}
	for range 100 { // a client that sends the next as soon as the last was taken
		wait, ok := take(0)
		if !ok {
			if since := now.Sub(time.Unix(1000, 0)); since < 5*time.Second || since > 6*time.Second {
				t.Fatal("refused after", since)
			}
			return
		}
		now = now.Add(wait)
	}
	t.Fatal("never refused")
}

// TestRequestStorm: a client that asks without end is read from slowly, then ended.
func TestRequestStorm(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) {
		l.RequestsPerSecond, l.RequestBurst, l.RequestWait = 50, 10, 200*time.Millisecond
	})
	p := r.open().say(ask(node("default/x"), envoy.ClusterType, "a"))
	go func() {
		for range 10_000 {
			if p.Send(ask(nil, envoy.ClusterType, "a")) != nil {
				return
			}
		}
	}()
	p.ends(codes.ResourceExhausted, "more than 50 requests a second")
	if got := r.figure("coastwise_streams_throttled_total", ""); got != 1 {
		t.Errorf("%v are counted", got)
	}
}

// TestHonestClients: the requests of a client that follows hundreds of clusters, and
// answers as fast as it can, in either encoding, are a handful besides its answers.
func TestHonestClients(t *testing.T) {
	const clusters = 500
	limits := func(l *ServerLimits) { l.RequestsPerSecond, l.RequestBurst, l.RequestWait = 1, 12, 0 }
	fill := func(r *rig) {
		r.hub.publish(func(w *world) {
			for i := range clusters {
				name := fmt.Sprintf("outbound|80||s%04d.default.svc.cluster.local", i)
				w.set(envoy.ClusterType, name, "1")
				w.set(envoy.EndpointType, name, "1")
			}
		})
	}
	t.Run("delta", func(t *testing.T) {
		r := newRig(t, limits)
		fill(r)
		p := r.open().say(ask(node("default/x"), envoy.ClusterType, "*"))
		for got := 0; got < clusters+2; {
			m := p.hear()
			if m.TypeUrl == envoy.ClusterType {
				var names []string
				for _, res := range m.Resources {
					names = append(names, res.Name)
				}
				p.say(ask(nil, envoy.EndpointType, names...))
			} else {
				got += len(m.Resources)
			}
			p.say(ack(m))
		}
	})
	t.Run("state of the world", func(t *testing.T) {
		r := newRig(t, limits)
		fill(r)
		p := r.openWhole().say(&discoveryv3.DiscoveryRequest{
			Node: node("default/x"), TypeUrl: envoy.ClusterType, ResourceNames: []string{"*"},
		})
		var names []string
		for got := 0; got < clusters+2; {
			m, _ := p.hear()
			answer := &discoveryv3.DiscoveryRequest{TypeUrl: m.TypeUrl, ResponseNonce: m.Nonce, VersionInfo: m.VersionInfo, ResourceNames: []string{"*"}}
			if m.TypeUrl == envoy.ClusterType {
				for _, res := range m.Resources {
					name, _, _ := strings.Cut(string(res.Value), "=")
					names = append(names, name)
				}
				p.say(&discoveryv3.DiscoveryRequest{TypeUrl: envoy.EndpointType, ResourceNames: names})
			} else {
				got += len(m.Resources)
				answer.ResourceNames = names
			}
			p.say(answer)
		}
	})
}

// TestLargeHeaders: a stream with large headers is refused by itself.
func TestLargeHeaders(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.HeaderBytes = 4 << 10 })
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(context.Background(), "x", strings.Repeat("x", 5<<10)))
	defer cancel()
	s, err := discoveryv3.NewAggregatedDiscoveryServiceClient(r.dial()).DeltaAggregatedResources(ctx)
	if err == nil {
		_, err = s.Recv()
	}
	if status.Code(err) == codes.OK || errors.Is(err, io.EOF) {
		t.Errorf("served: %v", err)
	}
	r.open().say(ask(node("default/x"), envoy.ClusterType, "*")).hear()
}
