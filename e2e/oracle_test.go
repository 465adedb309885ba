package e2e

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/sotw/v3"
	oracle "github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/e2e/ads"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// pair is one mesh behind two servers: ours, which serves a folder, and
// go-control-plane's, whose caches are filled with what `coastwise translate`
// says of that folder. A client can be pointed at either.
type pair struct {
	*scene
	node  *corev3.Node
	flags coastwise.Client
	ours  *grpc.ClientConn
	// theirs has a LinearCache for each type, snapshot a SnapshotCache in ADS mode
	// with ordered responses.
	theirs, snapshot *grpc.ClientConn
	linear           map[string]*cache.LinearCache
	snapshots        cache.SnapshotCache
	// nilNodes counts the requests without a node that came to their callbacks.
	nilNodes atomic.Int64
	// now is what translate says; observer is a client of ours that holds all of it.
	now      ads.Resources
	observer *ads.Client
	// names are the types and names that have ever been there.
	names map[string]bool
}

func newPair(t *testing.T) *pair {
	t.Helper()
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	p := &pair{scene: s, linear: map[string]*cache.LinearCache{}, names: map[string]bool{}}
	p.flags = coastwise.Client{ID: "client", Locality: "eu/eu-1", Bind: s.block.Address(1, 1), HTTPProxyPort: s.ports.Proxy, AdminPort: s.ports.EnvoyAdmin}
	bootstrap, err := built.coastwise.Bootstrap(t.Context(), p.flags, s.server.XDS)
	if err != nil {
		t.Fatal(err)
	}
	if p.node, err = ads.ParseNode(bootstrap); err != nil {
		t.Fatal(err)
	}
	p.ours = dial(t, s.server.XDS)
	mux := &cache.MuxCache{
		Classify:      func(r *cache.Request) string { return r.GetTypeUrl() },
		ClassifyDelta: func(r *cache.DeltaRequest) string { return r.GetTypeUrl() },
		Caches:        map[string]cache.Cache{},
	}
	for _, url := range ads.Types {
		p.linear[url] = cache.NewLinearCache(url)
		mux.Caches[url] = p.linear[url]
	}
	p.theirs = dial(t, p.host(1, mux))
	p.snapshots = cache.NewSnapshotCache(true, cache.IDHash{}, nil)
	p.snapshot = dial(t, p.host(2, p.snapshots))
	p.observer = &ads.Client{Node: proto.CloneOf(p.node)}
	p.observer.Node.Id = "default/observer"
	if err := p.observer.Connect(p.ours); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.observer.Close)
	p.observer.Subscribe(ads.Cluster, ads.Wildcard)
	p.observer.Subscribe(ads.Listener, ads.Wildcard)
	p.change()
	return p
}

// host serves a cache with go-control-plane's server and returns its address.
func (p *pair) host(n int, c cache.Cache) string {
	p.t.Helper()
	seen := func(node *corev3.Node) error {
		if node == nil {
			p.nilNodes.Add(1)
		}
		return nil
	}
	callbacks := oracle.CallbackFuncs{
		StreamRequestFunc:      func(_ int64, r *discoveryv3.DiscoveryRequest) error { return seen(r.GetNode()) },
		StreamDeltaRequestFunc: func(_ int64, r *discoveryv3.DeltaDiscoveryRequest) error { return seen(r.GetNode()) },
	}
	l, err := net.Listen("tcp", p.block.Address(1, 200+n)+":0")
	if err != nil {
		p.t.Fatal(err)
	}
	server := grpc.NewServer()
	ctx, cancel := context.WithCancel(context.Background())
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(server, oracle.NewServer(ctx, c, callbacks, sotw.WithOrderedADS()))
	go server.Serve(l)
	p.t.Cleanup(func() { cancel(); server.Stop() })
	return l.Addr().String()
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// client is a new client of one of the servers, which wants nothing yet.
func (p *pair) client(conn *grpc.ClientConn, whole bool) *ads.Client {
	p.t.Helper()
	c := &ads.Client{Whole: whole, Node: p.node}
	if err := c.Connect(conn); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	return c
}

// change makes both servers serve what the folder says now. When it returns,
// ours has published it.
func (p *pair) change() {
	p.t.Helper()
	text, err := built.coastwise.TranslateEnvoy(p.t.Context(), string(p.folder), p.flags)
	if err != nil {
		p.t.Fatal(err)
	}
	before := p.now
	if p.now, err = ads.Parse(text); err != nil {
		p.t.Fatal(err)
	}
	for _, url := range ads.Types {
		for _, name := range slices.Sorted(maps.Keys(p.now[url])) {
			if !p.names[url+name] && (url == ads.Endpoint || url == ads.Route) {
				p.observer.Subscribe(url, name)
			}
			p.names[url+name] = true
		}
	}
	await.Until(p.t, patience, func() string { return lacking(p.observer, p.now) })
	for _, url := range ads.Types {
		changed, gone := map[string]types.Resource{}, []string(nil)
		for name, m := range p.now[url] {
			if !proto.Equal(m, before[url][name]) {
				changed[name] = m
			}
		}
		for name := range before[url] {
			if p.now[url][name] == nil {
				gone = append(gone, name)
			}
		}
		if err := p.linear[url].UpdateResources(changed, gone); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := p.snapshots.SetSnapshot(p.t.Context(), p.node.Id, p.snap()); err != nil {
		p.t.Fatal(err)
	}
}

// snap is a snapshot in which the version of a type is its content.
func (p *pair) snap() *cache.Snapshot {
	out := &cache.Snapshot{}
	for _, url := range ads.Types {
		var items []types.Resource
		version := ""
		for _, name := range slices.Sorted(maps.Keys(p.now[url])) {
			items = append(items, p.now[url][name])
			version += body(p.t, p.now, url, name)
		}
		out.Resources[cache.GetResponseType(url)] = cache.NewResources(fmt.Sprintf("%x", digest(version)), items)
	}
	return out
}

// lacking says in what a client differs from all resources; "" for nothing.
func lacking(c *ads.Client, all ads.Resources) string {
	for _, url := range ads.Types {
		held := c.Held(url)
		if len(held) != len(all[url]) {
			return fmt.Sprintf("%d of %s are held, not %d", len(held), url, len(all[url]))
		}
		for name, m := range all[url] {
			want, err := ads.Canonical(m)
			if err != nil {
				return err.Error()
			}
			if held[name].Body != want {
				return fmt.Sprintf("%s is not as translate says", name)
			}
		}
	}
	return ""
}

// body is what a client should hold of a resource; "" if there is none.
func body(t *testing.T, all ads.Resources, url, name string) string {
	t.Helper()
	m, ok := all[url][name]
	if !ok {
		return ""
	}
	out, err := ads.Canonical(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// quiet is how long is waited for what a client might still hear, and should not.
const quiet = 40 * time.Millisecond
