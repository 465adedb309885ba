package checkout

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Root is the folder of this repository, above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "hack", "envoy.sh")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no folder above the working directory has hack/envoy.sh")
		}
		dir = parent
	}
}

// Coastwise builds coastwise into dir, and is its path.
func Coastwise(dir string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "coastwise")
	if out, err := exec.Command("go", "build", "-C", root, "-o", binary, "./cmd/coastwise").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building coastwise: %w\n%s", err, out)
	}
	return binary, nil
}

// Envoy is the path of Envoy: ENVOY, or what hack/envoy.sh prints, which installs it if
// need be and says so on standard error.
func Envoy() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	install := exec.Command(filepath.Join(root, "hack", "envoy.sh"))
	install.Stderr = os.Stderr
	path, err := install.Output()
	if err != nil {
		return "", fmt.Errorf("installing Envoy: %w", err)
	}
	return strings.TrimSpace(string(path)), nil
}
