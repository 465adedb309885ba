package cluster

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Result is how kubectl ended.
type Result struct {
	Stdout, Stderr string
	// Code is the exit code.
	Code int
}

// Kubectl runs kubectl as the administrator and gives what it printed; anything but
// exit code 0 fails the test.
func (c *Cluster) Kubectl(t testing.TB, args ...string) string {
	t.Helper()
	return c.must(t, c.TryKubectl(t, "", args...), args).Stdout
}

// TryKubectl runs kubectl as the administrator, stdin being its input, for "-f -".
func (c *Cluster) TryKubectl(t testing.TB, stdin string, args ...string) Result {
	t.Helper()
	return c.KubectlAs(t, c.Kubeconfig(), stdin, args...)
}

// KubectlAs runs kubectl with a kubeconfig.
func (c *Cluster) KubectlAs(t testing.TB, kubeconfig, stdin string, args ...string) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	flags := []string{"--kubeconfig", kubeconfig, "--cache-dir", c.file("kubectl-cache")}
	cmd := command(filepath.Join(c.bin, "kubectl"), append(flags, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
}

func (c *Cluster) must(t testing.TB, r Result, args []string) Result {
	t.Helper()
	if r.Code != 0 {
		t.Fatalf("kubectl %s: exit code %d: %s", strings.Join(args, " "), r.Code, r.Stderr)
	}
	return r
}

// Apply is `kubectl apply -f -`. In a shared cluster what was applied goes after the
// test.
func (c *Cluster) Apply(t testing.TB, manifest string) {
	t.Helper()
	args := []string{"apply", "-f", "-"}
	c.must(t, c.TryKubectl(t, manifest, args...), args)
	if c.shared {
		t.Cleanup(func() { c.remove(t, manifest) })
	}
}

// Delete is `kubectl delete -f -`; it returns when the objects are gone.
func (c *Cluster) Delete(t testing.TB, manifest string) {
	t.Helper()
	args := []string{"delete", "-f", "-"}
	c.must(t, c.TryKubectl(t, manifest, args...), args)
}

func (c *Cluster) remove(t testing.TB, manifest string) {
	args := []string{"delete", "-f", "-", "--ignore-not-found", "--wait=false"}
	if r := c.TryKubectl(t, manifest, args...); r.Code != 0 {
		t.Errorf("kubectl %s: %s", strings.Join(args, " "), r.Stderr)
	}
}
