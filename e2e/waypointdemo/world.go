package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/loopback"
	"github.com/coastwise/coastwise/e2e/proc"
	"github.com/coastwise/coastwise/e2e/ztunnel"
)

// port is the one of the sample's Gateway.
const port = 15088

// patience is how long starting may take.
const patience = 30 * time.Second

// replica is a waypoint in one zone, which clients of that zone use.
type replica struct {
	flags coastwise.Client
	envoy *envoyproc.Envoy
}

// world is all that runs.
type world struct {
	options
	work   string
	ports  loopback.Ports
	server *coastwise.Server
	// backends are the endpoints' processes, by IP:PORT; zones where they are.
	backends map[string]*proc.Process
	zones    map[string]string
	replicas []*replica
	log      *os.File
}

// at is one of the addresses that the world listens on.
func (w *world) at(n int) string { return fmt.Sprintf("%s.%d", w.bind, n) }

// start brings everything up.
func (w *world) start(ctx context.Context) error {
	var err error
	if w.work, err = os.MkdirTemp("", "coastwise-waypoint-"); err != nil {
		return err
	}
	if w.log, err = os.Create(filepath.Join(w.work, "backends.log")); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(w.work, "manifests"), os.DirFS(w.manifests)); err != nil {
		return err
	}
	if w.ports, err = loopback.FreePorts([]string{w.at(1), w.at(2)}); err != nil {
		return err
	}
	for i, zone := range []string{"eu-1", "eu-2"} {
		w.replicas = append(w.replicas, &replica{flags: coastwise.Client{
			ID: "waypoint-" + zone, Kind: "waypoint", Gateway: "default/waypoint", Node: "node-" + zone, Locality: "eu/" + zone,
			Bind: w.at(i + 1), AdminPort: w.ports.EnvoyAdmin,
		}})
	}
	for _, step := range []func(context.Context) error{w.startBackends, w.serve, w.startWaypoints} {
		if err := errors.Join(ctx.Err(), step(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// folder is a copy of the sample, so that playing with it harms nothing.
func (w *world) folder() string { return filepath.Join(w.work, "manifests") }

// predict is what a waypoint in a zone receives of a service.
func (w *world) predict(ctx context.Context, r *replica, service string) (coastwise.Cluster, error) {
	a, err := coastwise.Binary(w.coastwise).Translate(ctx, w.folder(), r.flags, service)
	if err != nil {
		return coastwise.Cluster{}, err
	}
	return a.One()
}

// startBackends runs a process for every endpoint of the sample's services; those in the
// forbidden region are left out, as translate says.
func (w *world) startBackends(ctx context.Context) error {
	w.backends, w.zones = map[string]*proc.Process{}, map[string]string{}
	a, err := coastwise.Binary(w.coastwise).Translate(ctx, w.folder(), w.replicas[0].flags, "")
	if err != nil {
		return err
	}
	for _, c := range a.Clusters {
		for _, g := range c.Groups {
			for _, e := range g.Endpoints {
				w.zones[e.HostPort()] = g.Locality.Zone
			}
		}
	}
	return w.revive("")
}

// revive starts what does not run: of one zone, or of all.
func (w *world) revive(zone string) error {
	for address, at := range w.zones {
		if p := w.backends[address]; zone != "" && at != zone || p != nil && p.Running() {
			continue
		}
		p, err := backend.Start(address, at, w.log)
		if err != nil {
			return err
		}
		w.backends[address] = p
		if err := backend.WaitListening(p, address, time.Now().Add(patience)); err != nil {
			return fmt.Errorf("endpoint %s of the sample cannot listen: %w", address, err)
		}
	}
	return nil
}

// kill ends all endpoints of a zone at once.
func (w *world) kill(zone string) {
	for address, at := range w.zones {
		if at == zone {
			w.backends[address].Kill()
		}
	}
}

func (w *world) serve(context.Context) error {
	var err error
	w.server, err = coastwise.Binary(w.coastwise).Start(coastwise.Serve{
		From: []string{w.folder()}, XDS: fmt.Sprintf("%s:%d", w.at(1), w.ports.XDS), Admin: fmt.Sprintf("%s:%d", w.at(1), w.ports.Admin),
		Log: filepath.Join(w.work, "coastwise.log"),
	})
	if err != nil {
		return err
	}
	return w.server.WaitReady(time.Now().Add(patience))
}

func (w *world) startWaypoints(ctx context.Context) error {
	for _, r := range w.replicas {
		bootstrap, err := coastwise.Binary(w.coastwise).Bootstrap(ctx, r.flags, w.server.XDS)
		if err != nil {
			return err
		}
		if r.envoy, err = envoyproc.Start(envoyproc.Config{
			Binary: w.envoy, Name: r.flags.ID, Dir: w.work, Bootstrap: bootstrap, Admin: r.flags.Admin(),
		}); err != nil {
			return err
		}
		listens := fmt.Sprintf("%s:%d", r.flags.Bind, port)
		if err := backend.WaitListening(r.envoy.Process, listens, time.Now().Add(patience)); err != nil {
			return fmt.Errorf("the waypoint does not listen on %s: %w; its log is %s", listens, err, r.envoy.Log)
		}
	}
	return nil
}

// tunnel is the ztunnel in front of a replica, as a client of that zone comes through it.
func (r *replica) tunnel() ztunnel.Sandwich {
	return ztunnel.Sandwich{
		Waypoint: fmt.Sprintf("%s:%d", r.flags.Bind, port), Source: netip.MustParseAddrPort("127.20.9.9:40000"),
		Identity: "spiffe://cluster.local/ns/default/sa/client",
	}
}

// close ends what was started, and removes the folder unless something is to be read there.
func (w *world) close() {
	for _, r := range w.replicas {
		if r.envoy != nil {
			r.envoy.Kill()
		}
	}
	if w.server != nil {
		w.server.Stop(5 * time.Second)
	}
	for _, p := range w.backends {
		p.Kill()
	}
	if w.log != nil {
		w.log.Close()
	}
	if w.work != "" {
		os.RemoveAll(w.work)
	}
}

// invite says what to try while all runs.
func (w *world) invite() {
	fmt.Printf("\nAll runs until Ctrl-C. Edit %s, and look:\n", w.folder())
	fmt.Printf("  curl http://%s/problems\n  bin/coastwise proxies --server http://%s\n", w.server.Admin, w.server.Admin)
	for _, r := range w.replicas {
		fmt.Printf("  curl 'http://%s/config_dump'   # %s, on %s:%d\n", r.flags.Admin(), r.flags.ID, r.flags.Bind, port)
	}
}
