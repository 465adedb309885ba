package peers

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coastwise/coastwise/translate/model"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// replica is one of several, whose report can be edited.
type replica struct {
	mu       sync.Mutex
	report   Report
	partial  bool
	refuses  error
	answered int // calls that were let in
	server   *httptest.Server
	end      context.CancelFunc
}

func newReplica(t *testing.T, name string) *replica {
	t.Helper()
	r := &replica{report: Report{Replica: name, Rollouts: map[model.ObjectRef]model.Rollout{rule("a"): {Proxies: 1, Programmed: 1}}}}
	s := NewServer(ServerConfig{
		Report: func() (Report, bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.report, !r.partial
		},
		Proxies: func() any { return []map[string]string{{"id": "default/of-" + name}} },
		Authorize: func(*http.Request) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.refuses == nil {
				r.answered++
			}
			return r.refuses
		},
		Log: quiet(),
	})
	ctx, end := context.WithCancel(context.Background())
	r.server, r.end = httptest.NewServer(s.Handler(ctx)), end
	t.Cleanup(func() {
		end()
		r.server.Close()
	})
	return r
}

func (r *replica) edit(f func(*replica)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

func (r *replica) calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answered
}

func (r *replica) programmed(n, of int) {
	r.edit(func(r *replica) {
		r.report.Rollouts = map[model.ObjectRef]model.Rollout{rule("a"): {Proxies: of, Programmed: n}}
	})
}

// get asks for a path: the status, the ETag, the body and how long it took.
func (r *replica) get(t *testing.T, path string) (status int, etag, body string, took time.Duration) {
	t.Helper()
	began := time.Now()
	resp, err := http.Get(r.server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.Trim(resp.Header.Get("ETag"), `"`), string(text), time.Since(began)
}

// prompt is well below the 10 s for which TestLongPoll asks to wait.
const prompt = 7 * time.Second

func TestLongPoll(t *testing.T) {
	defer goleak.VerifyNone(t)
	defer http.DefaultClient.CloseIdleConnections()
	r := newReplica(t, "cw-1")
	defer r.server.Close()
	status, etag, body, took := r.get(t, reportPath+"?since=other&wait=10s")
	if status != 200 || etag == "" || !strings.Contains(body, `"replica":"cw-1"`) || took > prompt {
		t.Fatalf("the first: %d %q %s after %v", status, etag, body, took)
	}
	if status, same, body, took := r.get(t, reportPath+"?wait=300ms&since="+etag); status != 304 || same != etag || body != "" || took < 300*time.Millisecond {
		t.Errorf("nothing new: %d %q %q after %v", status, same, body, took)
	}
	time.AfterFunc(200*time.Millisecond, func() { r.programmed(0, 7) })
	status, next, body, took := r.get(t, reportPath+"?wait=10s&since="+etag)
	if status != 200 || next == etag || !strings.Contains(body, `"proxies":7`) || took > prompt {
		t.Errorf("a change: %d %q %s after %v", status, next, body, took)
	}
	for _, wait := range []string{"x", "-1s", "31s"} {
		if status, _, _, _ := r.get(t, reportPath+"?wait="+wait); status != 400 {
			t.Errorf("wait=%s: %d", wait, status)
		}
	}
	r.edit(func(r *replica) { r.partial = true })
	time.Sleep(freshness)
	if status, same, _, _ := r.get(t, reportPath); status != 200 || same != next {
		t.Errorf("what was said last does not stand: %d %q", status, same)
	}
	time.AfterFunc(100*time.Millisecond, r.end)
	if status, _, _, took := r.get(t, reportPath+"?wait=10s&since="+next); status != 503 || took > prompt {
		t.Errorf("at the end: %d after %v", status, took)
	}
}

func TestServerSaysNothingInPart(t *testing.T) {
	r := newReplica(t, "cw-1")
	r.edit(func(r *replica) { r.partial = true })
	if status, _, body, _ := r.get(t, reportPath+"?wait=10s"); status != 503 || !strings.Contains(body, "nothing to report yet") {
		t.Errorf("%d %s", status, body)
	}
}

func TestServerRefuses(t *testing.T) {
	r := newReplica(t, "cw-1")
	r.edit(func(r *replica) { r.refuses = errors.New("the secret reason") })
	for _, path := range []string{reportPath, proxiesPath, "/nothing"} {
		if status, _, body, _ := r.get(t, path); status != 403 || strings.Contains(body, "secret") || strings.Contains(body, "cw-1") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	r.edit(func(r *replica) { r.refuses = nil })
	if status, _, body, _ := r.get(t, proxiesPath); status != 200 || body != `[{"id":"default/of-cw-1"}]` {
		t.Errorf("%d %s", status, body)
	}
	resp, err := http.Post(r.server.URL+reportPath, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", resp.Status)
	}
}

// TestServerIsBounded: one call too many is refused, and costs no report.
func TestServerIsBounded(t *testing.T) {
	r := newReplica(t, "cw-1")
	_, etag, _, _ := r.get(t, reportPath)
	var waiting sync.WaitGroup
	for range maxCalls {
		waiting.Go(func() { r.get(t, reportPath+"?wait=1500ms&since="+etag) })
	}
	for range 4000 {
		if r.calls() > maxCalls {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if status, _, _, _ := r.get(t, reportPath); status != 429 {
		t.Errorf("one too many: %d", status)
	}
	waiting.Wait()
}

// TestServerCompresses: a large report travels compressed to who takes it so.
func TestServerCompresses(t *testing.T) {
	r := newReplica(t, "cw-1")
	r.edit(func(r *replica) {
		for i := range 1000 {
			r.report.Rollouts[rule(strings.Repeat("x", i%50)+string(rune('a'+i%20)))] = model.Rollout{Proxies: i}
		}
	})
	for _, accept := range []string{"gzip", ""} {
		request, err := http.NewRequest(http.MethodGet, r.server.URL+reportPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", accept) // said by hand, so that nothing decompresses
		resp, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.Header.Get("Content-Encoding") != accept || json.Valid(body) == (accept == "gzip") {
			t.Errorf("%q: %v, %d bytes, %q", accept, err, len(body), resp.Header.Get("Content-Encoding"))
		}
	}
}
