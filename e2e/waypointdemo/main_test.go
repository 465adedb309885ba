package main

import (
	"os"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/checkout"
)

func TestMain(m *testing.M) {
	backend.Child()
	os.Exit(m.Run())
}

// TestPlay plays samples/waypoint as `make waypoint` does, with shorter windows and at
// addresses of its own.
func TestPlay(t *testing.T) {
	binary, err := checkout.Coastwise(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	envoy, err := checkout.Envoy()
	if err != nil {
		t.Fatal(err)
	}
	o := options{
		coastwise: binary, envoy: envoy, manifests: "../../samples/waypoint", bind: "127.77.0",
		window: 4 * time.Second,
	}
	if code := run(o); code != 0 {
		t.Errorf("exit code %d: see what it printed", code)
	}
}
