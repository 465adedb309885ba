package e2e

import (
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// TestSecondSignal: a server that drains for long ends at once when it is told again.
func TestSecondSignal(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes(), "a.yaml": manifest.Service("default", "a", 80, "")})
	s.server.Stop(3 * time.Second)
	server, err := built.coastwise.Start(coastwise.Serve{
		From: []string{string(s.folder)}, XDS: s.server.XDS, Admin: s.server.Admin,
		Args: []string{"--drain-delay", "1h"}, Log: filepath.Join(s.logs, "patient.log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	if err := server.WaitReady(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	server.Signal(syscall.SIGTERM)
	await.Until(t, patience, func() string {
		resp, err := http.Get("http://" + server.Admin + "/readyz")
		if err != nil {
			return err.Error()
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			return "it is ready"
		}
		return ""
	})
	if !server.Running() {
		t.Fatal("it ended within its delay")
	}
	server.Signal(syscall.SIGTERM)
	select {
	case <-server.Done():
	case <-time.After(patience):
		t.Fatal("it did not end at the second signal")
	}
}
