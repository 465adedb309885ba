package xds

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/coastwise/coastwise/translate/envoy"
)

// pages is a log that can be read while it is written.
type pages struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *pages) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *pages) count(s string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.text.String(), s)
}

// logged gives a rig a log; nobody has connected yet.
func (r *rig) logged() *pages {
	p := &pages{}
	r.config.Log = slog.New(slog.NewTextHandler(p, nil))
	return p
}

func TestRefusedStreamsAreCounted(t *testing.T) {
	r := newRig(t, func(l *ServerLimits) { l.FirstRequest = 2 * time.Second })
	log, began := r.logged(), time.Now()
	for range 3 {
		r.open().say(ask(node("default/nowhere"), envoy.ClusterType, "*")).ends(codes.InvalidArgument, "no place for it")
	}
	r.open().say(ask(nil, envoy.ClusterType, "*")).ends(codes.InvalidArgument, "must carry a node")
	r.open().ends(codes.DeadlineExceeded, "no request")
	r.ready.Store(false)
	r.open().ends(codes.Unavailable, "not ready")
	for reason, want := range map[string]float64{notAdmitted: 3, invalidNode: 1, noRequest: 1, notReady: 1} {
		if got := r.figure("coastwise_streams_refused_total", reason); got != want {
			t.Errorf("%s: %v, want %v", reason, got, want)
		}
	}
	seconds := 1 + int(time.Since(began).Seconds())
	if got := log.count("a stream was refused"); got < 1 || got > 5+seconds {
		t.Errorf("%d lines", got)
	}
	if got := log.count(`"a stream was refused" reason=not_admitted peer=bufconn`); got < 1 || got > seconds {
		t.Errorf("%d lines of a peer within %d seconds", got, seconds)
	}
}

func TestQuiet(t *testing.T) {
	var q quiet
	start := time.Unix(100, 0)
	ask := func(peer string, after time.Duration) string {
		before, ok := q.ask(peer, start.Add(after))
		return fmt.Sprint(before, ok)
	}
	for _, tt := range []struct {
		peer  string
		after time.Duration
		want  string
	}{
		{"a", 0, "0 true"},
		{"a", 1, "0 false"},
		{"b", 2, "0 true"},
		{"a", time.Second - 1, "0 false"},
		{"a", time.Second, "2 true"},
		{"a", 2*time.Second - 1, "0 false"},
	} {
		if got := ask(tt.peer, tt.after); got != tt.want {
			t.Errorf("%s after %v: %s, want %s", tt.peer, tt.after, got, tt.want)
		}
	}
	lines := 0
	for i := range 3 * quietPeers {
		if _, ok := q.ask(fmt.Sprint(i), start.Add(time.Minute)); ok {
			lines++
		}
	}
	if lines != quietPeers+1 || len(q.peers) != quietPeers+1 {
		t.Errorf("a flood of peers: %d lines, %d remembered", lines, len(q.peers))
	}
	ask("x", time.Hour)
	if len(q.peers) != 1 {
		t.Errorf("%d remembered after the flood", len(q.peers))
	}
}

func TestHostOf(t *testing.T) {
	for address, want := range map[string]string{"127.0.0.1:7": "127.0.0.1", "[::1]:7": "::1", "bufconn": "bufconn", "": ""} {
		if got := hostOf(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

// TestSharedID: two live streams of one id are both marked, and told of once.
func TestSharedID(t *testing.T) {
	r := newRig(t, nil)
	log := r.logged()
	join := func() *peerStream {
		p := r.open().say(ask(node("default/x"), envoy.ClusterType, "*"))
		p.say(ack(p.hear()))
		return p
	}
	marks := func(want ...bool) {
		t.Helper()
		r.eventually(fmt.Sprint("marked ", want), func() bool {
			var got []bool
			for _, p := range r.Proxies() {
				if p.Peer != "bufconn" {
					t.Errorf("peer %q", p.Peer)
				}
				got = append(got, p.SharedID)
			}
			return fmt.Sprint(got) == fmt.Sprint(want)
		})
	}
	const warning = "two live streams have one id"
	first := join()
	marks(false)
	second := join()
	marks(true, true)
	second.cancel()
	marks(false)
	second = join()
	marks(true, true)
	if got := log.count(warning); got != 1 {
		t.Errorf("warned %d times", got)
	}
	first.cancel()
	second.cancel()
	marks()
	join()
	marks(false)
	join()
	marks(true, true)
	r.eventually("warned anew", func() bool { return log.count(warning) == 2 })
}

// TestSharedIDOfGRPC: a gRPC client has a stream for each target that it dials, so
// nobody is told of a second.
func TestSharedIDOfGRPC(t *testing.T) {
	r := newRig(t, nil)
	log := r.logged()
	n := node("default/x")
	n.Metadata = claimsOf(t, map[string]any{"kind": "grpc"})
	for range 2 {
		r.open().say(ask(n, envoy.ClusterType, "a"))
	}
	r.eventually("two streams, none marked", func() bool {
		got := r.Proxies()
		return len(got) == 2 && !got[0].SharedID && !got[1].SharedID
	})
	if got := log.count("two live streams have one id"); got != 0 {
		t.Errorf("warned %d times", got)
	}
}
