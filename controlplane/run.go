package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/client-go/rest"

	"github.com/coastwise/coastwise/controlplane/admin"
	"github.com/coastwise/coastwise/controlplane/files"
	"github.com/coastwise/coastwise/controlplane/kube"
	"github.com/coastwise/coastwise/controlplane/snapshot"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/model"
)

// endTime bounds how long streams may last beyond --drain-time, and how long the
// other parts may take after that.
const endTime = 2 * time.Second

// server is the parts of one running control plane.
type server struct {
	config   Config
	store    *store.Store
	source   *files.Source
	kube     *kube.Source // nil where no API server is watched
	rest     *rest.Config // of that API server
	hub      *snapshot.Hub
	xds      *xds.Server
	clients  *clients
	registry *prometheus.Registry
	// draining says that the server was told to end.
	draining atomic.Bool
	replicas *replicas
}

// Run serves until ctx ends, then drains and returns nil. It returns a
// *ConfigError for wrong usage, and an error if a source cannot be read at the
// start, a port is taken, or a part stops by itself.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	ports, err := listen(c)
	if err != nil {
		return err
	}
	defer ports.close()
	if err := loopback(ports.admin.Addr().String()); err != nil {
		c.Log.Warn("everybody who can reach the admin port can read who is connected and what is wrong", "admin", ports.admin.Addr().String())
	}
	s, err := newServer(c)
	if err != nil {
		return err
	}
	if err := s.connect(s.store); err != nil {
		return err
	}
	return s.run(ctx, ports)
}

func newServer(c Config) (*server, error) {
	clients, err := c.newClients()
	if err != nil {
		return nil, err
	}
	st := store.New()
	st.SetMesh(c.Suspend, c.LocalityDefault)
	st.SetTrustDomain(c.Clients.TrustDomain)
	s := &server{
		config: c, store: st, source: files.New(c.From, st, c.Log, files.TLSDirs(c.TLSDirs)),
		hub: snapshot.New(st, c.PublishInterval, c.Log), registry: prometheus.NewRegistry(),
		clients: clients,
	}
	s.hub.Name(c.mesh())
	s.hub.Linger(snapshot.DefaultLinger)
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.registry.MustRegister(s.hub.Collectors()...)
	s.registry.MustRegister(clients.collectors()...)
	s.xds = xds.New(clients.secure(xds.Config{
		Hub: hub{s.hub}, Ready: s.hub.Synced, Log: c.Log, Metrics: xds.NewMetrics(s.registry),
		Refused: func(r xds.Refusal) { s.hub.Refuse(snapshot.Refusal(r)) },
		Mended:  func(r xds.Refusal) { s.hub.Mended(snapshot.Refusal(r)) }, NackedSecrets: s.hub.NackedSecrets, Limits: c.Limits.server(),
		Pod: podsOf(st), Inspect: c.isOwn, Ztunnel: c.isZtunnel,
	}))
	s.replicas = s.newReplicas(st)
	s.registry.MustRegister(admin.Collector(s.sources()))
	return s, nil
}

func (s *server) sources() admin.Sources {
	return admin.Sources{
		Alive:    func() bool { return s.hub.Alive() && s.source.Alive() && s.kubeAlive() },
		Checks:   s.checks(),
		Draining: s.draining.Load,
		Problems: s.hub.Problems,
		Proxies:  func() any { return s.proxies() },
		All:      func(ctx context.Context) any { return s.replicas.proxies(ctx) },
		Skipped:  func() map[string]int { return s.source.Stats().Foreign },
		Refused: func() admin.Refused {
			stats := s.source.Stats()
			held, absent := s.kubeRefused()
			return admin.Refused{Held: joined(stats.Held, held), Absent: joined(stats.Unadmitted, absent)}
		},
		Registry: s.registry,
	}
}

// checks are what must have happened once before clients are served.
func (s *server) checks() []admin.Check {
	out := s.kubeChecks()
	if len(s.config.From) > 0 || len(out) == 0 {
		out = append([]admin.Check{{Name: "files", OK: func() bool { return s.source.Stats().Reloads > 0 }}}, out...)
	}
	return append(out, admin.Check{Name: "snapshot", OK: s.hub.Synced})
}

// joined is what either of two says, sorted.
func joined(a, b []model.ObjectRef) []model.ObjectRef {
	return slices.Compact(slices.SortedFunc(slices.Values(slices.Concat(a, b)), model.ObjectRef.Compare))
}

// run starts every part and ends them all when ctx does or one of them stops.
// Health is answered from the start, and streams are refused until all is read.
// While it drains every part goes on.
func (s *server) run(told context.Context, p *ports) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(told))
	defer cancel()
	loaded := make(chan struct{})
	parts := []part{
		{"files", func() error { return s.read(ctx, p, loaded) }},
		{"publishing", func() error { return s.publish(ctx, loaded) }},
		{"xds", func() error { return s.xds.Serve(p.xds) }},
		{"admin", serveHTTP(ctx, p.admin, admin.Handler(s.sources()))},
	}
	parts = append(parts, s.clients.parts(ctx)...)
	parts = append(parts, s.kubeParts(ctx)...)
	parts = append(parts, s.statusParts(ctx)...)
	parts = append(parts, s.peerParts(ctx, p.peer)...)
	if p.debug != nil {
		parts = append(parts, part{"debug", serveHTTP(ctx, p.debug, admin.DebugHandler(s.xds.Dump))})
	}
	ended := make(chan error, len(parts))
	for _, part := range parts {
		go func() { ended <- part.guard() }()
	}
	running := len(parts)
	var failed error
	select {
	case <-told.Done():
		var early bool
		if early, failed = s.linger(ended); early {
			running--
		}
	case failed = <-ended:
		running--
	}
	s.drain()
	cancel()
	return errors.Join(failed, s.await(ended, running))
}

// read loads the files once, waits until the API server's objects are read too,
// publishes what both gave, and follows the files.
func (s *server) read(ctx context.Context, p *ports, loaded chan<- struct{}) error {
	if s.readsFiles() {
		if err := s.source.Load(); err != nil {
			return err
		}
	}
	if !s.awaitKube(ctx) {
		return nil
	}
	s.replicas.warnLost(s.config.Log)
	s.hub.Publish(time.Now())
	close(loaded)
	s.config.Log.Info("serving", "xds", p.xds.Addr().String(), "admin", p.admin.Addr().String(),
		"services", len(s.hub.Snapshot().Entries))
	if !s.readsFiles() {
		<-ctx.Done()
		return nil
	}
	return s.source.Run(ctx)
}

// readsFiles says that there are manifests or secrets to follow: whoever gives the
// Gateways, their certificates are files.
func (s *server) readsFiles() bool { return len(s.config.From)+len(s.config.TLSDirs) > 0 }

// publish begins once everything has been read: before that the mesh would look
// emptier than it is.
func (s *server) publish(ctx context.Context, loaded <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return nil
	case <-loaded:
		return s.hub.Run(ctx)
	}
}

// await waits for the parts that still run, but not for ever: a read of a file
// on a dead mount cannot be interrupted.
func (s *server) await(ended <-chan error, running int) (failed error) {
	patience := time.NewTimer(endTime)
	defer patience.Stop()
	for range running {
		select {
		case err := <-ended:
			failed = errors.Join(failed, err)
		case <-patience.C:
			s.config.Log.Warn("stopped, though a part of the server did not end: a file may be unreadable")
			return failed
		}
	}
	s.config.Log.Info("stopped")
	return failed
}

// part is something that runs until the context ends.
type part struct {
	name string
	run  func() error
}

// guard names the part in its error and turns a panic into one.
func (p part) guard() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v", p.name, r)
		}
	}()
	if err := p.run(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// idleTime is how long a connection to the HTTP ports may say nothing between two requests.
const idleTime = time.Minute

// serveHTTP serves until ctx ends, then closes what is idle and waits a little
// for the rest.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) func() error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: idleTime}
	return func() error {
		stop := context.AfterFunc(ctx, func() {
			grace, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if server.Shutdown(grace) != nil {
				server.Close()
			}
		})
		defer stop()
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}

// ports are the sockets that a server listens on.
type ports struct{ xds, admin, debug, peer net.Listener }

// listen opens every port before anything else happens: one that is taken ends
// the start at once.
func listen(c Config) (*ports, error) {
	p := &ports{}
	for _, want := range []struct {
		flag, address string
		l             *net.Listener
	}{{"--xds", c.XDS, &p.xds}, {"--admin", c.Admin, &p.admin}, {"--debug", c.Debug, &p.debug}, {"--peer", c.Replica.Peer, &p.peer}} {
		if want.address == "" {
			continue
		}
		l, err := net.Listen("tcp", want.address)
		if err != nil {
			p.close()
			return nil, fmt.Errorf("%s: %w", want.flag, err)
		}
		*want.l = l
	}
	return p, nil
}

func (p *ports) close() {
	for _, l := range []net.Listener{p.xds, p.admin, p.debug, p.peer} {
		if l != nil {
			l.Close()
		}
	}
}
