package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Binaries is the folder of etcd, kube-apiserver, kube-controller-manager and
// kubectl: KUBE_BIN, or what hack/kube.sh prints, which builds them if need be and
// says so on standard error.
func Binaries() (string, error) {
	if dir := os.Getenv("KUBE_BIN"); dir != "" {
		return dir, nil
	}
	root, err := Root()
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

// Root is the folder of this repository, above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "hack", "kube.sh")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no folder above the working directory has hack/kube.sh")
		}
		dir = parent
	}
}
