package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// kubeStub is as much of an API server as wait needs: one object, read and watched.
type kubeStub struct {
	*httptest.Server
	mu      sync.Mutex
	version int
	object  map[string]any
	watches map[chan map[string]any]bool
	down    int // status code of every answer, if any
}

const waitedFor = "/apis/networking.coastwise.dev/v1alpha1/namespaces/shop/destinationrules"

func newCluster(t *testing.T) (*kubeStub, string) {
	c := &kubeStub{watches: map[chan map[string]any]bool{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	dir := t.TempDir()
	writeFile(t, dir, "kc", fmt.Appendf(nil, `{apiVersion: v1, kind: Config, current-context: here,
contexts: [{name: here, context: {cluster: c, namespace: shop}}, {name: away, context: {cluster: nowhere}}],
clusters: [{name: c, cluster: {server: %q}}, {name: nowhere, cluster: {server: "http://127.0.0.1:1"}}]}`, c.URL))
	return c, filepath.Join(dir, "kc")
}

// ServeHTTP implements http.Handler.
func (c *kubeStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	c.mu.Lock()
	object, down := c.object, c.down
	var events chan map[string]any
	if r.URL.Query().Get("watch") != "" && down == 0 {
		events = make(chan map[string]any, 10)
		c.watches[events] = true
	}
	c.mu.Unlock()
	switch {
	case down != 0:
		refuseAs(w, down, "Down", "down")
	case events != nil && r.URL.Path == waitedFor && r.URL.Query().Get("fieldSelector") == "metadata.name=reviews":
		w.(http.Flusher).Flush()
		for {
			select {
			case <-r.Context().Done():
				return
			case e, open := <-events:
				if !open {
					return
				}
				_ = json.NewEncoder(w).Encode(e)
				w.(http.Flusher).Flush()
			}
		}
	case r.URL.Path == waitedFor+"/reviews" && object != nil:
		_ = json.NewEncoder(w).Encode(object)
	case strings.HasPrefix(r.URL.Path, waitedFor+"/"):
		refuseAs(w, 404, "NotFound", fmt.Sprintf("destinationrules %q not found", filepath.Base(r.URL.Path)))
	default:
		refuseAs(w, 404, "NotFound", "the server could not find the requested resource")
	}
}

func refuseAs(w http.ResponseWriter, code int, reason, message string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}

// set makes the object have these conditions, each TYPE STATUS REASON MESSAGE, for a
// generation, and tells who watches.
func (c *kubeStub) set(generation int, conditions ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	list := []any{}
	for _, text := range conditions {
		f := strings.SplitN(text, " ", 4)
		list = append(list, map[string]any{"type": f[0], "status": f[1], "reason": f[2], "message": f[3], "observedGeneration": 1, "lastTransitionTime": "2026-11-25T12:00:00Z"})
	}
	c.object = map[string]any{
		"kind": "DestinationRule", "apiVersion": "networking.coastwise.dev/v1alpha1",
		"metadata": map[string]any{"name": "reviews", "namespace": "shop", "generation": generation, "resourceVersion": fmt.Sprint(c.version)},
		"status":   map[string]any{"conditions": list},
	}
	c.send("MODIFIED")
}

func (c *kubeStub) send(what string) {
	for events := range c.watches {
		events <- map[string]any{"type": what, "object": c.object}
	}
}

// watched waits until somebody watches.
func (c *kubeStub) watched(t *testing.T) {
	t.Helper()
	for range 2000 {
		c.mu.Lock()
		n := len(c.watches)
		c.mu.Unlock()
		if n > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nobody watches")
}

const (
	programmed = "Programmed True Programmed 2 of 2 proxies"
	behind     = "Programmed False Pending 1 of 2 proxies"
	accepted   = "Accepted True Accepted the object is valid"
	invalid    = "Accepted False Invalid spec.host: is missing"
)

func TestWaitLooks(t *testing.T) {
	for name, tt := range map[string]struct {
		args       string
		generation int
		conditions []string
		code       int
		stdout     string
		stderr     []string
	}{
		"it is so":              {args: "dr/reviews", conditions: []string{accepted, programmed}, stdout: "Programmed is True (Programmed): 2 of 2 proxies"},
		"by its long name":      {args: "destinationrules.networking.coastwise.dev/reviews --for Accepted", conditions: []string{accepted, behind}, stdout: "Accepted is True"},
		"it is not so":          {args: "dr/reviews", conditions: []string{accepted, behind}, code: exitTimeout, stderr: []string{"not within 0s: Programmed is False (Pending): 1 of 2 proxies"}},
		"why it cannot be so":   {args: "DestinationRule/reviews", conditions: []string{invalid, behind}, code: exitTimeout, stderr: []string{"Accepted is False (Invalid): spec.host: is missing\nProgrammed is False"}},
		"an older generation":   {args: "dr/reviews", generation: 2, conditions: []string{accepted, programmed}, code: exitTimeout, stderr: []string{"nothing is said of generation 2 yet"}},
		"no such object":        {args: "dr/ratings --timeout 30s", code: exitFailed, stderr: []string{"destinationrule.networking.coastwise.dev/ratings does not exist"}},
		"no CRDs":               {args: "mc/default", code: exitFailed, stderr: []string{"this API server knows no MeshConfig; kubectl apply -f crds/"}},
		"no such kind":          {args: "pod/reviews --for x --timeout -1s", code: exitUsage, stderr: []string{"DestinationRule (dr), ServiceEntry (se), WorkloadEntry (we), MeshConfig (mc), Gateway (gtw), HTTPRoute, GRPCRoute", "--for", "--timeout"}},
		"a condition it lacks":  {args: "we/vm", code: exitUsage, stderr: []string{"a WorkloadEntry has no such condition, but accepted"}},
		"a Gateway lacks one":   {args: "gtw/edge --for resolvedrefs", code: exitUsage, stderr: []string{"a Gateway has no such condition, but accepted, programmed"}},
		"no CRDs of gateways":   {args: "gateway/edge", code: exitFailed, stderr: []string{"this API server knows no Gateway; install the CRDs of the Gateway API"}},
		"no kind":               {args: "/reviews", code: exitUsage, stderr: []string{"no such kind"}},
		"no name":               {args: "dr", code: exitUsage, stderr: []string{"want KIND/NAME"}},
		"nothing":               {args: "", code: exitUsage, stderr: []string{"want one KIND/NAME"}},
		"a duration that's not": {args: "dr/reviews --timeout x", code: exitUsage, stderr: []string{`--timeout: "x": want a duration`}},
		"no such context":       {args: "dr/reviews --context nope", code: exitUsage, stderr: []string{`context "nope" does not exist`}},
		"nobody there":          {args: "dr/reviews --timeout 30s --context away", code: exitUnreachable, stderr: []string{"the API server http://127.0.0.1:1 does not answer: connect: connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, kubeconfig := newCluster(t)
			c.set(max(tt.generation, 1), tt.conditions...)
			args := append([]string{"wait", "--timeout", "0", "--kubeconfig", kubeconfig}, strings.Fields(tt.args)...)
			began := time.Now()
			code, stdout, stderr := call(t.Context(), args...)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it waited %s for what does not come", took)
			}
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || (tt.stdout == "") != (stdout == "") {
				t.Errorf("exit %d, stdout %q\n%s", code, stdout, stderr)
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr has no %q:\n%s", want, stderr)
				}
			}
		})
	}
}

// TestWaitWatches: what changes ends the wait at once, and what is in the way is told
// before it does.
func TestWaitWatches(t *testing.T) {
	for name, tt := range map[string]struct {
		then   func(*kubeStub)
		code   int
		stderr string
	}{
		"it comes true": {then: func(c *kubeStub) { c.set(1, accepted, programmed) }},
		"it comes true while nobody can watch": {then: func(c *kubeStub) {
			c.mu.Lock()
			for events := range c.watches {
				close(events)
				delete(c.watches, events)
			}
			c.down = 503
			c.mu.Unlock()
			time.Sleep(2 * lookAgain)
			c.set(1, accepted, programmed)
			c.mu.Lock()
			c.down = 0
			c.mu.Unlock()
		}, stderr: "does not answer"},
		"it is deleted": {then: func(c *kubeStub) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.send("DELETED")
		}, code: exitFailed, stderr: "was deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, kubeconfig := newCluster(t)
			c.set(1, invalid, behind)
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			type result struct {
				code           int
				stdout, stderr string
			}
			done := make(chan result)
			go func() {
				code, stdout, stderr := call(ctx, "wait", "dr/reviews", "--kubeconfig", kubeconfig)
				done <- result{code, stdout, stderr}
			}()
			c.watched(t)
			tt.then(c)
			got := <-done
			if got.code != tt.code || !strings.Contains(got.stderr, tt.stderr) || strings.Count(got.stderr, "spec.host: is missing") != 1 {
				t.Errorf("exit %d, %s\n%s", got.code, got.stdout, got.stderr)
			}
		})
	}
}

func TestWaitEnds(t *testing.T) {
	c, kubeconfig := newCluster(t)
	c.set(1, accepted, behind)
	began := time.Now()
	if code, _, stderr := call(t.Context(), "wait", "dr/reviews", "--kubeconfig", kubeconfig, "--timeout", "2s"); code != exitTimeout || strings.Count(stderr, "1 of 2 proxies") != 2 {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	if took := time.Since(began); took < 2*time.Second || took > 20*time.Second {
		t.Errorf("2s took %s", took)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, interrupt)
	if code, _, stderr := call(ctx, "wait", "dr/reviews", "--kubeconfig", kubeconfig); code != exitFailed || !strings.Contains(stderr, "interrupted") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}

func TestWaitCompletes(t *testing.T) {
	offers, directive := completions(t, "wait", "d")
	if strings.Join(offers, " ") != "destinationrule/ dr/" || directive != ":6" { // no files, no space
		t.Errorf("%q %s", offers, directive)
	}
	_, kubeconfig := newCluster(t)
	offers, _ = completions(t, "wait", "dr/reviews", "--kubeconfig", kubeconfig, "--context", "")
	if strings.Join(offers, " ") != "away here" {
		t.Errorf("contexts %q", offers)
	}
}
