package traffic_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/traffic"
)

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func TestGeneratorCountsWhoAnsweredAndWhatFailed(t *testing.T) {
	var requests atomic.Int64
	good := backend.Handler("127.0.0.9:1", "eu/eu-1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != "reviews.default":
			http.Error(w, "wrong host "+r.Host, http.StatusTeapot)
		case requests.Add(1)%4 == 0:
			http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
		default:
			good.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	g := traffic.Start(strings.TrimPrefix(server.URL, "http://"), "reviews.default", 2, 10000)
	phase := g.Begin(10000)
	await(t, "400 requests", func() bool { n, _ := phase.Counts(); return n >= 400 })
	g.Stop()
	tally := phase.Tally()
	answered, failed := tally.ByEndpoint["127.0.0.9:1"], len(tally.Failures)
	if answered+failed != tally.Requests || len(tally.ByEndpoint) != 1 {
		t.Fatalf("requests do not add up: %+v", tally)
	}
	if share := float64(failed) / float64(tally.Requests); share < 0.23 || share > 0.27 {
		t.Errorf("%.3f failed, want a quarter", share)
	}
	if want := "503 no healthy upstream\n"; tally.Failures[0].What != want {
		t.Errorf("failure is %q, want %q", tally.Failures[0].What, want)
	}
}

func TestGeneratorStartsANewPhaseEmpty(t *testing.T) {
	server := httptest.NewServer(backend.Handler("a:1", "z"))
	defer server.Close()
	g := traffic.Start(strings.TrimPrefix(server.URL, "http://"), "h", 1, 10000)
	defer g.Stop()
	first := g.Begin(10000)
	await(t, "50 requests", func() bool { n, _ := first.Counts(); return n >= 50 })
	second := g.Begin(1)
	first.Drain()
	before, _ := first.Counts()
	await(t, "two requests of the second phase", func() bool { n, _ := second.Counts(); return n >= 2 })
	if after, _ := first.Counts(); after != before {
		t.Errorf("the first phase went on counting: %d, then %d", before, after)
	}
}
