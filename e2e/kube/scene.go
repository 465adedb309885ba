package kube

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/checkout"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/loopback"
)

// Patience is how long anything may take that has no limit of its own.
const Patience = 30 * time.Second

// Port is where the servers of Pods listen.
const Port = 8080

// Scene is one coastwise that follows a cluster, and what plays with it.
type Scene struct {
	testing.TB
	Cluster *cluster.Cluster
	Tools   Tools
	Server  *coastwise.Server

	options Options
	logs    string
	block   *loopback.Block
	ports   loopback.Ports
	envoys  int

	mu sync.Mutex
	// servers are those of Pods, by address.
	servers map[string]*http.Server
}

// Prepare gives a cluster our CRDs and the role of deploy/, as a user does.
func Prepare(t testing.TB, c *cluster.Cluster) {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	c.ApplyCRDs(t)
	for _, file := range []string{"rbac.yaml", "rbac-istio.yaml", "rbac-gateway-api.yaml"} {
		c.Kubectl(t, "apply", "-f", filepath.Join(root, "deploy", file))
	}
}

// Options says what differs from the usual Scene.
type Options struct {
	// Kubeconfig is another one than that of the ServiceAccount of deploy/.
	Kubeconfig string
	// Args are further ones of coastwise, Env is NAME=VALUE for it.
	Args, Env []string
	// Early does not wait until coastwise is ready.
	Early bool
}

// New starts coastwise on a prepared cluster, under the ServiceAccount of deploy/, and
// waits until it is ready.
func New(t testing.TB, c *cluster.Cluster, tools Tools) *Scene {
	t.Helper()
	return Start(t, c, tools, Options{})
}

// Start is New with Options.
func Start(t testing.TB, c *cluster.Cluster, tools Tools, o Options) *Scene {
	t.Helper()
	if o.Kubeconfig == "" {
		o.Kubeconfig = c.KubeconfigFor(t, "coastwise-system", "coastwise")
	}
	s := &Scene{TB: t, Cluster: c, Tools: tools, options: o, logs: t.TempDir(), servers: map[string]*http.Server{}}
	var err error
	if s.block, err = loopback.Claim(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.block.Release)
	addresses := []string{s.home()}
	for n := range 8 {
		addresses = append(addresses, s.block.Address(1, n))
	}
	if s.ports, err = loopback.FreePorts(addresses); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.showLogs)
	t.Cleanup(s.closeServers)
	s.serve(!o.Early)
	return s
}

func (s *Scene) home() string { return s.block.Address(1, 200) }

// Restart kills coastwise and starts it again on the same ports; between the two it
// calls meanwhile, unless nil. It returns when coastwise is ready.
func (s *Scene) Restart(meanwhile func()) {
	s.Helper()
	s.Server.Kill()
	if meanwhile != nil {
		meanwhile()
	}
	s.serve(true)
}

// Logged is what coastwise logged so far, over restarts.
func (s *Scene) Logged() string {
	s.Helper()
	content, err := os.ReadFile(s.logPath())
	if err != nil {
		s.Fatal(err)
	}
	return string(content)
}

func (s *Scene) logPath() string { return filepath.Join(s.logs, "coastwise.log") }

// serve starts coastwise, and waits until it is ready if wait says so.
func (s *Scene) serve(wait bool) {
	s.Helper()
	server, err := s.Tools.Coastwise.Start(coastwise.Serve{
		Kubeconfig: s.options.Kubeconfig, Args: s.options.Args, Env: s.options.Env,
		XDS:   fmt.Sprintf("%s:%d", s.home(), s.ports.XDS),
		Admin: fmt.Sprintf("%s:%d", s.home(), s.ports.Admin),
		Log:   s.logPath(),
	})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { server.Stop(3 * time.Second) })
	s.Server = server
	if !wait {
		return
	}
	if err := server.WaitReady(time.Now().Add(Patience)); err != nil {
		s.Fatal(err)
	}
}

// showLogs prints what the processes logged if the test failed.
func (s *Scene) showLogs() {
	if !s.Failed() {
		return
	}
	logs, _ := filepath.Glob(filepath.Join(s.logs, "*.log"))
	for _, path := range logs {
		content, _ := os.ReadFile(path)
		s.Logf("%s:\n%s", filepath.Base(path), content[max(0, len(content)-4000):])
	}
}

// Pod makes a Pod that serves HTTP on its first address, and returns that.
func (s *Scene) Pod(p cluster.Pod) string {
	s.Helper()
	if len(p.IPs) == 0 {
		p.IPs = []string{s.Cluster.Address(s)}
	}
	if err := s.Listen(p.IPs[0]); err != nil {
		s.Fatal(err)
	}
	return s.Cluster.Pod(s, p)
}

// Pods makes one Pod for each of these nodes, NAME-0, NAME-1, …, labelled app: NAME.
func (s *Scene) Pods(namespace, name string, nodes ...string) []string {
	s.Helper()
	var ips []string
	for i, node := range nodes {
		ips = append(ips, s.Pod(cluster.Pod{
			Namespace: namespace, Name: fmt.Sprintf("%s-%d", name, i), Node: node, Labels: map[string]string{"app": name},
		}))
	}
	return ips
}

// Listen serves HTTP on port 8080 of an address until Close, or the test's end.
func (s *Scene) Listen(ip string) error {
	address := fmt.Sprintf("%s:%d", ip, Port)
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: backend.Handler(address, ""), ReadHeaderTimeout: 10 * time.Second}
	s.mu.Lock()
	s.servers[ip] = server
	s.mu.Unlock()
	go func() { _ = server.Serve(l) }() // until it is closed
	return nil
}

// Close ends the server of an address at once, with its connections.
func (s *Scene) Close(ip string) {
	s.mu.Lock()
	server := s.servers[ip]
	s.mu.Unlock()
	if server != nil {
		_ = server.Close()
	}
}

func (s *Scene) closeServers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, server := range s.servers {
		_ = server.Close()
	}
}

// Zones makes a Node for each of these zones "REGION/ZONE", named by prefix and the
// zone, and returns the names.
func (s *Scene) Zones(prefix string, places ...string) []string {
	s.Helper()
	var names []string
	for _, place := range places {
		region, zone, _ := strings.Cut(place, "/")
		name := prefix + "-" + zone
		s.Cluster.Node(s, name, region, zone, "4")
		names = append(names, name)
	}
	return names
}
