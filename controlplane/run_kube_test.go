package controlplane

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coastwise/coastwise/controlplane/kube"
)

// cluster is an API server that has one Service, and says so once it may.
func cluster(t *testing.T, open, forbid *atomic.Bool) (kubeconfig string) {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resource := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		w.Header().Set("Content-Type", "application/json")
		if resource == "pods" && forbid.Load() {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"pods is forbidden: ask your administrator"}`)
			return
		}
		switch {
		case resource == "apis": // no CRDs
			fmt.Fprint(w, "{}")
			return
		case strings.HasPrefix(r.URL.Path, "/apis/networking."):
			http.NotFound(w, r)
			return
		case r.URL.Query().Get("watch") == "":
			return
		}
		w.(http.Flusher).Flush()
		for !open.Load() && r.Context().Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		kind, version := map[string]string{"services": "Service", "endpointslices": "EndpointSlice", "pods": "Pod", "nodes": "Node", "namespaces": "Namespace"}[resource], "v1"
		if resource == "endpointslices" {
			version = "discovery.k8s.io/v1"
		}
		if resource == "services" {
			fmt.Fprintln(w, `{"type":"ADDED","object":{"kind":"Service","apiVersion":"v1","metadata":{"name":"cart","namespace":"shop","resourceVersion":"7"},"spec":{"ports":[{"port":80}]}}}`)
		}
		fmt.Fprintf(w, `{"type":"BOOKMARK","object":{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"7","annotations":{"k8s.io/initial-events-end":"true"}}}}`+"\n", kind, version)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(api.Close)
	kubeconfig = filepath.Join(t.TempDir(), "config")
	text := "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: '" + api.URL + "'}}]\ncontexts: [{name: x, context: {cluster: c}}]\n"
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig
}

func hasty(c *KubeConfig, start time.Duration) {
	times := kube.DefaultTimes()
	times.Start, times.Bookmark = start, start
	c.options = []kube.Option{kube.WithTimes(times)}
}

// TestNothingIsServedBeforeFilesAndClusterAreRead: what one of them gave alone would
// be half a mesh.
func TestNothingIsServedBeforeFilesAndClusterAreRead(t *testing.T) {
	defer goleak.VerifyNone(t)
	defer http.DefaultClient.CloseIdleConnections()
	for _, withFiles := range []bool{true, false} {
		t.Run(fmt.Sprint("files ", withFiles), func(t *testing.T) {
			var open, forbid atomic.Bool
			c := Config{XDS: freeAddress(t), Admin: freeAddress(t), Log: quiet(), Kube: KubeConfig{Kubeconfig: cluster(t, &open, &forbid), Context: "x"}}
			services, filesLine := 1, ""
			if withFiles {
				c.From, services, filesLine = []string{t.TempDir()}, 2, "[+]files ok\n"
				if err := os.WriteFile(filepath.Join(c.From[0], "a.yaml"), []byte("apiVersion: v1\nkind: Service\nmetadata: {name: one}\nspec: {ports: [{name: http, port: 80}]}\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			hasty(&c.Kube, 20*time.Second)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- Run(ctx, c) }()
			get(t, "http://"+c.Admin+"/livez", 200)
			body := get(t, "http://"+c.Admin+"/readyz", 503)
			for end := time.Now().Add(20 * time.Second); !strings.HasPrefix(body, filesLine) && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				body = get(t, "http://"+c.Admin+"/readyz", 503) // until the files are read
			}
			if !strings.HasPrefix(body, filesLine+"[-]kubernetes failed: not synced yet: ") || !strings.Contains(body, "pods: ") || !strings.Contains(body, "\n[-]snapshot failed: not synced yet\n") {
				t.Errorf("before: %s", body)
			}
			if metrics := get(t, "http://"+c.Admin+"/metrics", 200); !strings.Contains(metrics, "coastwise_services 0") {
				t.Error("something was published before all was read")
			}
			open.Store(true)
			get(t, "http://"+c.Admin+"/readyz", 200)
			if body := get(t, "http://"+c.Admin+"/readyz?verbose", 200); !strings.HasPrefix(body, filesLine+"[+]kubernetes ok\n[+]snapshot ok") {
				t.Errorf("after: %s", body)
			}
			metrics := get(t, "http://"+c.Admin+"/metrics", 200)
			for _, want := range []string{fmt.Sprint("coastwise_services ", services), `coastwise_input_age_seconds{resource="pods"}`, `coastwise_input_objects{resource="services"} 1`, `coastwise_input_reads_total{resource="nodes"} 1`} {
				if !strings.Contains(metrics, want) {
					t.Errorf("metrics lack %q", want)
				}
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAClusterThatCannotBeReadEndsTheStart: the error names the resource, with the
// server's own words.
func TestAClusterThatCannotBeReadEndsTheStart(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) }) // after the server's end
	var open, forbid atomic.Bool
	open.Store(true)
	forbid.Store(true)
	var log logged
	c := Config{XDS: freeAddress(t), Admin: freeAddress(t), Log: slog.New(slog.NewTextHandler(&log, nil)), Kube: KubeConfig{Kubeconfig: cluster(t, &open, &forbid)}}
	hasty(&c.Kube, 3*time.Second) // in which all else is read
	c.Kube.Context = "x"
	stderr := os.Stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = w
	err = Run(t.Context(), c)
	os.Stderr = stderr
	w.Close()
	if raw, _ := io.ReadAll(r); len(raw) > 0 {
		t.Errorf("raw lines on stderr: %s", raw)
	}
	want := "kubernetes: not read within 3s: pods: pods is forbidden: ask your administrator"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if n := strings.Count(log.String(), "ask your administrator"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

func TestAKubeconfigThatCannotBeUsedFails(t *testing.T) {
	c := Config{XDS: "127.0.0.1:0", Admin: "127.0.0.1:0", Log: quiet(), Kube: KubeConfig{Kubeconfig: filepath.Join(t.TempDir(), "no")}}
	if err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "kubeconfig: ") || !strings.Contains(err.Error(), "/no") {
		t.Errorf("a file that is not there: %v", err)
	}
	var open, forbid atomic.Bool
	c.Kube = KubeConfig{Kubeconfig: cluster(t, &open, &forbid), Context: "y"}
	if err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), `"y"`) {
		t.Errorf("a context that is not there: %v", err)
	}
	for _, c := range []Config{{}, {Kube: KubeConfig{InCluster: true, Context: "x"}}} {
		if err := c.Validate(); !strings.Contains(err.Error(), "--kubeconfig") {
			t.Errorf("%+v: %v", c.Kube, err)
		}
	}
}
