package xds

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/codes"

	"github.com/coastwise/coastwise/translate/envoy"
)

func TestEqualVersionsAndReconnect(t *testing.T) {
	r := newRig(t, nil)
	p := r.open().say(ask(node("default/x"), envoy.ClusterType, "*"))
	q := r.open().say(ask(node("default/y"), envoy.ClusterType, "*"))
	first, second := p.hear(), q.hear()
	if versions(first) != "a=1 b=1" || versions(first) != versions(second) {
		t.Errorf("%s, %s", versions(first), versions(second))
	}
	if first.Nonce == second.Nonce {
		t.Error("two streams share a nonce")
	}
	p.cancel()
	again := ask(node("default/x"), envoy.ClusterType, "*")
	again.InitialResourceVersions = map[string]string{"a": "1", "b": "1"}
	p = r.open().say(again)
	if got := p.hear(); len(got.Resources)+len(got.RemovedResources) != 0 {
		t.Errorf("a reconnected client is sent %s", versions(got))
	}
}

func TestWatchesByName(t *testing.T) {
	r := newRig(t, nil)
	watches := func(all bool, names ...string) {
		t.Helper()
		r.eventually(strings.Join(names, " "), func() bool {
			r.hub.mu.Lock()
			defer r.hub.mu.Unlock()
			for m := range r.hub.members {
				return m.all == all && slices.Equal(m.watched, names)
			}
			return false
		})
	}
	p := r.open().say(ask(node("default/x"), envoy.EndpointType, "a", "b"))
	watches(false, "a", "b")
	p.say(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: envoy.EndpointType, ResourceNamesUnsubscribe: []string{"a"}})
	watches(false, "b")
	p.say(ask(nil, envoy.ClusterType, "*"))
	watches(true, "b")
}

// TestSlowReader: a client that does not read is cut off, and until then holds
// up nobody else.
func TestSlowReader(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.SendTimeout = time.Second })
	big := strings.Repeat("v", 1<<20)
	r.hub.publish(func(w *world) { // gRPC takes the first message whole, and the second blocks
		w.set(envoy.EndpointType, "a", big)
		w.set(envoy.EndpointType, "b", big)
	})
	slow := r.open().say(ask(node("default/slow"), envoy.EndpointType, "a", "b"))
	r.eventually("the slow client is being sent to", func() bool { return len(r.Proxies()) == 1 })
	quick := r.open().say(ask(node("default/quick"), envoy.ClusterType, "a"))
	for i := range 20 {
		got := quick.hear()
		quick.say(ack(got))
		r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "a", string(rune('A'+i))) })
	}
	r.eventually("the slow client is gone", func() bool { return len(r.Proxies()) == 1 })
	if got := r.figure("coastwise_stream_stalls_total", ""); got != 1 {
		t.Errorf("%v stalls", got)
	}
	slow.ends(codes.Unavailable, "")
}

// TestPanic: a panic in one stream ends that stream only.
func TestPanic(t *testing.T) {
	r := newRig(t, nil)
	other := r.open().say(ask(node("default/other"), envoy.ClusterType, "*"))
	other.say(ack(other.hear()))
	r.open().say(ask(node("default/x"), envoy.EndpointType, "boom")).ends(codes.Internal, "internal error")
	r.eventually("its place is free", func() bool { return r.hub.count() == 1 })
	r.hub.publish(func(w *world) { w.set(envoy.ClusterType, "a", "2") })
	if got := versions(other.hear()); got != "a=2" {
		t.Error(got)
	}
	if got := r.figure("coastwise_stream_panics_total", ""); got != 1 {
		t.Errorf("%v panics", got)
	}
}

// TestTooManyMissing: the machine's errors end the stream with their status.
func TestTooManyMissing(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.Stream.Missing = 1 })
	r.open().say(ask(node("default/x"), envoy.EndpointType, "n1", "n2")).ends(codes.ResourceExhausted, "do not exist")
}

// TestDrain: streams that had a response end, one without stays until the time is up.
func TestDrain(t *testing.T) {
	r := newRig(t, nil)
	served := r.open().say(ask(node("default/x"), envoy.ClusterType, "*"))
	served.hear()
	silent := r.open().say(ask(node("default/y"), envoy.EndpointType))
	r.eventually("both are there", func() bool { return len(r.Proxies()) == 2 })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Drain(ctx, 0)
	}()
	served.ends(codes.Unavailable, "stopping")
	r.eventually("the other is still there", func() bool { p := r.Proxies(); return len(p) == 1 && p[0].ID == "default/y" })
	cancel()
	<-done
	silent.ends(codes.Unavailable, "")
}

// TestChurn: a thousand streams come and go, and leave nothing behind.
func TestChurn(t *testing.T) {
	r := newRig(t, nil)
	conn := r.dial()
	for range 1000 {
		ctx, cancel := context.WithCancel(context.Background())
		s, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p := &peerStream{s, t, cancel}
		p.say(ask(node("default/x"), envoy.ClusterType, "*")).hear()
		cancel()
	}
}
