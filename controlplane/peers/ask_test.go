package peers

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// taps sees every request and answers none.
type taps struct{ seen []*http.Request }

func (t *taps) RoundTrip(r *http.Request) (*http.Response, error) {
	t.seen = append(t.seen, r)
	return nil, errors.New("nobody is there")
}

// TestTheTokenStaysHere: in plaintext it goes to nobody but this machine.
func TestTheTokenStaysHere(t *testing.T) {
	for _, c := range []struct {
		address string
		tls     *tls.Config
		want    string // the URL up to the path, and the token
	}{
		{"127.0.0.1:15011", nil, "http://127.0.0.1:15011 Bearer planted"},
		{"[::1]:15011", nil, "http://[::1]:15011 Bearer planted"},
		{"10.0.0.1:15011", nil, "http://10.0.0.1:15011 "},
		{"localhost.evil.example:15011", nil, "http://localhost.evil.example:15011 "},
		{"10.0.0.1:15011", &tls.Config{MinVersion: tls.VersionTLS13}, "https://10.0.0.1:15011 Bearer planted"},
	} {
		wire := &taps{}
		p := NewPool(PoolConfig{
			Members: func() []Member { return []Member{{Name: "cw-1", Address: c.address}} },
			TLS:     c.tls, Token: func() (string, error) { return "planted", nil }, Log: quiet(),
		})
		p.http.Transport = wire
		if answers := p.Proxies(t.Context()); len(answers) != 1 || answers[0].Err == nil || len(wire.seen) != 1 {
			t.Fatalf("%+v, %d requests", answers, len(wire.seen))
		}
		r := wire.seen[0]
		if got := strings.TrimSuffix(r.URL.String(), proxiesPath) + " " + r.Header.Get("Authorization"); got != c.want {
			t.Errorf("%s: %q, want %q", c.address, got, c.want)
		}
	}
}

// TestNobodySendsUsElsewhere: an answer that points to another address is an error.
func TestNobodySendsUsElsewhere(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		w.Write([]byte("[]")) //nolint:errcheck // counted all the same
	}))
	defer other.Close()
	one := httptest.NewServer(http.RedirectHandler(other.URL+proxiesPath, http.StatusTemporaryRedirect))
	defer one.Close()
	p := NewPool(PoolConfig{
		Members: func() []Member { return []Member{{Name: "cw-1", Address: one.Listener.Addr().String()}} },
		Token:   func() (string, error) { return "planted", nil }, Log: quiet(),
	})
	defer p.http.CloseIdleConnections()
	answers := p.Proxies(t.Context())
	if elsewhere.Load() != 0 || len(answers) != 1 || answers[0].Err == nil || !strings.Contains(answers[0].Err.Error(), "307") {
		t.Errorf("%d calls elsewhere, %+v", elsewhere.Load(), answers)
	}
}
