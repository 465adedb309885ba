package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/coastwise/coastwise/e2e/app"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/proc"
)

const (
	// insideVar says that this program runs in a network namespace of its own.
	insideVar = "COASTWISE_E2E_INSIDE"
	// The users of docs/capture.md, and of the application.
	envoyUID, appUID = 1337, 1000
	// near and far are the ends of a cable to another network namespace.
	near, far = "10.30.0.1", "10.30.0.2"
)

// inside runs the test in a network namespace that ends with it, since what iptables
// redirects is the whole namespace's; it returns true there.
func inside(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVar) != "" {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("only root may make network namespaces and iptables rules")
	}
	if out, err := exec.Command("../hack/iptables.sh").CombinedOutput(); err != nil {
		t.Fatalf("installing iptables: %v\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "5m",
		"-predict.seed", fmt.Sprint(*predictSeed))
	cmd.Env = append(os.Environ(), insideVar+"=1",
		builtVar+"="+strings.Join([]string{string(built.coastwise), built.envoy, built.grpc}, string(os.PathListSeparator)))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("in a network namespace: %v\n%s", err, out)
	}
	return false
}

// captureScene is a scene in a network namespace: its one Envoy is a captured sidecar.
type captureScene struct {
	*scene
	*client
	app  app.App
	far  app.App // in another namespace, at the other end of a cable
	pid  int     // of who holds that namespace
	bind string
}

func newCaptureScene(t *testing.T, files map[string]string) *captureScene {
	for _, line := range []string{
		"ip link set lo up", "ip route add default dev lo", "ip -6 route add default dev lo",
	} {
		sh(t, line)
	}
	c := &captureScene{scene: newScene(t, files), bind: "::"}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		l.Close()
	} else {
		c.bind = "0.0.0.0"
	}
	dir, err := os.MkdirTemp("", "coastwise-capture-") // not t.TempDir, which root alone may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.app = app.App{Binary: copied(t, self, dir, "app"), UID: appUID}
	c.logs, c.sidecar = dir, sidecarOf{envoyUID, copied(t, built.envoy, dir, "envoy")}
	c.cable(t)
	return c
}

// start starts the sidecar.
func (c *captureScene) start(labels string) {
	c.client = c.envoy(coastwise.Client{Locality: "eu/eu-1", Bind: c.bind, Capture: true, Labels: labels})
}

// copied is a program where every user may run it.
func copied(t *testing.T, from, dir, name string) string {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	to := filepath.Join(dir, name)
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}

// cable leads to another network namespace, which a sleeping process holds.
func (c *captureScene) cable(t *testing.T) {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	holder, err := proc.Start("the far namespace", cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(holder.Kill)
	c.pid = holder.Pid()
	sh(t, fmt.Sprintf("ip link add near type veth peer name far netns %d", c.pid))
	sh(t, "ip addr add "+near+"/24 dev near && ip link set near up")
	sh(t, fmt.Sprintf("nsenter -t %d -n sh -c 'ip link set lo up && ip addr add %s/24 dev far && ip link set far up'", c.pid, far))
	c.far = c.app
	c.far.UID, c.far.Through = 0, []string{"nsenter", "-t", fmt.Sprint(c.pid), "-n"}
}

func sh(t *testing.T, line string) {
	t.Helper()
	if out, err := exec.Command("bash", "-ec", line).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// documented runs a block of docs/capture.md.
func documented(t *testing.T, name string) {
	t.Helper()
	page, err := os.ReadFile("../docs/capture.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sh " + name + "\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatalf("docs/capture.md has no block %s", name)
	}
	sh(t, string(block[1]))
}

// answers says that who asks a URL is answered by one of these endpoints.
func (c *captureScene) answers(who app.App, url string, endpoints ...string) {
	c.t.Helper()
	await.Until(c.t, patience, func() string {
		tally, err := who.Run(c.t.Context(), 2, true, url)
		if err != nil {
			return err.Error()
		}
		for got := range tally.Endpoints {
			if !strings.Contains(strings.Join(endpoints, " "), got) {
				return fmt.Sprintf("%s: answered by %s, not %s", url, got, endpoints)
			}
		}
		if len(tally.Failures) > 0 {
			return tally.Failures[0]
		}
		return ""
	})
}

// refused says that connections to a URL fail.
func (c *captureScene) refused(url string) {
	c.t.Helper()
	await.Until(c.t, patience, func() string {
		tally, err := c.app.Run(c.t.Context(), 1, true, url)
		if err != nil {
			return err.Error()
		}
		if len(tally.Failures) == 0 {
			return fmt.Sprintf("%s: answered by %v", url, tally.Endpoints)
		}
		return ""
	})
}

// stat is a counter or gauge of the sidecar. A cluster has none before the sidecar has the
// cluster, and those of its traffic once there was some.
func (c *captureScene) stat(name string) int {
	c.t.Helper()
	body, err := c.Get(c.t.Context(), "/stats?filter=^"+regexp.QuoteMeta(name)+"$")
	if err != nil {
		c.t.Fatal(err)
	}
	if len(body) == 0 && strings.HasPrefix(name, "cluster.") {
		return 0
	}
	var n int
	_, text, _ := strings.Cut(string(body), ": ")
	if _, err := fmt.Sscan(text, &n); err != nil {
		c.t.Fatalf("statistic %s: %q", name, body)
	}
	return n
}

// served says how the answers to n requests spread over endpoints.
func (c *captureScene) served(n int, fresh bool, url string) map[string]float64 {
	c.t.Helper()
	tally, err := c.app.Run(c.t.Context(), n, fresh, url)
	if err != nil {
		c.t.Fatal(err)
	}
	if len(tally.Failures) > 0 {
		c.t.Errorf("%s: %d of %d failed, the first: %s", url, len(tally.Failures), n, tally.Failures[0])
	}
	shares := map[string]float64{}
	for e, count := range tally.Endpoints {
		shares[e] = 100 * float64(count) / float64(n)
	}
	return shares
}
