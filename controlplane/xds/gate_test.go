package xds

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/coastwise/coastwise/translate/envoy"
)

// on opens a stream on a connection that is there.
func (r *rig) on(conn *grpc.ClientConn) *peerStream {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a test that hears nothing fails
	r.t.Cleanup(cancel)
	s, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return &peerStream{s, r.t, cancel}
}

func (r *rig) seats() (sitting, standing int) {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	return r.gate.sitting, r.gate.standing
}

// TestConnections: beyond the most streams are refused with words, beyond a tenth
// more connections are closed unread, and who waits gets the place that becomes free.
func TestConnections(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.Connections = 2 })
	first := r.dial()
	r.on(first).say(ask(node("default/a"), envoy.ClusterType, "*")).hear()
	r.open().say(ask(node("default/b"), envoy.ClusterType, "*")).hear()
	third := r.dial()
	r.on(third).ends(codes.ResourceExhausted, "2 connections")
	raw, err := r.listener.Dial()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := raw.Read(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes for a connection too many", n)
	}
	if got := r.figure("coastwise_streams_refused_total", connectionsFull); got != 2 {
		t.Errorf("%v are counted", got)
	}
	first.Close()
	r.eventually("the place is free", func() bool { sitting, _ := r.seats(); return sitting == 1 })
	r.on(third).say(ask(node("default/c"), envoy.ClusterType, "*")).hear()
	if sitting, standing := r.seats(); sitting != 2 || standing != 0 {
		t.Errorf("%d sit, %d stand", sitting, standing)
	}
	third.Close()
	raw.Close()
	r.eventually("it left", func() bool { sitting, standing := r.seats(); return sitting == 1 && standing == 0 })
}

// TestHealthWhenFull: whoever asks for health is answered by a full server too.
func TestHealthWhenFull(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.Connections = 1 })
	r.open().say(ask(node("default/a"), envoy.ClusterType, "*")).hear()
	h, err := healthv1.NewHealthClient(r.dial()).Check(context.Background(), &healthv1.HealthCheckRequest{})
	if err != nil || h.Status != healthv1.HealthCheckResponse_SERVING {
		t.Error(h, err)
	}
}

// TestConnectionsOfOneClient: a verified pod has 4 connections, however it calls
// itself, with as many streams as it likes; gRPC clients and credentials that many
// pods share have more; and who is not verified is not counted.
func TestConnectionsOfOneClient(t *testing.T) {
	grpcKind := claimsOf(t, map[string]any{"kind": "grpc"})
	for name, c := range map[string]struct {
		who  *Verified
		node *corev3.Node
		most int
	}{
		"pod":     {&Verified{Namespace: "shop", ServiceAccount: "cart", Pod: "cart-1"}, node("shop/cart-1"), 2},
		"grpc":    {&Verified{Namespace: "shop", ServiceAccount: "cart", Pod: "cart-1"}, &corev3.Node{Id: "shop/cart-1", Metadata: grpcKind}, 3},
		"account": {&Verified{Namespace: "shop", ServiceAccount: "cart"}, node("shop/cart-1"), 3},
		"nobody":  {nil, node("shop/cart-1"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(l *ServerLimits) { l.ConnectionsPerPod, l.ConnectionsShared = 2, 3 })
			if c.who != nil {
				r.config.Verify = func(context.Context) (Verified, error) { return *c.who, nil }
			}
			var conns []*grpc.ClientConn
			for range max(c.most, 5) {
				if len(conns) == c.most && c.most > 0 {
					break
				}
				conns = append(conns, r.dial())
				for range 2 {
					r.on(conns[len(conns)-1]).say(ask(c.node, envoy.ClusterType, "a")).hear()
				}
			}
			if c.most == 0 {
				return
			}
			r.open().say(ask(c.node, envoy.ClusterType, "a")).ends(codes.ResourceExhausted, "the most that it may have")
			if got := r.figure("coastwise_streams_refused_total", clientConnections); got != 1 {
				t.Errorf("%v are counted", got)
			}
			conns[0].Close()
			r.eventually("its streams have left", func() bool { return len(r.Proxies()) == 2*(c.most-1) })
			r.eventually("its place is free", func() bool {
				r.gate.mu.Lock()
				defer r.gate.mu.Unlock()
				for _, has := range r.gate.clients {
					return len(has) == c.most-1
				}
				return false
			})
			r.open().say(ask(c.node, envoy.ClusterType, "a")).hear()
		})
	}
}

// TestHandshakeInTime: who connects and says nothing is cut off.
func TestHandshakeInTime(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.Handshake = 50 * time.Millisecond })
	silent, err := r.listener.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := frames(silent, 0xff); !errors.Is(err, io.EOF) {
		t.Errorf("who says nothing: %v", err)
	}
}

// TestIdleConnectionIsLeft: who keeps a connection without streams is cut off.
func TestIdleConnectionIsLeft(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.ConnectionIdle = 300 * time.Millisecond })
	idle, err := r.listener.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	greet(t, idle)
	if err := frames(idle, 0x7); err != nil {
		t.Errorf("who is idle is not sent GOAWAY: %v", err)
	}
}

// frames reads HTTP/2 frames up to one of a type, or what ends the connection.
func frames(c net.Conn, until byte) error {
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	for {
		var head [9]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return err
		}
		if head[3] == until {
			return nil
		}
		if _, err := io.CopyN(io.Discard, c, int64(head[0])<<16|int64(head[1])<<8|int64(head[2])); err != nil {
			return err
		}
	}
}

// greet says what HTTP/2 wants to hear of a client, and no more: the preface and
// empty settings.
func greet(t testing.TB, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")); err != nil {
		t.Fatal(err)
	}
}
