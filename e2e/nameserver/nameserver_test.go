package nameserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"
)

// The standard library's resolver understands the answers.
func TestResolve(t *testing.T) {
	s, err := Start("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Set("a.test", "127.0.9.1", "127.0.9.2"); err != nil {
		t.Fatal(err)
	}
	if s.Set("b.test", "::1") == nil {
		t.Error("an IPv6 address was taken")
	}
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", fmt.Sprintf("127.0.0.1:%d", s.Port()))
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := r.LookupHost(ctx, "A.test.")
	slices.Sort(got)
	if err != nil || !slices.Equal(got, []string{"127.0.9.1", "127.0.9.2"}) {
		t.Errorf("%v, %v", got, err)
	}
	var wrong *net.DNSError
	if _, err := r.LookupHost(ctx, "none.test."); !errors.As(err, &wrong) || !wrong.IsNotFound {
		t.Errorf("unknown: %v", err)
	}
	s.Fail(true)
	if _, err := r.LookupHost(ctx, "a.test."); !errors.As(err, &wrong) || wrong.IsNotFound {
		t.Errorf("failing: %v", err)
	}
}

func TestQuestion(t *testing.T) {
	header := make([]byte, headerSize)
	for _, bad := range []string{"", "\x01", "\x01a", "\x01a\x00\x00\x01", "\x40" + string(make([]byte, 80)), "\xc0\x0c\x00\x00\x00\x00"} {
		if name, end := question(append(header[:headerSize:headerSize], bad...)); end != 0 {
			t.Errorf("%q: %q, %d", bad, name, end)
		}
	}
	if name, end := question([]byte("xx")); end != 0 {
		t.Errorf("%q, %d", name, end)
	}
}
