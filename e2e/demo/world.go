package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/loopback"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/proc"
)

// patience is how long anything may take to start or to converge.
const patience = 20 * time.Second

// serverHost is the last part of coastwise's own address; clients count from 1.
const serverHost = 200

// Client is one client zone's Envoy, or the gRPC client.
type Client struct {
	Flags coastwise.Client
	// Zone is the index of its zone.
	Zone int
	// Entry is the IP:PORT that takes its HTTP requests.
	Entry string
	// One of these runs.
	Envoy *envoyproc.Envoy
	GRPC  *proc.Process
}

// World is everything that runs: backends, coastwise and Envoys.
type World struct {
	layout Layout
	binary coastwise.Binary
	// dir is the folder of manifests, logs that of everything else.
	dir, logs string
	net       *loopback.Block
	ports     loopback.Ports
	// addresses are the endpoints' IPs by Node, nodes the Nodes by IP:PORT.
	addresses, nodes map[string]string
	// backends are the endpoints' processes by Node.
	backends map[string]*proc.Process
	server   *coastwise.Server
	clients  []Client
	log      *os.File
}

// NewWorld writes the manifests and starts everything; the caller closes the
// World even if an error comes with it.
func NewWorld(ctx context.Context, l Layout, binary coastwise.Binary, envoy, work string) (*World, error) {
	w := &World{
		layout: l, binary: binary, dir: filepath.Join(work, "manifests"), logs: filepath.Join(work, "run"),
		addresses: map[string]string{}, nodes: map[string]string{}, backends: map[string]*proc.Process{},
	}
	for _, step := range []func() error{
		w.folders,
		w.reserve,
		func() error { return w.startBackends(nodesOf(l)) },
		w.writeAll,
		w.serve,
		func() error { return w.startEnvoys(ctx, envoy) },
		func() error { return w.startGRPC(ctx) },
	} {
		if err := errors.Join(ctx.Err(), step()); err != nil {
			return w, err
		}
	}
	return w, nil
}

func nodesOf(l Layout) []string {
	var out []string
	for _, e := range l.Endpoints() {
		out = append(out, e.Node)
	}
	return out
}

func (w *World) folders() error {
	for _, dir := range []string{w.dir, w.logs} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	var err error
	w.log, err = os.Create(filepath.Join(w.logs, "backends.log"))
	return err
}

// reserve gives every endpoint and every client a loopback address of its own.
func (w *World) reserve() error {
	var err error
	if w.net, err = loopback.Claim(); err != nil {
		return err
	}
	all := []string{w.net.Address(1, serverHost), w.gateAddress()}
	for i, z := range w.layout.Zones {
		for j, e := range z.Endpoints {
			w.addresses[e.Node] = w.net.Address(2+i, 1+j)
			all = append(all, w.addresses[e.Node])
		}
		all = append(all, w.net.Address(1, 1+i))
	}
	if w.ports, err = loopback.FreePorts(all); err != nil {
		return err
	}
	for node := range w.addresses {
		w.nodes[w.hostPort(node)] = node
	}
	return nil
}

// hostPort is the IP:PORT of an endpoint.
func (w *World) hostPort(node string) string {
	return net.JoinHostPort(w.addresses[node], fmt.Sprint(w.ports.Backend))
}

// startBackends starts the endpoints' processes and waits until they listen.
func (w *World) startBackends(nodes []string) error {
	for _, node := range nodes {
		if old := w.backends[node]; old != nil {
			<-old.Done() // the address is free then
		}
		zone := ""
		for _, e := range w.layout.Endpoints() {
			if e.Node == node {
				zone = e.Region + "/" + e.Zone
			}
		}
		p, err := backend.Start(w.hostPort(node), zone, w.log)
		if err != nil {
			return err
		}
		w.backends[node] = p
	}
	deadline := time.Now().Add(patience)
	for _, node := range nodes {
		if err := backend.WaitListening(w.backends[node], w.hostPort(node), deadline); err != nil {
			return err
		}
	}
	return nil
}

// killBackends sends SIGKILL to all of them; it does not wait for their end.
func (w *World) killBackends(nodes []string) {
	for _, node := range nodes {
		w.backends[node].Signal(syscall.SIGKILL)
	}
}

func (w *World) writeAll() error {
	for name, content := range Files(w.layout) {
		if err := manifest.Folder(w.dir).Write(name, content); err != nil {
			return err
		}
	}
	return errors.Join(w.writeMesh(false), w.writeSlices(nil, w.layout.Zones))
}

func (w *World) writeMesh(on bool) error {
	return manifest.Folder(w.dir).Write("mesh.yaml", MeshFile(w.layout, on))
}

// writeSlices writes the slices of some zones with the readiness of their endpoints.
func (w *World) writeSlices(dead map[string]bool, zones []Zone) error {
	for _, z := range zones {
		name, content := SliceFile(z, dead, w.addresses, w.ports.Backend)
		if err := manifest.Folder(w.dir).Write(name, content); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) serve() error {
	var err error
	home := w.net.Address(1, serverHost)
	w.server, err = w.binary.Start(coastwise.Serve{
		From:  []string{w.dir},
		XDS:   fmt.Sprintf("%s:%d", home, w.ports.XDS),
		Admin: fmt.Sprintf("%s:%d", home, w.ports.Admin),
		Log:   filepath.Join(w.logs, "coastwise.log"),
	})
	if err != nil {
		return err
	}
	return w.server.WaitReady(time.Now().Add(patience))
}

// startEnvoys starts one Envoy per zone, each with what bootstrap prints and
// nothing else, and waits until their proxy ports answer.
func (w *World) startEnvoys(ctx context.Context, envoy string) error {
	for i, z := range w.layout.Zones {
		flags := coastwise.Client{
			ID: fmt.Sprintf("client-%s-%s", z.Region, z.Name), Namespace: z.Namespace(), Locality: z.String(),
			Bind: w.net.Address(1, 1+i), HTTPProxyPort: w.ports.Proxy, AdminPort: w.ports.EnvoyAdmin,
		}
		bootstrap, err := w.binary.Bootstrap(ctx, flags, w.server.XDS)
		if err != nil {
			return err
		}
		e, err := envoyproc.Start(envoyproc.Config{
			Binary: envoy, Name: flags.ID, Dir: w.logs, Bootstrap: bootstrap, Admin: flags.Admin(),
		})
		if err != nil {
			return err
		}
		w.clients = append(w.clients, Client{Flags: flags, Zone: i, Entry: flags.Proxy(), Envoy: e})
	}
	deadline := time.Now().Add(patience)
	for _, c := range w.clients {
		if err := c.Envoy.WaitReady(deadline); err != nil {
			return err
		}
		if err := backend.WaitListening(c.Envoy.Process, c.Flags.Proxy(), deadline); err != nil {
			return err
		}
	}
	return nil
}

// Predict asks `coastwise translate` what each client should hold and do now.
func (w *World) Predict(ctx context.Context) ([]coastwise.Cluster, error) {
	out, errs := make([]coastwise.Cluster, len(w.clients)), make([]error, len(w.clients))
	var wg sync.WaitGroup
	for i, c := range w.clients {
		wg.Go(func() {
			answer, err := w.binary.Translate(ctx, w.dir, c.Flags, serviceName+"."+serviceNamespace+":80")
			if err == nil {
				out[i], err = answer.One()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

func (c Client) process() *proc.Process {
	if c.GRPC != nil {
		return c.GRPC
	}
	return c.Envoy.Process
}

// Close ends every process by its id.
func (w *World) Close() {
	for _, c := range w.clients {
		c.process().Signal(syscall.SIGTERM)
	}
	for _, c := range w.clients {
		c.process().Stop(3 * time.Second)
	}
	if w.server != nil {
		w.server.Stop(3 * time.Second)
	}
	for _, p := range w.backends {
		p.Kill()
	}
	if w.net != nil {
		w.net.Release()
	}
	if w.log != nil {
		w.log.Close()
	}
}
