package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
)

func TestMain(m *testing.M) {
	backend.Child()
	os.Exit(m.Run())
}

// TestPlay plays samples/waypoint as `make waypoint` does, with shorter windows and at
// addresses of its own.
func TestPlay(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "coastwise")
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", binary, "./cmd/coastwise").CombinedOutput(); err != nil {
		t.Fatalf("building coastwise: %v\n%s", err, out)
	}
	install := exec.Command("../../hack/envoy.sh")
	install.Stderr = os.Stderr
	envoy, err := install.Output()
	if err != nil {
		t.Fatal(err)
	}
	o := options{
		coastwise: binary, envoy: strings.TrimSpace(string(envoy)), manifests: "../../samples/waypoint", bind: "127.77.0",
		window: 4 * time.Second,
	}
	if code := run(o); code != 0 {
		t.Errorf("exit code %d: see what it printed", code)
	}
}
