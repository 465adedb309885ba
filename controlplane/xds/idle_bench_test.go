package xds

import (
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkIdleConnection measures what a connection costs us that has said what
// HTTP/2 wants to hear and nothing more: heap and stacks, without TLS and without the
// kernel's buffers. Loopback, 500 at a time.
func BenchmarkIdleConnection(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := New(Config{
		Hub: newTestHub(newWorld()), Ready: func() bool { return true }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Metrics: NewMetrics(prometheus.NewRegistry()), Limits: DefaultServerLimits(),
	})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	defer func() {
		s.Stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	}()
	const n = 500
	for b.Loop() {
		before := inUse()
		conns := make([]net.Conn, n)
		for i := range conns {
			if conns[i], err = net.Dial("tcp", l.Addr().String()); err != nil {
				b.Fatal(err)
			}
			greet(b, conns[i])
			if err := frames(conns[i], 0x4); err != nil { // its settings
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(inUse()-before)/n, "B/connection")
		for _, c := range conns {
			c.Close()
		}
		for s.gate.count() > 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sitting + g.standing
}

// inUse is heap and stacks after a collection.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
