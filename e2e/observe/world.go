package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// patience is how long a process may take to be ready.
const patience = 60 * time.Second

// clients are who may measure. The usual one is on the Node of the first zone.
var clients = map[string]coastwise.Client{
	"":       {ID: "client", Node: "node-eu-1", Labels: "app=cart,version=v2", Network: "n1"},
	"other":  {ID: "other", Namespace: "other", Locality: "eu/eu-1"},
	"narrow": {ID: "narrow", Namespace: "narrow", Locality: "eu/eu-1"},
}

type Config struct {
	Coastwise coastwise.Binary
	Envoy     string
	// Dir gets a folder for each world.
	Dir string
}

// World is one coastwise, with one MeshConfig, and its Envoys.
type World struct {
	lab    *Lab
	folder manifest.Folder
	logs   string
	number int
	mesh   string
	sites  []*Site
	server *coastwise.Server
	envoys map[string]*envoyproc.Envoy
	flags  map[string]coastwise.Client
	listen int
}

// Site is one side's Service in its world.
type Site struct {
	Side
	world *World
	// name of the Service.
	name string
	// listens is a port of the clients' address that nobody else uses.
	listens int
	http    *http.Client
}

// newWorld makes an empty world; number is unique in the lab.
func newWorld(lab *Lab, c Config, number int, mesh string) (*World, error) {
	dir := filepath.Join(c.Dir, fmt.Sprintf("world-%d", number))
	w := &World{
		lab: lab, number: number, mesh: mesh, folder: manifest.Folder(filepath.Join(dir, "mesh")), logs: dir,
		envoys: map[string]*envoyproc.Envoy{}, flags: map[string]coastwise.Client{},
	}
	if err := os.MkdirAll(string(w.folder), 0o755); err != nil {
		return nil, err
	}
	return w, lab.writeCredentials(dir)
}

// add puts a Service into the world, before it starts. The site has a name in DNS,
// NAME.test, of a backend of the first zone.
func (w *World) add(name string, side Side) (*Site, error) {
	s := &Site{Side: side, world: w, name: name, listens: 17000 + len(w.sites), http: newHTTP()}
	w.sites = append(w.sites, s)
	return s, w.lab.names.Set(name+".test", w.lab.address(at(0, 0)))
}

// start writes everything, starts coastwise on it and then the Envoys.
func (w *World) start(ctx context.Context, c Config) error {
	if err := w.write(); err != nil {
		return err
	}
	home := w.lab.block.Address(1, 100+w.number)
	var err error
	w.server, err = c.Coastwise.Start(coastwise.Serve{
		From: []string{string(w.folder)}, TLSDirs: []string{w.logs},
		XDS: fmt.Sprintf("%s:%d", home, w.lab.ports.XDS), Admin: fmt.Sprintf("%s:%d", home, w.lab.ports.Admin),
		Log: filepath.Join(w.logs, "coastwise.log"),
	})
	if err != nil {
		return err
	}
	if err := w.server.WaitReady(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := w.refused(); err != nil {
		return err
	}
	for _, s := range w.sites {
		if err := w.envoy(ctx, c, s.Client); err != nil {
			return err
		}
	}
	for _, e := range w.envoys {
		if err := e.WaitReady(time.Now().Add(patience)); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) write() error {
	if err := w.folder.Write("places.yaml", surroundings()); err != nil {
		return err
	}
	if w.mesh != "" {
		if err := w.folder.Write("mesh.yaml", meshConfig(w.mesh)); err != nil {
			return err
		}
	}
	for _, s := range w.sites {
		if err := w.folder.Write(s.name+".yaml", s.manifests()); err != nil {
			return err
		}
	}
	return nil
}

// later writes the endpoints that come late.
func (w *World) later() error {
	for _, s := range w.sites {
		if s.Late != nil {
			if err := w.folder.Write(s.name+"-late.yaml", s.slice("-late", s.Late)); err != nil {
				return err
			}
		}
	}
	return nil
}

// refused fails if an object of ours was refused: its observation would be of
// nothing.
func (w *World) refused() error {
	resp, err := http.Get("http://" + w.server.Admin + "/problems")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var problems []coastwise.Problem
	if err := json.Unmarshal(body, &problems); err != nil {
		return fmt.Errorf("reading /problems: %w: %.200s", err, body)
	}
	for _, p := range problems {
		none := p.Field == "spec.resolution" // observed all the same
		if p.Severity == "error" || p.Reason == "NotHonoured" && !none {
			return fmt.Errorf("%s: %s: %s %s", p.Object, p.Field, p.Reason, p.Message)
		}
	}
	return nil
}

// envoy starts a client's Envoy, unless it runs.
func (w *World) envoy(ctx context.Context, c Config, client string) error {
	if w.envoys[client] != nil {
		return nil
	}
	flags, ok := clients[client]
	if !ok {
		return fmt.Errorf("no client is called %q", client)
	}
	flags.Bind = w.lab.block.Address(1, 4*w.number+len(w.envoys))
	flags.HTTPProxyPort, flags.AdminPort = w.lab.ports.Proxy, w.lab.ports.EnvoyAdmin
	bootstrap, err := c.Coastwise.Bootstrap(ctx, flags, w.server.XDS)
	if err != nil {
		return err
	}
	e, err := envoyproc.Start(envoyproc.Config{
		Binary: c.Envoy, Name: flags.ID, Dir: w.logs, Admin: flags.Admin(),
		Bootstrap: []byte(strings.Replace(string(bootstrap), "\nstats_config:", byCluster(flags.Bind, flags.HTTPProxyPort+1)+"\nstats_config:", 1) +
			w.lab.resolver()),
	})
	if err != nil {
		return err
	}
	w.envoys[client], w.flags[client] = e, flags
	return nil
}

// byCluster is a listener that sends a request to the cluster that its header
// names: requests reach a subset only where somebody names its cluster.
func byCluster(bind string, port int) string {
	return fmt.Sprintf(`
  listeners:
  - name: by-cluster
    address: {socket_address: {address: %s, port_value: %d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: by-cluster
          http_filters: [{name: envoy.filters.http.router, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config:
            virtual_hosts:
            - {name: all, domains: ['*'], routes: [{match: {prefix: /}, route: {cluster_header: %s}}]}`, bind, port, clusterHeader)
}

// resolver has an Envoy ask the lab's DNS.
func (l *Lab) resolver() string {
	return fmt.Sprintf(`typed_dns_resolver_config:
  name: envoy.network.dns_resolver.cares
  typed_config:
    '@type': type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig
    resolvers: [{socket_address: {address: %s, port_value: %d}}]
    dns_resolver_options: {no_default_search_domain: true}
`, l.block.Address(1, 201), l.names.Port())
}

// stop ends what was started.
func (w *World) stop() {
	for _, e := range w.envoys {
		e.Stop(3 * time.Second)
	}
	if w.server != nil {
		w.server.Stop(3 * time.Second)
	}
}
