package kube_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/e2e/checkout"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/loopback"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// What a new user types is what docs/kubernetes.md says, block by block. The test's own
// are the address, the program that was built before, patience of curl, and that what
// runs in the cluster's Pods is not applied but tried on the API server.
func TestNewcomer(t *testing.T) {
	s := newScene(t)
	n := s.Zones("newcomer", "eu/eu-1", "eu/eu-2", "us/us-1")
	s.Cluster.Kubelet(t, cluster.Kubelet{
		ReadyAfter: 100 * time.Millisecond,
		Started: func(_ *corev1.Pod, ip string) {
			if err := s.Listen(ip); err != nil {
				t.Error(err)
			}
		},
		Stopped: func(p *corev1.Pod) { s.Close(p.Status.PodIP) },
	})
	s.Server.Stop(3 * time.Second) // it has the Lease, and none of the user's proxies
	s.Cluster.ApplyGatewayAPI(t, cluster.GatewayStandard)
	desk := newDesk(t, s.Cluster)
	blocks := desk.blocks(t)
	t.Cleanup(func() { s.Cluster.Kubectl(t, "delete", "namespace", "shop", "--ignore-not-found", "--timeout=30s") })

	if out := desk.run(t, blocks[0]+blocks[1]); !strings.Contains(out, "destinationrule.networking.coastwise.dev/reviews created") {
		t.Errorf("the rule was not made:\n%s", out)
	}
	here, all := podsOn(s, n[0]), podsOn(s, n...)
	if len(here) != 2 || len(all) != 6 {
		t.Fatalf("Pods %v, of them %v on %s", all, here, n[0])
	}
	out := desk.run(t, blocks[2])
	answers := regexp.MustCompile(`(?m)^ 10\.[0-9.]+:8080$`).FindAllString(out, -1)
	if len(answers) != 8 {
		t.Errorf("%d of 8 requests were answered:\n%s", len(answers), out)
	}
	for _, a := range answers {
		if a = strings.TrimSpace(a); !has(here, a) {
			t.Errorf("%s answered; in the zone are %v", a, here)
		}
	}
	s.Only(desk.send(t), here...)

	out = desk.run(t, blocks[3])
	for _, want := range []string{"shop/client-0", "eu/eu-1", "synced", here[0], "readyz check passed", "destinationrule.networking.coastwise.dev/reviews"} {
		if !strings.Contains(out, want) {
			t.Errorf("what there is to look at does not show %q:\n%s", want, out)
		}
	}
	desk.run(t, blocks[4])
	cluster.Eventually(t, kube.Patience, func() error {
		if tally := desk.send(t); len(tally.ByEndpoint) != 6 {
			return fmt.Errorf("%d of 6 Pods answer: %v", len(tally.ByEndpoint), tally.ByEndpoint)
		}
		return nil
	})
	if out := desk.fails(t, blocks[5]); !strings.Contains(out, "spec.trafficPolicy.outlierDetection.interval") {
		t.Errorf("the mistake is refused without its field:\n%s", out)
	}
	desk.waypoint(t, s, blocks[6], all)
	desk.run(t, regexp.MustCompile(`(?m)(apply -[kf] \S+)`).ReplaceAllString(blocks[7], "$1 --dry-run=server"))
}

// podsOn are the addresses of shop's Pods on Nodes.
func podsOn(s *kube.Scene, nodes ...string) (ips []string) {
	list, err := s.Cluster.Client().CoreV1().Pods("shop").List(s.Context(), metav1.ListOptions{})
	if err != nil {
		s.Fatal(err)
	}
	for _, p := range list.Items {
		for _, node := range nodes {
			if p.Spec.NodeName == node {
				ips = append(ips, p.Status.PodIP)
			}
		}
	}
	return ips
}

// desk is where the new user sits: a folder like a clone of this repository, a home and
// an address.
type desk struct {
	dir, address string
	runs         int
	env          []string
}

func newDesk(t *testing.T, c *cluster.Cluster) *desk {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	block, err := loopback.Claim()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(block.Release)
	bin, err := cluster.Binaries()
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{dir: t.TempDir(), address: block.Address(1, 1)}
	t.Cleanup(func() { d.show(t) })
	for _, name := range []string{"crds", "deploy", "docs", "hack", "samples"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(d.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	config, err := os.ReadFile(c.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, ".kube/config", string(config))
	d.write(t, "bin/coastwise", fmt.Sprintf(`#!/bin/sh
case $1 in
serve) exec %[1]s "$@" --xds %[2]s:15010 --admin %[2]s:15014 ;;
bootstrap) exec %[1]s "$@" --bind %[2]s ;;
proxies) exec %[1]s "$@" --server %[2]s:15014 ;;
esac
exec %[1]s "$@"
`, tools.Coastwise, d.address))
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "path/curl", fmt.Sprintf("#!/bin/sh\nexec %s --fail --retry 60 --retry-delay 1 --retry-all-errors \"$@\"\n", curl))
	d.env = append(os.Environ(), "HOME="+d.dir, "ENVOY="+tools.Envoy, "KUBECONFIG=",
		"PATH="+filepath.Join(d.dir, "path")+":"+bin+":"+os.Getenv("PATH"))
	return d
}

// show prints the ends of what the commands printed, if the test failed.
func (d *desk) show(t *testing.T) {
	for n := 1; t.Failed() && n <= d.runs; n++ {
		out, _ := os.ReadFile(filepath.Join(d.dir, fmt.Sprintf("run-%d.txt", n)))
		t.Logf("commands %d:\n%s", n, out[max(0, len(out)-3000):])
	}
}

func (d *desk) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

// blocks are the commands of docs/kubernetes.md, a string for each block.
func (d *desk) blocks(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(d.dir, "docs", "kubernetes.md"))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(page), "```\n")
	var out []string
	for i := 1; i < len(parts); i += 2 {
		commands := strings.ReplaceAll(parts[i], "127.0.0.1", d.address)
		out = append(out, strings.Replace(commands, "go build -o bin/coastwise ./cmd/coastwise\n", "", 1))
	}
	if len(out) != 8 {
		t.Fatalf("docs/kubernetes.md has %d blocks of commands, not 8: this test is to be told", len(out))
	}
	return out
}

// run runs commands in a shell, and gives what was printed; none may fail. The shell
// stays until the end of the test, since an Envoy ends with its parent.
func (d *desk) run(t *testing.T, commands string) string {
	t.Helper()
	d.runs++
	done := filepath.Join(d.dir, fmt.Sprintf("done-%d", d.runs))
	cmd, path := d.shell(t, commands+"\ntouch "+done+"\nwait\n")
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(done); err == nil {
			return d.printed(t, path)
		}
		select {
		case err := <-ended:
			if _, missing := os.Stat(done); missing != nil {
				t.Fatalf("%v\n%s\n%s", err, commands, d.printed(t, path))
			}
			return d.printed(t, path)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within 2 m:\n%s\n%s", commands, d.printed(t, path))
		}
	}
}

// fails runs commands that must fail, and gives what was printed.
func (d *desk) fails(t *testing.T, commands string) string {
	t.Helper()
	d.runs++
	cmd, path := d.shell(t, commands)
	if err := cmd.Wait(); err == nil {
		t.Errorf("it works, though it is a mistake:\n%s", commands)
	}
	return d.printed(t, path)
}

// shell starts a shell, and gives the file that it prints to.
func (d *desk) shell(t *testing.T, commands string) (*exec.Cmd, string) {
	t.Helper()
	path := filepath.Join(d.dir, fmt.Sprintf("run-%d.txt", d.runs))
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", commands)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = d.dir, d.env, file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, path
}

func (d *desk) printed(t *testing.T, path string) string {
	t.Helper()
	out, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// send sends 300 requests by the Envoy; none may fail.
func (d *desk) send(t *testing.T) traffic.Tally {
	t.Helper()
	g := traffic.Start(d.address+":15080", "reviews.shop", 2, 100000)
	defer g.Stop()
	phase := g.Begin(100000)
	cluster.Eventually(t, kube.Patience, func() error {
		if sent, _ := phase.Counts(); sent < 300 {
			return fmt.Errorf("%d of 300 requests", sent)
		}
		return nil
	})
	g.Stop()
	tally := phase.Tally()
	if len(tally.Failures) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(tally.Failures), tally.Requests, tally.Failures[0].What)
	}
	return tally
}
