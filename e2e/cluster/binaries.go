package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/coastwise/coastwise/e2e/checkout"
)

// Binaries is the folder of etcd, kube-apiserver, kube-controller-manager and
// kubectl: KUBE_BIN, or what hack/kube.sh prints, which builds them if need be and
// says so on standard error.
func Binaries() (string, error) {
	if dir := os.Getenv("KUBE_BIN"); dir != "" {
		return dir, nil
	}
	root, err := checkout.Root()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(filepath.Join(root, "hack", "kube.sh"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("hack/kube.sh: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
