package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coastwise/coastwise/controlplane/admin"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// portsGiven counts what freeAddress has given.
var portsGiven atomic.Uint32

// freeAddress is one that nobody listens on. Its port is below those that systems give to
// whoever asks for any: one of these might be another's before it is used. Each process
// begins elsewhere.
func freeAddress(t *testing.T) string {
	t.Helper()
	const first, many = 20000, 12000
	for range many {
		n := uint32(os.Getpid())*97 + portsGiven.Add(1)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+n%many))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String()
	}
	t.Fatal("no free port")
	return ""
}

// get polls until the server answers with the wanted status.
func get(t *testing.T, url string, status int) string {
	t.Helper()
	var last string
	for range 800 {
		r, err := http.Get(url)
		if err == nil {
			body, _ := io.ReadAll(r.Body)
			r.Body.Close()
			if r.StatusCode == status {
				return string(body)
			}
			last = fmt.Sprint(r.StatusCode, " ", string(body))
		} else {
			last = err.Error()
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("%s: want %d, last %s", url, status, last)
	return ""
}

func TestRunServesFromAFolderUntilItIsTold(t *testing.T) {
	defer goleak.VerifyNone(t)
	defer http.DefaultClient.CloseIdleConnections()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: one}\nspec: {ports: [{name: http, port: 80}]}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n")
	write("b.yaml", "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: one}\nspec: {host: one, hots: two}\n")
	c := Config{From: []string{dir}, XDS: freeAddress(t), Admin: freeAddress(t), Debug: freeAddress(t), Log: quiet()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, c) }()

	if body := get(t, "http://"+c.Admin+"/readyz", 200); body != "ok\n" {
		t.Errorf("readyz: %q", body)
	}
	verbose := get(t, "http://"+c.Admin+"/readyz?verbose", 200)
	for _, want := range []string{
		"[+]files ok", "[+]snapshot ok", "[!]DestinationRule default/one spec.hots: UnknownField", "b.yaml, document 0)",
		"[!]DestinationRule default/one: absent, it was never admitted", "readyz check passed",
	} {
		if !strings.Contains(verbose, want) {
			t.Errorf("readyz?verbose lacks %q:\n%s", want, verbose)
		}
	}
	get(t, "http://"+c.Admin+"/livez", 200)
	if body := get(t, "http://"+c.Admin+"/proxies", 200); strings.TrimSpace(body) != "[]" {
		t.Errorf("proxies: %s", body)
	}
	if body := get(t, "http://"+c.Admin+"/problems", 200); !strings.Contains(body, `"object": "DestinationRule default/one"`) {
		t.Errorf("problems: %s", body)
	}
	metrics := get(t, "http://"+c.Admin+"/metrics", 200)
	for _, want := range []string{
		`coastwise_problems{reason="UnknownField",severity="error"} 1`, `coastwise_skipped_objects{kind="Deployment.apps"} 1`,
		`coastwise_refused_objects{state="absent"} 1`, `coastwise_refused_objects{state="held"} 0`,
		"coastwise_services 1", `coastwise_proxies{kind="sidecar"} 0`, `coastwise_pushes_total{type="Cluster"} 0`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %q", want)
		}
	}
	get(t, "http://"+c.Debug+"/debug/proxies/nobody", 404)
	get(t, "http://"+c.Debug+"/debug/pprof/cmdline", 200)
	get(t, "http://"+c.Admin+"/debug/pprof/cmdline", 404)

	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestRunFailsAtOnceOnAPortThatIsTakenOrAPathThatIsNot(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := Config{From: []string{t.TempDir()}, XDS: l.Addr().String(), Admin: "127.0.0.1:0", Log: quiet()}
	if err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "--xds") {
		t.Errorf("a taken port: %v", err)
	}
	c = Config{From: []string{filepath.Join(t.TempDir(), "nothing")}, XDS: "127.0.0.1:0", Admin: "127.0.0.1:0", Log: quiet()}
	if err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("a path that does not exist: %v", err)
	}
}

func TestConfigListsEveryMistake(t *testing.T) {
	good := Config{From: []string{"x"}, XDS: "127.0.0.1:15010", Admin: "127.0.0.1:15014"}
	for name, c := range map[string]struct {
		edit func(*Config)
		want []string
	}{
		"right":          {func(*Config) {}, nil},
		"IPv6 loopback":  {func(c *Config) { c.XDS = "[::1]:1" }, nil},
		"all of it":      {func(c *Config) { *c = Config{PublishInterval: -1} }, []string{"--from", "--xds", "--admin", "--publish-interval"}},
		"every address":  {func(c *Config) { c.XDS = ":15010" }, []string{`--xds: ":15010" is not a loopback address`}},
		"another host":   {func(c *Config) { c.XDS = "10.0.0.1:15010" }, []string{"--xds", "not a loopback address"}},
		"a host name":    {func(c *Config) { c.XDS = "example.com:15010" }, []string{"--xds", "not a loopback address"}},
		"no port":        {func(c *Config) { c.Admin = "127.0.0.1" }, []string{"--admin", "missing port"}},
		"debug for all":  {func(c *Config) { c.Debug = "0.0.0.0:1" }, []string{"--debug", "not a loopback address"}},
		"a strange port": {func(c *Config) { c.XDS = "127.0.0.1:http-x" }, []string{`--xds`, `"http-x" is no port`}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			c.edit(&cfg)
			err := cfg.Validate()
			if (err == nil) != (c.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			var usage *ConfigError
			if err != nil && !errors.As(err, &usage) {
				t.Errorf("%T is not a ConfigError", err)
			}
		})
	}
}

// A read of a file on a dead mount cannot be interrupted: stopping goes on without it.
func TestStoppingDoesNotWaitForAPartThatBlocks(t *testing.T) {
	s, err := newServer(Config{Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	ended <- errors.New("one part failed")
	if err := s.await(ended, 2); err == nil || err.Error() != "one part failed" {
		t.Errorf("await: %v", err)
	}
}

func TestRunAnswersHealthBeforeItHasReadAnything(t *testing.T) {
	s, err := newServer(Config{Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(admin.Handler(s.sources()))
	defer h.Close()
	get(t, h.URL+"/livez", 200)
	if body := get(t, h.URL+"/readyz", 503); !strings.Contains(body, "[-]files failed") || !strings.Contains(body, "[-]snapshot failed") {
		t.Errorf("readyz: %s", body)
	}
}
