package ztunnel

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"text/template"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/checkout"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/loopback"
)

// patience is how long anything may take that has no limit of its own.
const patience = 30 * time.Second

// envoyPath is that of the real Envoy.
var envoyPath string

func TestMain(m *testing.M) {
	backend.Child()
	var err error
	if envoyPath, err = checkout.Envoy(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// newBlock is addresses of the test's own.
func newBlock(t *testing.T) *loopback.Block {
	t.Helper()
	b, err := loopback.Claim()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Release)
	return b
}

// filled is a file of testdata with its names filled in.
func filled(t *testing.T, file string, names map[string]any) []byte {
	t.Helper()
	tmpl, err := template.New(file).Option("missingkey=error").ParseFiles(filepath.Join("testdata", "chains.yaml"), filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := tmpl.Execute(&out, names); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// startEnvoy starts an Envoy whose admin port is 15000 at bind; it need not be ready.
func startEnvoy(t *testing.T, bind string, bootstrap []byte) *envoyproc.Envoy {
	t.Helper()
	e, err := envoyproc.Start(envoyproc.Config{
		Binary: envoyPath, Name: "envoy", Dir: t.TempDir(), Bootstrap: bootstrap, Admin: bind + ":15000",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.Stop(3 * time.Second)
		if log, _ := os.ReadFile(e.Log); t.Failed() {
			t.Logf("Envoy: %s", log[max(0, len(log)-8000):])
		}
	})
	return e
}
