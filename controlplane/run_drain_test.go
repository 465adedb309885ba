package controlplane

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/translate/envoy"
)

// TestDrainServesOnBeforeItEnds: a server that is told to end is not ready at once,
// and until the delay is over changes still reach its clients, and new clients it; then
// their streams end, and it does.
func TestDrainServesOnBeforeItEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	defer http.DefaultClient.CloseIdleConnections()
	const delay = 4 * time.Second
	dir := folder(t, samples(t), 100)
	r := start(t, Config{From: []string{dir}, Replica: ReplicaConfig{DrainDelay: delay, DrainTime: 500 * time.Millisecond}})
	early := newWildcard("default/early")
	defer early.connect(t, r)()
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	if body := get(t, "http://"+r.Admin+"/readyz", 503); !strings.Contains(body, "draining") {
		t.Errorf("readyz: %s", body)
	}
	late := newWildcard("default/late")
	defer late.connect(t, r)()
	more := "apiVersion: v1\nkind: Service\nmetadata: {name: another}\nspec: {ports: [{name: http, port: 80}]}\n"
	if err := os.WriteFile(filepath.Join(dir, "more.yaml"), []byte(more), 0o644); err != nil {
		t.Fatal(err)
	}
	const cluster = "outbound|80||another.default.svc.cluster.local"
	for !slices.Contains(early.names(envoy.ClusterType), cluster) || !slices.Contains(late.names(envoy.ClusterType), cluster) {
		if time.Since(began) > delay {
			t.Fatal("a change during the delay reaches nobody")
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, w := range []*wildcard{early, late} {
		if err := <-w.err; status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "the server is stopping") {
			t.Errorf("%s: %v", w.id, err)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < delay || took > 10*delay {
		t.Errorf("it took %v", took)
	}
}
