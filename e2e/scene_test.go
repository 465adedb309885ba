package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/loopback"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// patience is how long anything may take that has no limit of its own.
const patience = 30 * time.Second

// answered is how long one answer may take, where the question may be asked again.
const answered = 10 * time.Second

// scene is one mesh: a folder, a coastwise that serves it, backends and Envoys.
type scene struct {
	t      *testing.T
	folder manifest.Folder
	logs   string
	block  *loopback.Block
	ports  loopback.Ports
	server *coastwise.Server
	envoys int
	// edit changes the bootstrap that coastwise printed, unless nil.
	edit func([]byte) []byte
	// secrets is the --tls-dir.
	secrets string
	// sidecar is who and where Envoys are run as, and from where; zero: as ever.
	sidecar sidecarOf
	// serveFlags are given to serve beside what every scene gives.
	serveFlags []string
}

// sidecarOf is a user and an Envoy that this user may run.
type sidecarOf struct {
	uid   uint32
	envoy string
}

// client is one Envoy of a scene.
type client struct {
	*envoyproc.Envoy
	scene *scene
	flags coastwise.Client
}

// newScene starts coastwise on a folder with these files.
func newScene(t *testing.T, files map[string]string) *scene {
	t.Helper()
	s := &scene{t: t, folder: manifest.Folder(t.TempDir()), logs: t.TempDir(), secrets: t.TempDir()}
	var err error
	if s.block, err = loopback.Claim(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.block.Release)
	addresses := []string{s.block.Address(1, 200)}
	for zone := range 4 {
		for n := range 8 {
			addresses = append(addresses, s.endpoint(zone, n), s.block.Address(1, n))
		}
	}
	if s.ports, err = loopback.FreePorts(addresses); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		s.write(name, content)
	}
	t.Cleanup(s.showLogs)
	s.serve()
	return s
}

// showLogs prints what the processes logged if the test failed.
func (s *scene) showLogs() {
	if !s.t.Failed() {
		return
	}
	logs, _ := filepath.Glob(filepath.Join(s.logs, "*.log"))
	for _, path := range logs {
		content, _ := os.ReadFile(path)
		s.t.Logf("%s:\n%s", filepath.Base(path), content[max(0, len(content)-4000):])
	}
}

// endpoint is the IP of the n-th endpoint of a zone.
func (s *scene) endpoint(zone, n int) string { return s.block.Address(2+zone, 1+n) }

func (s *scene) write(name, content string) {
	s.t.Helper()
	if err := s.folder.Write(name, content); err != nil {
		s.t.Fatal(err)
	}
}

// serve starts coastwise, again with the same ports after it was killed.
func (s *scene) serve() {
	s.t.Helper()
	home := s.block.Address(1, 200)
	server, err := built.coastwise.Start(coastwise.Serve{
		From:    []string{string(s.folder)},
		TLSDirs: []string{s.secrets},
		XDS:     fmt.Sprintf("%s:%d", home, s.ports.XDS),
		Admin:   fmt.Sprintf("%s:%d", home, s.ports.Admin),
		Log:     filepath.Join(s.logs, "coastwise.log"),
		Args:    s.serveFlags,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { server.Stop(3 * time.Second) })
	if err := server.WaitReady(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	s.server = server
}

// backend starts the n-th endpoint of a zone.
func (s *scene) backend(zone, n int) {
	s.t.Helper()
	address := fmt.Sprintf("%s:%d", s.endpoint(zone, n), s.ports.Backend)
	p, err := backend.Start(address, fmt.Sprintf("zone %d", zone), os.Stderr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(p.Kill)
	if err := backend.WaitListening(p, address, time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
}

// envoy starts an Envoy for a client; its addresses and ports are filled in.
func (s *scene) envoy(flags coastwise.Client) *client {
	s.t.Helper()
	c := s.launch(flags)
	if err := c.WaitReady(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	if err := backend.WaitListening(c.Process, c.flags.Proxy(), time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// launch starts an Envoy and does not wait for it. Its id is given to it if it has none.
func (s *scene) launch(flags coastwise.Client) *client {
	s.t.Helper()
	name := fmt.Sprintf("client-%d", s.envoys)
	if flags.ID == "" {
		flags.ID = name
	}
	if flags.Bind == "" {
		flags.Bind = s.block.Address(1, s.envoys)
	}
	flags.HTTPProxyPort, flags.AdminPort = s.ports.Proxy, s.ports.EnvoyAdmin
	s.envoys++
	bootstrap, err := built.coastwise.Bootstrap(s.t.Context(), flags, s.server.XDS)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.edit != nil {
		bootstrap = s.edit(bootstrap)
	}
	e, err := envoyproc.Start(envoyproc.Config{
		Binary: cmp.Or(s.sidecar.envoy, built.envoy), Name: name, Dir: s.logs, Bootstrap: bootstrap, Admin: flags.Admin(), UID: s.sidecar.uid,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		e.Signal(syscall.SIGCONT)
		e.Stop(3 * time.Second)
	})
	return &client{Envoy: e, scene: s, flags: flags}
}

// predicted is what translate says of one service for this client.
func (c *client) predicted(service string) coastwise.Cluster {
	c.scene.t.Helper()
	answer, err := built.coastwise.Translate(c.scene.t.Context(), string(c.scene.folder), c.flags, service)
	if err != nil {
		c.scene.t.Fatal(err)
	}
	cluster, err := answer.One()
	if err != nil {
		c.scene.t.Fatal(err)
	}
	return cluster
}

// converge waits until Envoy holds the endpoints of a cluster.
func (c *client) converge(cluster coastwise.Cluster) {
	c.scene.t.Helper()
	await.Until(c.scene.t, patience, func() string { return c.lacks(cluster) })
}

// lacks says in what Envoy's endpoints differ from a cluster's; "" for nothing.
func (c *client) lacks(cluster coastwise.Cluster) string {
	hosts, err := c.Hosts(context.Background(), cluster.Name)
	if err != nil {
		return err.Error()
	}
	var has, want []string
	for _, h := range hosts {
		has = append(has, fmt.Sprintf("%s P%d %v", h.Address, h.Priority, h.Healthy))
	}
	for _, g := range cluster.Groups {
		for _, e := range g.Endpoints {
			want = append(want, fmt.Sprintf("%s P%d %v", e.HostPort(), g.Priority, e.Health == "HEALTHY"))
		}
	}
	slices.Sort(has)
	slices.Sort(want)
	if slices.Equal(has, want) {
		return ""
	}
	return fmt.Sprintf("%s holds [%s], not [%s]", c.flags.ID, strings.Join(has, ", "), strings.Join(want, ", "))
}

// send sends n requests for a host, four at a time, and counts the answers.
func (c *client) send(host string, n int) traffic.Tally {
	c.scene.t.Helper()
	return c.sendBy(4, host, n)
}

// sendBy is send by so many at a time.
func (c *client) sendBy(workers int, host string, n int) traffic.Tally {
	c.scene.t.Helper()
	g := traffic.Start(c.flags.Proxy(), host, workers, 100000)
	phase := g.Begin(100000)
	await.Until(c.scene.t, 2*patience, func() string {
		if sent, _ := phase.Counts(); sent < n {
			return fmt.Sprintf("%d of %d requests", sent, n)
		}
		return ""
	})
	g.Stop()
	return phase.Tally()
}

// stream starts steady traffic; stop it with its Stop.
func (c *client) stream(host string) (*traffic.Generator, *traffic.Phase) {
	g := traffic.Start(c.flags.Proxy(), host, 2, 200)
	c.scene.t.Cleanup(g.Stop)
	return g, g.Begin(200)
}

// unfailed ends steady traffic once it has shown something, and fails the test if
// a request failed.
func unfailed(t *testing.T, g *traffic.Generator, p *traffic.Phase) {
	t.Helper()
	await.Until(t, patience, func() string {
		if sent, _ := p.Counts(); sent < 100 {
			return fmt.Sprintf("%d of 100 requests", sent)
		}
		return ""
	})
	g.Stop()
	if tally := p.Tally(); len(tally.Failures) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(tally.Failures), tally.Requests, tally.Failures[0].What)
	}
}
