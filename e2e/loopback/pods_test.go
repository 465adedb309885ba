package loopback_test

import (
	"net"
	"testing"

	"github.com/coastwise/coastwise/e2e/loopback"
)

// Two blocks' pods have addresses of their own that servers listen on.
func TestPods(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		b, err := loopback.Claim()
		if err != nil {
			t.Fatal(err)
		}
		defer b.Release()
		p, err := b.Pods()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Route(); err != nil {
			t.Fatal(err)
		}
		ip := p.Next()
		for _, a := range []string{p.First(), ip, p.Next()} {
			if seen[a] {
				t.Errorf("%s was given out before", a)
			}
			seen[a] = true
		}
		listen(t, ip, true)
		if err := p.Release(); err != nil {
			t.Fatal(err)
		}
		listen(t, ip, false)
	}
}

func listen(t *testing.T, ip string, works bool) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if (err == nil) != works {
		t.Errorf("listening on %s: %v", ip, err)
	}
	if err == nil {
		l.Close()
	}
}
