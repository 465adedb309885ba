package xds

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	statusv3 "github.com/envoyproxy/go-control-plane/envoy/service/status/v3"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/translate/model"
)

// Config is what a Server needs; a field that may be nil says so.
type Config struct {
	Hub Hub
	// Ready says whether every source has been read; before that all streams are
	// refused, so that no client is ever told that the mesh is empty.
	Ready   func() bool
	Log     *slog.Logger
	Metrics *Metrics
	// Refused is told every resource that a client refuses; it must not block.
	// nil tells nobody.
	Refused func(Refusal)
	// Mended is told every secret that a client takes which it had refused; nil tells nobody.
	Mended func(Refusal)
	// NackedSecrets is told the id of a client that refused a response with secrets; nil
	// tells nobody.
	NackedSecrets func(id string)
	// Verify says who is at the other end of a stream, from its connection and its
	// metadata; an error, a gRPC status, refuses the stream. nil: nobody is verified.
	Verify func(ctx context.Context) (Verified, error)
	// Inspect says whether a verified client may read what others are sent (CSDS);
	// nil: none may.
	Inspect func(Verified) bool
	// Ztunnel says whether a verified client may see the whole mesh, as ztunnels do; nil:
	// none may.
	Ztunnel func(Verified) bool
	// Pod is what is known of a Pod, false for nothing. nil: no Pods are known.
	Pod func(namespace, name string) (Pod, bool)
	// Credentials are the server's TLS; nil is plaintext.
	Credentials credentials.TransportCredentials
	Limits      ServerLimits
}

// Verified is who a client proved to be, by its certificate or its token. What it
// claims must agree (reference/xds.md 8).
type Verified struct {
	// Namespace and ServiceAccount are never empty.
	Namespace, ServiceAccount string
	// Pod, its UID and its Node are known from a bound token; empty else.
	Pod, PodUID, Node string
}

// Pod is what a verified client of its name must agree with.
type Pod struct {
	// Either is empty where the source has none, as a manifest, and agrees with all.
	UID, ServiceAccount string
	// Gateway is the name of the one that the pod's label says it runs, "" if none does.
	Gateway string
}

// Server serves aggregated streams, delta and state of the world, the client
// status service and gRPC health, and nothing else.
type Server struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	config Config
	shards []*shard
	doors  doors
	// unready is closed when health is to say so.
	unready     chan struct{}
	unreadyOnce sync.Once
	started     string // prefix of all nonces of this process
	// turns bounds how many streams join or change what they subscribe to at a
	// time: that costs as much as all they see. Updates and answers need no turn,
	// so that a storm of connecting clients does not starve those that are there.
	turns  chan struct{}
	gate   *gate
	begins *rate.Limiter // of streams
	// dumps has room for one answer of the client status service at a time.
	dumps chan struct{}
	quiet quiet     // log lines about streams that are refused
	names namesakes // live streams by id

	mu      sync.Mutex
	nextID  uint64
	proxies map[uint64]*proxy
}

// New makes a Server; Serve starts it.
func New(c Config) *Server {
	s := &Server{
		config: c, unready: make(chan struct{}), doors: doors{shut: make(chan struct{})},
		proxies: map[uint64]*proxy{}, started: strconv.FormatInt(time.Now().UnixNano(), 36),
		turns: make(chan struct{}, runtime.GOMAXPROCS(0)),
		gate:  newGate(c.Limits.Connections), dumps: make(chan struct{}, 1),
		begins: rate.NewLimiter(rate.Limit(c.Limits.StreamsPerSecond), c.Limits.StreamsPerSecond),
	}
	for range shardCount {
		sh := newShard()
		sh.grpc = s.newGRPC(sh)
		s.shards = append(s.shards, sh)
	}
	return s
}

// newGRPC makes the gRPC server of a shard.
func (s *Server) newGRPC(sh *shard) *grpc.Server {
	g := grpc.NewServer(append(s.options(), grpc.Creds(s.conns(sh)))...)
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(g, s)
	statusv3.RegisterClientStatusDiscoveryServiceServer(g, clientStatus{server: s})
	healthv1.RegisterHealthServer(g, healthCheck{server: s})
	return g
}

// Serve accepts connections until Drain or Stop, also if that came before it;
// then it returns nil.
func (s *Server) Serve(l net.Listener) error {
	l = gated{l, s.gate, s.turnedAway}
	if !s.doors.open(l) {
		return nil
	}
	ended := make(chan error, len(s.shards))
	for _, sh := range s.shards {
		go func() { ended <- sh.grpc.Serve(inlet{sh, l.Addr()}) }()
	}
	if err := s.accept(l); err != nil {
		return fmt.Errorf("serving xDS on %s: %w", l.Addr(), err)
	}
	for range s.shards {
		if err := <-ended; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			return fmt.Errorf("serving xDS on %s: %w", l.Addr(), err)
		}
	}
	return nil
}

// StreamAggregatedResources is the stream of proxies with api_type GRPC: the
// state of the world.
func (s *Server) StreamAggregatedResources(stream discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	return s.converse(wholeWire{stream})
}

// DeltaAggregatedResources is the stream of proxies with api_type DELTA_GRPC.
func (s *Server) DeltaAggregatedResources(stream discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer) error {
	return s.converse(deltaWire{stream})
}

func (s *Server) converse(w wire) error {
	if !s.config.Ready() {
		return s.refuse(w.Context(), notReady, status.Error(codes.Unavailable, "not ready: the sources are still being read"))
	}
	p := &proxy{server: s, stream: w, requests: make(chan *message), shard: shardOf(w.Context()), proof: proofOf(w.Context())}
	return s.contain("a stream's handler", p.serve)
}

// ProxyInfo is one stream of one proxy.
type ProxyInfo struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	// ServiceAccount is that of the client's certificate or token; empty if it is not
	// verified.
	ServiceAccount string     `json:"serviceAccount,omitempty"`
	Node           string     `json:"node,omitempty"`
	Locality       string     `json:"locality"`
	Connected      time.Time  `json:"connected"`
	Types          []TypeInfo `json:"types"`
	// Peer is the address that the stream comes from.
	Peer string `json:"peer"`
	// SharedID says that another live stream has this id too.
	SharedID bool `json:"sharedId,omitempty"`
	// Problems are those that concern this proxy alone, and what it refuses as it is now;
	// whoever serves the list fills them in.
	Problems []model.Problem `json:"problems,omitempty"`
	refusals []Refusal
}

// maxRefusals is how many refusals of one stream are told; TypeInfo counts all.
const maxRefusals = 20

// Refusals are what the proxy refuses as it is now, the first 20 by type and name.
func (i ProxyInfo) Refusals() []Refusal { return i.refusals }

// Proxies lists all streams by id, the older first.
func (s *Server) Proxies() []ProxyInfo {
	out := []ProxyInfo{}
	for _, p := range s.list() {
		out = append(out, p.info())
	}
	slices.SortStableFunc(out, func(a, b ProxyInfo) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), a.Connected.Compare(b.Connected))
	})
	return out
}

// ProxyDump is everything that a proxy was sent on its newest stream.
type ProxyDump struct {
	ProxyInfo
	Dump []TypeDump `json:"resources"`
}

// Dump is a *ProxyDump of the newest stream of a proxy, false if it has none.
func (s *Server) Dump(id string) (any, bool) {
	for _, p := range slices.Backward(s.list()) {
		if p.claims.ID == id {
			return p.dump(), true
		}
	}
	return nil, false
}

// list is all identified streams, the older first.
func (s *Server) list() []*proxy {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*proxy, 0, len(s.proxies))
	for _, p := range s.proxies {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *proxy) int { return cmp.Compare(a.number, b.number) })
	return out
}

// enter lists a stream, and gives it the prefix of its nonces.
func (s *Server) enter(p *proxy) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID++
	p.number = s.nextID
	s.proxies[p.number] = p
	s.config.Metrics.proxies.WithLabelValues(string(p.claims.Kind)).Inc()
	return s.started + "-" + strconv.FormatUint(p.number, 36) + "-"
}

func (s *Server) leave(p *proxy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.proxies, p.number)
	s.config.Metrics.proxies.WithLabelValues(string(p.claims.Kind)).Dec()
}
