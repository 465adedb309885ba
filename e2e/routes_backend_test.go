package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
)

// slow is how long a slow witness takes, unless nobody waits for it any more.
const slow = 20 * time.Second

// witness is a backend of this process that tells what it was asked, and does as it is told.
type witness struct {
	at string

	mu   sync.Mutex
	mode string // "" answers; "503", "reset" and "slow" fail
	got  []sighting
}

// sighting is one request as a backend saw it, and the answer's body.
type sighting struct {
	Method, Host, Path string
	Header             http.Header
}

// witness starts one as the n-th endpoint of a zone.
func (s *scene) witness(zone, n int) *witness {
	s.t.Helper()
	e := &witness{at: fmt.Sprintf("%s:%d", s.endpoint(zone, n), s.ports.Backend)}
	l, err := net.Listen("tcp", e.at)
	if err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	s.t.Cleanup(func() { _ = server.Close(); <-done })
	return e
}

func (e *witness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seen := sighting{r.Method, r.Host, r.URL.RequestURI(), r.Header}
	e.mu.Lock()
	e.got = append(e.got, seen)
	mode := e.mode
	e.mu.Unlock()
	w.Header().Set(backend.EndpointHeader, e.at)
	switch mode {
	case "503":
		w.WriteHeader(http.StatusServiceUnavailable)
	case "reset":
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	case "slow":
		select {
		case <-r.Context().Done():
		case <-time.After(slow):
		}
	default:
		_ = json.NewEncoder(w).Encode(seen)
	}
}

// becomes changes the mode, and forgets what was asked.
func (e *witness) becomes(mode string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mode, e.got = mode, nil
}

// asked are the requests since.
func (e *witness) asked() []sighting {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]sighting(nil), e.got...)
}

// reply is one answer.
type reply struct {
	status   int
	endpoint string
	header   http.Header
	asked    sighting // as the backend saw it
}

// request sends one request through the client's HTTP proxy port.
func (c *client) request(t *testing.T, method, host, path string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.flags.Proxy()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	direct := &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := direct.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	out := reply{status: resp.StatusCode, endpoint: resp.Header.Get(backend.EndpointHeader), header: resp.Header}
	if resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(&out.asked); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return out
}

// sharesOf are the percents of n requests by who answered, or by the status of failures.
func (c *client) sharesOf(t *testing.T, host string, n int) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for range n {
		got := c.request(t, http.MethodGet, host, "/")
		by := got.endpoint
		if got.status != http.StatusOK {
			by = fmt.Sprint(got.status)
		}
		out[by] += 100 / float64(n)
	}
	return out
}
