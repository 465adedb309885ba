package kube

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// Tools are the programs of a scene.
type Tools struct {
	Coastwise coastwise.Binary
	// Envoy is the path of Envoy.
	Envoy string
}

// Build builds coastwise into dir, and installs Envoy unless ENVOY names one.
func Build(dir string) (Tools, error) {
	root, err := cluster.Root()
	if err != nil {
		return Tools{}, err
	}
	binary := filepath.Join(dir, "coastwise")
	if out, err := exec.Command("go", "build", "-C", root, "-o", binary, "./cmd/coastwise").CombinedOutput(); err != nil {
		return Tools{}, fmt.Errorf("building coastwise: %w\n%s", err, out)
	}
	install := exec.Command(filepath.Join(root, "hack", "envoy.sh"))
	install.Stderr = os.Stderr
	envoy, err := install.Output()
	if err != nil {
		return Tools{}, fmt.Errorf("installing Envoy: %w", err)
	}
	return Tools{Coastwise: coastwise.Binary(binary), Envoy: strings.TrimSpace(string(envoy))}, nil
}
