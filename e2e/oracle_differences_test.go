package e2e

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/e2e/ads"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// observed is how long a client listens for what should not come.
const observed = 250 * time.Millisecond

// observe waits until something has come, and then for what else comes.
func observe(came func() bool) {
	for end := time.Now().Add(patience); !came() && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(observed)
}

// difference is one input to which go-control-plane's server is known to do
// something else than the protocol says (reference/xds.md 1.4).
type difference struct {
	name string
	// rule is what we must do instead.
	rule string
	// snapshot compares with the SnapshotCache, in place of the LinearCache.
	snapshot bool
	// play leads one client and says what became of it. It waits until that is want, and
	// a little longer for what should not come.
	play func(p *pair, conn *grpc.ClientConn, want string) string
	// theirs and ours are what play has to say.
	theirs, ours string
}

var differences = []difference{
	{
		name: "state of the world, every response refused, SnapshotCache (#962)", rule: "6: each version once, twice if first in a batch",
		snapshot: true, play: refuseAll, theirs: "again and again", ours: "4 responses",
	},
	{
		name: "state of the world, every response refused, LinearCache", rule: "6: each version once, twice if first in a batch",
		play: refuseAll, theirs: "again and again", ours: "4 responses",
	},
	{
		name: "delta, a name that does not exist (#565, #488)", rule: "14: removed_resources names it",
		play: subscribing("s9"), theirs: "", ours: "-s9",
	},
	{
		name: "delta, a name that is held already (#431)", rule: "13: it is sent again",
		play: subscribing("s0", "s0"), theirs: "+s0", ours: "+s0 +s0",
	},
	{
		name: "delta, another name under a wildcard that has brought it (#431)", rule: "12, 13: it is sent again",
		play: subscribing("*", "s0"), theirs: "+s0+s1 nothing", ours: "+s0+s1 +s0",
	},
	{
		name: "delta, a cluster changes and its endpoints do not, SnapshotCache in ADS mode (#1035)", rule: "19: the endpoints come behind it",
		snapshot: true, play: warming(false), theirs: "Cluster", ours: "Cluster ClusterLoadAssignment",
	},
	{
		name: "state of the world, a cluster changes and its endpoints do not, ordered ADS (#1035)", rule: "19: the endpoints come behind it",
		snapshot: true, play: warming(true), theirs: "Cluster", ours: "Cluster ClusterLoadAssignment",
	},
	{
		name: "delta, the first request has no node", rule: "1: the stream ends with InvalidArgument",
		play: nameless(false), theirs: "answered", ours: "InvalidArgument",
	},
	{
		name: "state of the world, the first request has no node", rule: "1: the stream ends with InvalidArgument",
		play: nameless(true), theirs: "answered", ours: "InvalidArgument",
	},
}

// TestExpectedDifferences shows each of them on both servers. A fix upstream
// fails it: then the row goes, and the scripts may do what it forbade them.
func TestExpectedDifferences(t *testing.T) {
	p := newPair(t)
	for _, d := range differences {
		t.Run(d.name, func(t *testing.T) {
			theirs := p.theirs
			if d.snapshot {
				theirs = p.snapshot
			}
			for _, of := range []struct {
				who, want string
				conn      *grpc.ClientConn
			}{{"theirs", d.theirs, theirs}, {"ours", d.ours, p.ours}} {
				p.begin()
				if got := d.play(p, of.conn, of.want); got != of.want {
					t.Errorf("%s: %q, not %q; rule %s", of.who, got, of.want, d.rule)
				}
			}
		})
	}
	if p.nilNodes.Load() == 0 {
		t.Error("no request without a node has reached a callback of theirs")
	}
}

// begin is the mesh in which every row begins: services s0 and s1.
func (p *pair) begin() {
	p.t.Helper()
	p.serve0("RANDOM")
	p.write("s1.yaml", p.predictCase("s1", [3]layoutOf{{1, 0}}, "", "", false))
	p.change()
}

func (p *pair) serve0(simple string) {
	p.write("s0.yaml", manifest.Join(p.predictCase("s0", [3]layoutOf{{1, 0}}, "", "", false),
		manifest.Rule("default", "s0", "s0", fmt.Sprintf("{loadBalancer: {simple: %s}}", simple))))
}

// refuseAll refuses all clusters, of which one changes once.
func refuseAll(p *pair, conn *grpc.ClientConn, want string) string {
	c := p.client(conn, true)
	defer c.Close()
	c.Refuse = func(string, string, string) bool { return true }
	c.Subscribe(ads.Cluster, ads.Wildcard)
	const often = 50
	first := 3
	if want == "again and again" {
		first = often + 1
	}
	observe(func() bool { return len(c.Heard()) >= first })
	if n := len(c.Heard()); n > often {
		return "again and again"
	}
	p.serve0("ROUND_ROBIN")
	p.change()
	observe(func() bool { return len(c.Heard()) > first })
	// Both, then each alone since nobody said which is bad, then the changed one.
	return fmt.Sprintf("%d responses", len(c.Heard()))
}

// subscribing subscribes to one cluster after the other and says what came each time.
func subscribing(names ...string) func(*pair, *grpc.ClientConn, string) string {
	return func(p *pair, conn *grpc.ClientConn, want string) string {
		c := p.client(conn, false)
		defer c.Close()
		answers := len(strings.Fields(want))
		for i, name := range names {
			if name != ads.Wildcard {
				name = fmt.Sprintf("outbound|80||%s.default.svc.cluster.local", name)
			}
			c.Subscribe(ads.Cluster, name)
			observe(func() bool { return len(c.Heard()) >= min(i+1, answers) })
		}
		var out []string
		for _, h := range c.Heard() {
			text := ""
			slices.Sort(h.Names)
			for _, name := range h.Names {
				text += "+" + serviceOf(name)
			}
			for _, name := range h.Removed {
				text += "-" + serviceOf(name)
			}
			out = append(out, cmp.Or(text, "nothing"))
		}
		return strings.Join(out, " ")
	}
}

func serviceOf(cluster string) string {
	host := cluster[strings.LastIndex(cluster, "|")+1:]
	service, _, _ := strings.Cut(host, ".")
	return service
}

// warming changes a cluster and says which types came then.
func warming(whole bool) func(*pair, *grpc.ClientConn, string) string {
	return func(p *pair, conn *grpc.ClientConn, want string) string {
		c := p.client(conn, whole)
		defer c.Close()
		c.Subscribe(ads.Cluster, ads.Wildcard)
		c.Subscribe(ads.Endpoint, cluster(0), cluster(1))
		observe(func() bool { return len(c.Held(ads.Cluster)) == 2 && len(c.Held(ads.Endpoint)) == 2 })
		before := len(c.Heard())
		p.serve0("ROUND_ROBIN")
		p.change()
		observe(func() bool { return len(c.Heard())-before >= len(strings.Fields(want)) })
		var out []string
		for _, h := range c.Heard()[before:] {
			out = append(out, short(h.Type))
		}
		return strings.Join(out, " ")
	}
}

// nameless sends a first request without a node.
func nameless(whole bool) func(*pair, *grpc.ClientConn, string) string {
	return func(p *pair, conn *grpc.ClientConn, _ string) string {
		c := &ads.Client{Whole: whole}
		if err := c.Connect(conn); err != nil {
			p.t.Fatal(err)
		}
		defer c.Close()
		c.Subscribe(ads.Cluster, ads.Wildcard)
		observe(func() bool { return c.Err() != nil || len(c.Heard()) > 0 })
		if err := c.Err(); err != nil {
			return status.Code(err).String()
		}
		if len(c.Heard()) > 0 {
			return "answered"
		}
		return "silence"
	}
}

// TestTheirDeltaHasNoTTL: a TTL that their cache is given does not come out in
// delta, so it cannot be an oracle for rule 22. Ours sends none.
func TestTheirDeltaHasNoTTL(t *testing.T) {
	p := newPair(t)
	p.begin()
	life := time.Minute
	var items []types.ResourceWithTTL
	for _, m := range p.now[ads.Cluster] {
		items = append(items, types.ResourceWithTTL{Resource: m, TTL: &life})
	}
	snapshot, err := cache.NewSnapshotWithTTLs("1", map[string][]types.ResourceWithTTL{ads.Cluster: items})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.snapshots.SetSnapshot(t.Context(), p.node.Id, snapshot); err != nil {
		t.Fatal(err)
	}
	for name, conn := range map[string]*grpc.ClientConn{"theirs": p.snapshot, "ours": p.ours} {
		c := p.client(conn, false)
		c.Subscribe(ads.Cluster, ads.Wildcard)
		await.Until(t, patience, func() string {
			if len(c.Held(ads.Cluster)) != len(items) {
				return name + ": no clusters"
			}
			return ""
		})
		for _, h := range c.Heard() {
			if h.TTL {
				t.Errorf("%s: a resource has a ttl", name)
			}
		}
	}
	// In a state of the world theirs does send it, wrapped in a Resource.
	if got := wrapped(t, p); !got {
		t.Error("their cache was given no ttl, so nothing was shown")
	}
}

// wrapped says whether their state of the world has a ttl in it.
func wrapped(t *testing.T, p *pair) bool {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := discoveryv3.NewAggregatedDiscoveryServiceClient(p.snapshot).StreamAggregatedResources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(&discoveryv3.DiscoveryRequest{Node: p.node, TypeUrl: ads.Cluster}); err != nil {
		t.Fatal(err)
	}
	r, err := s.Recv()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range r.Resources {
		out := new(discoveryv3.Resource)
		if err := proto.Unmarshal(a.Value, out); err == nil && a.TypeUrl == "type.googleapis.com/envoy.service.discovery.v3.Resource" && out.Ttl != nil {
			return true
		}
	}
	return false
}
