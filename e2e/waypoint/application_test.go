package waypoint

import (
	"io"
	"net/http"
	"testing"

	"github.com/coastwise/coastwise/e2e/backend"
)

// The headers that the application knows.
const (
	// nameHeader is the name under which a request is counted.
	nameHeader = "X-Name"
	// breakHeader names a zone whose pods break the connection off unanswered.
	breakHeader = "X-Break"
	// toldHeader is of answers: what the request said of its client.
	toldHeader = "X-Told"
)

// clientHeader is where a waypoint says who the client is.
const clientHeader = "X-Forwarded-Client-Cert"

// application counts what comes, and says who the client is said to be.
func (p *pod) application(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked[r.Header.Get(nameHeader)]++
		p.mu.Unlock()
		if r.Header.Get(breakHeader) == p.zone.zone {
			panic(http.ErrAbortHandler)
		}
		w.Header()[toldHeader] = r.Header[clientHeader]
		next.ServeHTTP(w, r)
	})
}

// came is how many requests of a name came to the applications of each zone.
func (m *mesh) came(name string) [3]int {
	var out [3]int
	for zone := range m.pods {
		for _, p := range m.pods[zone] {
			p.mu.Lock()
			out[zone] += p.asked[name]
			p.mu.Unlock()
		}
	}
	return out
}

// answer is what one request brought.
type answer struct {
	status int
	from   string
	told   []string
}

// ask sends one request on a connection of its own.
func ask(t *testing.T, d dialer, method, at string, header map[string]string) answer {
	t.Helper()
	transport := &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+at+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := (&http.Client{Transport: transport, Timeout: patience}).Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, at, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return answer{resp.StatusCode, resp.Header.Get(backend.EndpointHeader), resp.Header[toldHeader]}
}
