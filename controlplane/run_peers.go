package controlplane

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coastwise/coastwise/controlplane/peers"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// ReplicaConfig says which of several servers this is, and how it is one of them.
type ReplicaConfig struct {
	// Namespace and Name are those of this replica's Pod (POD_NAMESPACE, POD_NAME).
	Namespace, Name string
	// Outside says that this process is no Pod of the cluster: it writes statuses only
	// while nobody in there can.
	Outside bool
	// Version is that of this build.
	Version string
	// Peer is where other replicas ask this one, HOST:PORT; they listen on the same
	// port. Empty is off.
	Peer string
	// TokenFile holds the service-account token that the others are asked with; one
	// that is not there is not sent.
	TokenFile string
	// DrainDelay is for how long a server that is told to end serves on, not ready;
	// DrainTime over how long it then tells its clients to go.
	DrainDelay, DrainTime time.Duration
}

// mistakes are what is wrong with the flags; replicas are verified as clients are.
func (c ReplicaConfig) mistakes(clients ClientsConfig) []error {
	var out []error
	if c.DrainDelay < 0 {
		out = append(out, fmt.Errorf("--drain-delay: %s is negative", c.DrainDelay))
	}
	if c.DrainTime < 0 {
		out = append(out, fmt.Errorf("--drain-time: %s is negative", c.DrainTime))
	}
	if c.Peer == "" {
		return out
	}
	if _, port, err := net.SplitHostPort(c.Peer); err != nil {
		return append(out, fmt.Errorf("--peer: %q: %w", c.Peer, hostPort(err)))
	} else if n, err := net.LookupPort("tcp", port); err != nil || n == 0 {
		return append(out, fmt.Errorf("--peer: %q: %q is no port that other replicas could have too", c.Peer, port))
	}
	switch {
	case clients.tls() && clients.CA == "":
		out = append(out, errors.New("--peer: needs --client-ca, by which replicas verify each other"))
	case !clients.tls() && !clients.Insecure && loopback(c.Peer) != nil:
		out = append(out, fmt.Errorf("--peer: %q is not a loopback address: beyond it give --tls-cert, --tls-key and --client-ca, or --insecure", c.Peer))
	}
	return out
}

// access is how replicas prove to each other who they are: by the certificate that all
// of them have, and their service account. Without TLS it is the zero Access.
func (c Config) access(own *clients) peers.Access {
	if own.keys == nil {
		return peers.Access{}
	}
	return peers.Access{
		Server: own.keys.Server(own.verifier.Domain, own.verifier.Tokens != nil, own.metrics, "http/1.1"),
		Client: own.keys.Client(ownAccount + "." + cmp.Or(c.Replica.Namespace, DefaultNamespace) + ".svc"),
		Authorize: func(r *http.Request) error {
			id, err := own.verifier.FromRequest(r)
			if err == nil && !c.isOwn(xds.Verified(id)) {
				err = fmt.Errorf("%s/%s is not coastwise's own account", id.Namespace, id.ServiceAccount)
			}
			return err
		},
		Token: c.Replica.token,
	}
}

// token is what the file holds now, "" if there is none.
func (c ReplicaConfig) token() (string, error) {
	text, err := os.ReadFile(c.TokenFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// replicas is what this server says to the other replicas and knows of them.
type replicas struct {
	config  ReplicaConfig
	access  peers.Access
	store   *store.Store
	own     func() []xds.ProxyInfo
	single  func() []model.Problem
	pool    *peers.Pool
	started time.Time
	// rollouts are how far this replica's proxies are, false while that is not all
	// known; generations are those of the objects as it has them; problems are all, own
	// its proxies and single the problems that concern single ones.
	// generations is nil without an API server.
	rollouts    func() (map[model.ObjectRef]model.Rollout, bool)
	generations func() map[model.ObjectRef]int64
	// shown are the generations of when all was known last.
	mu       sync.Mutex
	shown    map[model.ObjectRef]int64
	problems func() []model.Problem
	synced   func() bool
	// leading says whether this replica leads; nil: never.
	leading func() bool
}

func (s *server) newReplicas(st *store.Store) *replicas {
	access := s.config.access(s.clients)
	r := &replicas{access: access, config: s.config.Replica, store: st, own: s.proxies, started: time.Now(), problems: s.hub.Problems, single: s.singleProblems, synced: s.hub.Synced, rollouts: s.hub.Rollouts}
	r.pool = peers.NewPool(peers.PoolConfig{
		Name: r.config.Name, Members: r.members, Leading: func() bool { return r.leading != nil && r.leading() },
		Own: r.report, TLS: access.Client, Token: access.Token, Log: s.config.Log,
	})
	return r
}

// members are the other replicas.
func (r *replicas) members() []peers.Member {
	_, port, _ := net.SplitHostPort(r.config.Peer) // checked by mistakes
	return peers.Others(r.store.PodsIn(r.config.Namespace), r.config.Name, port)
}

// warnLost says that this replica, though it is to be one of several, does not find its
// own Pod: then it finds no others either, and takes its own proxies for all.
func (r *replicas) warnLost(log *slog.Logger) {
	if r.config.Peer == "" {
		return
	}
	if pod := r.store.Pod(ingest.PodName{Namespace: r.config.Namespace, Name: r.config.Name}); pod == nil || pod.Labels["app.kubernetes.io/name"] == "" {
		log.Warn("--peer: this replica's own Pod is not known, or has no label app.kubernetes.io/name, so that no other is found: statuses count its own proxies alone; see POD_NAMESPACE and POD_NAME",
			"namespace", r.config.Namespace, "name", r.config.Name)
	}
}

// report is what this replica says of itself, false before everything was read.
func (r *replicas) report() (peers.Report, bool) {
	if !r.synced() {
		return peers.Report{}, false
	}
	generations, rollouts := r.view()
	out := peers.Report{
		Replica: r.config.Name, Version: r.config.Version, Started: r.started.UTC(), Synced: true,
		Rollouts: rollouts, Generations: generations,
	}
	for _, p := range r.problems() {
		if p.Reason == model.ProxyRejected {
			out.Problems = append(out.Problems, p)
		}
	}
	if r.single != nil {
		out.Problems = append(out.Problems, r.single()...)
	}
	return out, true
}

// looks is how often is looked for a moment in which the snapshot shows all that the
// store holds.
const (
	looks    = 10
	lookTime = 10 * time.Millisecond
)

// view is how far the proxies are, and with which generation of each object. Where
// changes come all the time, a generation that may not be in the snapshot yet is not
// said: the one before, or none, stands in its place.
func (r *replicas) view() (map[model.ObjectRef]int64, map[model.ObjectRef]model.Rollout) {
	var generations map[model.ObjectRef]int64
	var rollouts map[model.ObjectRef]model.Rollout
	complete := false
	for i := 0; i < looks && !complete; i++ {
		if i > 0 {
			time.Sleep(lookTime)
		}
		if r.generations != nil {
			generations = r.generations() // before the rollouts, which may know newer ones
		}
		rollouts, complete = r.rollouts()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if complete {
		r.shown = generations
		return generations, rollouts
	}
	said := map[model.ObjectRef]int64{}
	for ref := range generations {
		if g, known := r.shown[ref]; known {
			said[ref] = min(g, generations[ref])
		}
	}
	return said, rollouts
}

// ReplicaProxy is a line of /proxies?replicas=all: a stream of a proxy, or, with an
// Error, a replica that could not be asked.
type ReplicaProxy struct {
	xds.ProxyInfo
	// Replica is where it is connected; empty where there is only one.
	Replica string `json:"replica,omitempty"`
	Error   string `json:"error,omitempty"`
}

// proxies are those of all replicas, by id; at the end the replicas that could not
// be asked.
func (r *replicas) proxies(ctx context.Context) []ReplicaProxy {
	members := r.members()
	own := ""
	if len(members) > 0 {
		own = r.config.Name
	}
	out, unheard := []ReplicaProxy{}, []ReplicaProxy{}
	for _, p := range r.own() {
		out = append(out, ReplicaProxy{ProxyInfo: p, Replica: own})
	}
	for _, a := range r.ask(ctx, members) {
		var theirs []xds.ProxyInfo
		if a.Err == nil {
			a.Err = json.Unmarshal(a.Body, &theirs)
		}
		if a.Err != nil {
			unheard = append(unheard, ReplicaProxy{ProxyInfo: xds.ProxyInfo{Types: []xds.TypeInfo{}}, Replica: a.Replica, Error: a.Err.Error()})
			continue
		}
		for _, p := range theirs {
			out = append(out, ReplicaProxy{ProxyInfo: p, Replica: a.Replica})
		}
	}
	slices.SortStableFunc(out, func(a, b ReplicaProxy) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), a.Connected.Compare(b.Connected))
	})
	return append(out, unheard...)
}

// ask asks the others, who cannot be asked if nobody says on which port.
func (r *replicas) ask(ctx context.Context, members []peers.Member) []peers.Answer {
	if r.config.Peer != "" {
		return r.pool.Proxies(ctx)
	}
	out := make([]peers.Answer, len(members))
	for i, m := range members {
		out[i] = peers.Answer{Replica: m.Name, Err: errors.New("this replica runs without --peer")}
	}
	return out
}

// peerParts let replicas ask each other.
func (s *server) peerParts(ctx context.Context, l net.Listener) []part {
	if l == nil {
		return nil
	}
	access := s.replicas.access
	if missing := access.Check(); missing != nil && loopback(l.Addr().String()) != nil {
		s.config.Log.Warn("everybody who can reach the peer port can read who is connected", "peer", l.Addr().String(), "why", missing)
	}
	if access.Server != nil {
		l = tls.NewListener(l, access.Server)
	}
	handler := peers.NewServer(peers.ServerConfig{
		Report: s.replicas.report, Proxies: func() any { return s.proxies() }, Authorize: access.Authorize, Log: s.config.Log,
	}).Handler(ctx)
	return []part{
		{"peer", serveHTTP(ctx, l, handler)},
		{"peers", func() error { return s.replicas.pool.Run(ctx) }},
	}
}
