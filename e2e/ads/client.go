package ads

import (
	"context"
	"maps"
	"slices"
	"sync"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// The types that are asked for.
const (
	Cluster  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	Endpoint = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	Listener = "type.googleapis.com/envoy.config.listener.v3.Listener"
	Route    = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
)

// Types are all of them, in the order in which a client asks for them.
var Types = []string{Cluster, Endpoint, Listener, Route}

// Wildcard is the name that asks for everything.
const Wildcard = "*"

// Resource is one resource as a client holds it.
type Resource struct {
	// Version is the server's word for it: empty in a state of the world.
	Version string
	// Body is marshalled deterministically, so equal messages have equal bodies.
	Body string
}

// Heard is one response.
type Heard struct {
	Type    string
	Names   []string
	Removed []string
	// TTL says that a resource came with one.
	TTL bool
}

// Client is one client, which may reconnect. Its methods may be called at once.
type Client struct {
	// Refuse says whether to refuse a resource; nil refuses none.
	Refuse func(typeURL, name, body string) bool
	// Whole makes it speak state of the world.
	Whole bool
	// Node is who it says it is; nil says nothing.
	Node *corev3.Node

	mu     sync.Mutex
	held   map[string]map[string]Resource
	wants  map[string]map[string]bool
	heard  []Heard
	nonces map[string]string
	// accepted are the last accepted versions of types, of a state of the world.
	accepted map[string]string
	wire     wire
	cancel   context.CancelFunc
	silent   bool // it has not spoken on this stream
	err      error
}

// wire is a stream in one of the two encodings.
type wire interface {
	say(r request) error
	hear() (*response, error)
}

// request is what the client says about one type.
type request struct {
	node             *corev3.Node
	typeURL, nonce   string
	version          string // accepted last, in a state of the world
	subscribe, unsub []string
	initial          map[string]string
	names            []string // all: what a state of the world says instead
	refused          bool
}

type response struct {
	typeURL, nonce string
	version        string
	resources      []named
	removed        []string
}

type named struct {
	name, version string
	body          *anypb.Any
	ttl           bool
}

// Connect opens a stream, in place of the one before. What the client wants is
// asked for again, with the versions that it holds.
func (c *Client) Connect(conn *grpc.ClientConn) error {
	c.Close()
	ctx, cancel := context.WithCancel(context.Background())
	w, err := open(ctx, conn, c.Whole)
	if err != nil {
		cancel()
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held, c.wants = map[string]map[string]Resource{}, map[string]map[string]bool{}
		for _, url := range Types {
			c.held[url], c.wants[url] = map[string]Resource{}, map[string]bool{}
		}
	}
	c.wire, c.cancel, c.nonces, c.silent, c.err = w, cancel, map[string]string{}, true, nil
	c.accepted = map[string]string{}
	for _, url := range Types {
		if len(c.wants[url]) > 0 {
			c.say(request{typeURL: url, subscribe: slices.Sorted(maps.Keys(c.wants[url])), initial: c.versions(url)})
		}
	}
	go c.listen(w)
	return nil
}

// Close ends the stream; what the client holds stays.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
		c.cancel, c.wire = nil, nil
	}
}

// Subscribe asks for names, held or not.
func (c *Client) Subscribe(typeURL string, names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		c.wants[typeURL][name] = true
	}
	c.say(request{typeURL: typeURL, subscribe: names})
}

// Unsubscribe gives names up, and what is held of them: under a wildcard the
// server says what becomes of it.
func (c *Client) Unsubscribe(typeURL string, names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		delete(c.wants[typeURL], name)
	}
	if !c.wants[typeURL][Wildcard] {
		maps.DeleteFunc(c.held[typeURL], func(name string, _ Resource) bool { return !c.wants[typeURL][name] })
	}
	c.say(request{typeURL: typeURL, unsub: names})
}

// Wants are the names that it subscribes to.
func (c *Client) Wants(typeURL string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.wants[typeURL]))
}

// Held is what it holds of a type, by name.
func (c *Client) Held(typeURL string) map[string]Resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.held[typeURL])
}

// Heard is every response that came so far, on all streams.
func (c *Client) Heard() []Heard {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.heard)
}

// Err is how the server ended the stream; nil while it lives.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *Client) versions(typeURL string) map[string]string {
	out := map[string]string{}
	for name, r := range c.held[typeURL] {
		out[name] = r.Version
	}
	return out
}

// say sends a request; the first of a stream carries the node.
func (c *Client) say(r request) {
	if c.wire == nil {
		return
	}
	if c.silent {
		r.node, c.silent = c.Node, false
	}
	if c.Whole {
		r.version = c.accepted[r.typeURL]
		r.names = slices.Sorted(maps.Keys(c.wants[r.typeURL]))
		if r.nonce == "" {
			r.nonce = c.nonces[r.typeURL]
		}
	}
	_ = c.wire.say(r) // what is wrong with a stream is heard
}

func (c *Client) listen(w wire) {
	for {
		r, err := w.hear()
		c.mu.Lock()
		if c.wire != w {
			c.mu.Unlock()
			return
		}
		if err != nil {
			c.err = err
			c.mu.Unlock()
			return
		}
		c.take(r)
		c.mu.Unlock()
	}
}

// take applies the good resources of a response, one by one, and answers it.
func (c *Client) take(r *response) {
	c.nonces[r.typeURL] = r.nonce
	heard := Heard{Type: r.typeURL, Removed: r.removed}
	refused := false
	present := map[string]bool{}
	for _, res := range r.resources {
		heard.Names = append(heard.Names, res.name)
		heard.TTL = heard.TTL || res.ttl
		present[res.name] = true
		body, err := canonical(res.body)
		if err != nil || c.Refuse != nil && c.Refuse(r.typeURL, res.name, body) {
			refused = true
		} else if c.wanted(r.typeURL, res.name) {
			c.held[r.typeURL][res.name] = Resource{Version: res.version, Body: body}
		}
	}
	for _, name := range r.removed {
		delete(c.held[r.typeURL], name)
	}
	if c.Whole && (r.typeURL == Cluster || r.typeURL == Listener) {
		maps.DeleteFunc(c.held[r.typeURL], func(name string, _ Resource) bool { return !present[name] })
	}
	c.heard = append(c.heard, heard)
	if !refused {
		c.accepted[r.typeURL] = r.version
	}
	c.say(request{typeURL: r.typeURL, nonce: r.nonce, refused: refused})
}

func (c *Client) wanted(typeURL, name string) bool {
	return c.wants[typeURL][name] || c.wants[typeURL][Wildcard]
}

// canonical is the deterministic form of a packed message.
func canonical(a *anypb.Any) (string, error) {
	m, err := a.UnmarshalNew()
	if err != nil {
		return "", err
	}
	return Canonical(m)
}

// Canonical is how a Resource has its body.
func Canonical(m proto.Message) (string, error) {
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	return string(out), err
}

// refusal is what a refused response is answered with.
func refusal(refused bool) *status.Status {
	if !refused {
		return nil
	}
	return &status.Status{Code: int32(codes.InvalidArgument), Message: "refused by the test"}
}

// open opens a stream.
func open(ctx context.Context, conn *grpc.ClientConn, whole bool) (wire, error) {
	service := discoveryv3.NewAggregatedDiscoveryServiceClient(conn)
	if whole {
		s, err := service.StreamAggregatedResources(ctx)
		return wholeWire{s}, err
	}
	s, err := service.DeltaAggregatedResources(ctx)
	return deltaWire{s}, err
}
