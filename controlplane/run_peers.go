package controlplane

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/coastwise/coastwise/controlplane/peers"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/model"
)

// ReplicaConfig says which of several servers this is, and how it is one of them.
type ReplicaConfig struct {
	// Namespace and Name are those of this replica's Pod (POD_NAMESPACE, POD_NAME).
	Namespace, Name string
	// Version is that of this build.
	Version string
	// Peer is where other replicas ask this one, HOST:PORT; they listen on the same
	// port. Empty is off.
	Peer string
	// Access is how they prove who they are. Insecure allows a Peer beyond loopback
	// without.
	Access   peers.Access
	Insecure bool
	// DrainDelay is for how long a server that is told to end serves on, not ready;
	// DrainTime over how long it then tells its clients to go.
	DrainDelay, DrainTime time.Duration
}

// mistakes are what is wrong with the flags.
func (c ReplicaConfig) mistakes() []error {
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
	if missing := c.Access.Check(); missing != nil && !c.Insecure && loopback(c.Peer) != nil {
		out = append(out, fmt.Errorf("--peer: %q is not a loopback address, and %w", c.Peer, missing))
	}
	return out
}

// replicas is what this server says to the other replicas and knows of them.
type replicas struct {
	config  ReplicaConfig
	store   *store.Store
	xds     *xds.Server
	pool    *peers.Pool
	started time.Time
	// rollouts are how far this replica's proxies are, false while that is not all
	// known; generations are those of the objects as it has them; problems are all.
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
	r := &replicas{config: s.config.Replica, store: st, xds: s.xds, started: time.Now(), problems: s.hub.Problems, synced: s.hub.Synced, rollouts: s.hub.Rollouts}
	r.pool = peers.NewPool(peers.PoolConfig{
		Name: r.config.Name, Members: r.members, Leading: func() bool { return r.leading != nil && r.leading() },
		Own: r.report, TLS: r.config.Access.Client, Token: r.config.Access.Token, Log: s.config.Log,
	})
	return r
}

// members are the other replicas.
func (r *replicas) members() []peers.Member {
	_, port, _ := net.SplitHostPort(r.config.Peer) // checked by mistakes
	return peers.Others(r.store.PodsIn(r.config.Namespace), r.config.Name, port)
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
	for _, p := range r.xds.Proxies() {
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
	access := s.config.Replica.Access
	if missing := access.Check(); missing != nil && loopback(l.Addr().String()) != nil {
		s.config.Log.Warn("everybody who can reach the peer port can read who is connected", "peer", l.Addr().String(), "why", missing)
	}
	if access.Server != nil {
		l = tls.NewListener(l, access.Server)
	}
	handler := peers.NewServer(peers.ServerConfig{
		Report: s.replicas.report, Proxies: func() any { return s.xds.Proxies() }, Authorize: access.Authorize, Log: s.config.Log,
	}).Handler(ctx)
	return []part{
		{"peer", serveHTTP(ctx, l, handler)},
		{"peers", func() error { return s.replicas.pool.Run(ctx) }},
	}
}
