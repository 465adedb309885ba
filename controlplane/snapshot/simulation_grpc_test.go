package snapshot

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/worldtest"
)

// walk is how a gRPC client gets from a target's name to its endpoints.
var walk = []string{envoy.ListenerType, envoy.RouteType, envoy.ClusterType, envoy.EndpointType}

// grpcMember is a gRPC client on a stream of a hub: it follows by name what each
// resource leads to, in the state of the world, and refuses nothing.
type grpcMember struct {
	t      *rapid.T
	claims model.Proxy
	member *Member
	stream *xds.Stream
	wanted map[string]bool
	held   map[string]map[string]*envoy.Resource // by type and name
	listed map[string][]string                   // of the last request
	nonces map[string]string
	// versions are those accepted last, also on earlier streams.
	versions map[string]string
	inbox    []xds.Response
	streams  int
}

func (c *grpcMember) connect(hub *Hub) {
	var err error
	if c.member, err = hub.Join(c.claims); err != nil {
		c.t.Fatal(err)
	}
	c.streams++
	c.stream = xds.NewWholeStream(fmt.Sprint(c.claims.ID, c.streams, "-"), c.member.Take().View, xds.DefaultLimits())
	c.stream.ByName()
	c.listed, c.nonces, c.inbox = map[string][]string{}, map[string]string{}, nil
	c.ask()
}

// step does what the server does.
func (c *grpcMember) step(e xds.Event) {
	for {
		e.Now = time.Unix(1_000_000, 0)
		r := c.stream.Step(e)
		if r.Err != nil || r.Wildcard || !r.NextTick.IsZero() {
			c.t.Fatalf("%v, wildcard %v, waits %v", r.Err, r.Wildcard, r.NextTick)
		}
		c.inbox = append(c.inbox, r.Responses...)
		c.member.Unwatch(r.Unwatch)
		c.member.Watch(r.Watch)
		if len(r.Watch) == 0 {
			return
		}
		u := c.member.Take()
		e = xds.Event{Update: &xds.Update{Source: u.View, Names: append(u.Names, r.Watch...), Scope: u.Scope, All: u.All}}
	}
}

func (c *grpcMember) wake() {
	select {
	case <-c.member.Wake():
		u := c.member.Take()
		c.step(xds.Event{Update: &xds.Update{Source: u.View, Names: u.Names, Scope: u.Scope, All: u.All}})
	default:
	}
}

// names is what the client follows of a type.
func (c *grpcMember) names(url string) []string {
	i := slices.Index(walk, url)
	if i == 0 {
		return slices.Sorted(maps.Keys(c.wanted))
	}
	var out []string
	for _, r := range c.held[walk[i-1]] {
		out = append(out, leadsTo(c.t, r))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ask says what the client follows, of each type where that is new.
func (c *grpcMember) ask() {
	for _, url := range walk {
		names := c.names(url)
		maps.DeleteFunc(c.held[url], func(name string, _ *envoy.Resource) bool { return !slices.Contains(names, name) })
		if listed, ok := c.listed[url]; ok && slices.Equal(listed, names) || !ok && len(names) == 0 {
			continue
		}
		c.say(url)
	}
}

func (c *grpcMember) say(url string) {
	c.listed[url] = c.names(url)
	c.step(xds.Event{Request: &xds.Request{TypeURL: url, Names: c.listed[url], Nonce: c.nonces[url], Version: c.versions[url]}})
}

// read applies a response and answers it.
func (c *grpcMember) read() {
	if len(c.inbox) == 0 {
		return
	}
	r := c.inbox[0]
	c.inbox = c.inbox[1:]
	c.nonces[r.TypeURL], c.versions[r.TypeURL] = r.Nonce, r.Version
	asked := c.listed[r.TypeURL]
	held := map[string]*envoy.Resource{}
	if r.TypeURL == envoy.RouteType || r.TypeURL == envoy.EndpointType {
		held = c.held[r.TypeURL] // absence means nothing
	}
	for _, x := range r.Resources {
		if err := envoy.ValidateFor(model.GRPCForm, *x); err != nil {
			c.t.Fatal(err)
		}
		if slices.Contains(asked, x.Name) {
			held[x.Name] = x
		}
	}
	c.held[r.TypeURL] = held
	c.say(r.TypeURL)
	c.ask()
}

// leadsTo is the name of the next resource on the way.
func leadsTo(t *rapid.T, r *envoy.Resource) string {
	l, hcm, routes, cluster := new(listenerv3.Listener), new(hcmv3.HttpConnectionManager), new(routev3.RouteConfiguration), new(clusterv3.Cluster)
	var err error
	name := ""
	switch r.TypeURL {
	case envoy.ListenerType:
		if err = proto.Unmarshal(r.Body, l); err == nil {
			err = l.GetApiListener().GetApiListener().UnmarshalTo(hcm)
		}
		name = hcm.GetRds().GetRouteConfigName()
	case envoy.RouteType:
		err = proto.Unmarshal(r.Body, routes)
		name = routes.GetVirtualHosts()[0].GetRoutes()[0].GetRoute().GetCluster()
	case envoy.ClusterType:
		err = proto.Unmarshal(r.Body, cluster)
		name = cluster.GetEdsClusterConfig().GetServiceName()
	}
	if err != nil || name == "" {
		t.Fatalf("%s %s leads nowhere: %v", r.TypeURL, r.Name, err)
	}
	return name
}

// lacks says where the client differs from a fresh translation.
func (c *grpcMember) lacks(fresh *Hub) string {
	m, err := fresh.Join(c.claims)
	if err != nil {
		return err.Error()
	}
	defer m.Leave()
	view := m.Take().View
	for name := range c.wanted {
		for _, url := range walk {
			want, have := view.Get(url, name), c.held[url][name]
			switch {
			case want == nil && (have == nil || url == envoy.RouteType || url == envoy.EndpointType):
			case want == nil || have == nil || want.Version != have.Version:
				return fmt.Sprintf("%s of %s: has %v, a fresh translation gives %v", url, name, have != nil, want != nil)
			}
			if want == nil || url == envoy.EndpointType {
				break
			}
			name = leadsTo(c.t, want)
		}
	}
	return ""
}

// grpcNames are all that a client may dial in a random world, and some that nobody has.
func grpcNames() []string {
	var out []string
	for _, host := range []string{"s1", "s2", "s1.a", "s2.b", "s1.b.svc", "s2.a.svc.cluster.local"} {
		for _, port := range []int{80, 81, 443} {
			out = append(out, fmt.Sprintf("%s:%d", host, port))
		}
	}
	return out
}

// TestGRPCClientsEndWithAFreshTranslation: random objects come and go while gRPC
// clients of both namespaces dial, hang up, read slowly and reconnect; woken by the
// index alone each ends with what a fresh translation gives for its targets.
func TestGRPCClientsEndWithAFreshTranslation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		world, st := worldtest.Draw(t), store.New()
		hub := New(st, 0, slog.New(slog.NewTextHandler(io.Discard, nil)))
		st.Apply(changes(world.Events()))
		now := time.Unix(1_000_000, 0)
		hub.Publish(now)
		clients := make([]*grpcMember, rapid.IntRange(1, 3).Draw(t, "clients"))
		for i := range clients {
			claims := worldtest.DrawProxy(t, fmt.Sprint("g", i))
			claims = worldtest.AsGRPC(claims)
			clients[i] = &grpcMember{t: t, claims: claims, wanted: map[string]bool{}, versions: map[string]string{}, held: map[string]map[string]*envoy.Resource{}}
			for _, url := range walk {
				clients[i].held[url] = map[string]*envoy.Resource{}
			}
			clients[i].connect(hub)
		}
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			c := clients[rapid.IntRange(0, len(clients)-1).Draw(t, "client")]
			switch rapid.SampledFrom([]string{"event", "event", "wake", "read", "read", "dial", "dial", "hang up", "reconnect"}).Draw(t, "step") {
			case "event":
				e := worldtest.DrawEvent(t)
				world.Apply(e)
				st.Apply([]store.Change{{Ref: e.Ref, Object: e.Object, Fence: e.Fence}})
				now = now.Add(time.Second)
				hub.Publish(now)
			case "wake":
				c.wake()
			case "read":
				c.read()
			case "dial":
				c.wanted[rapid.SampledFrom(grpcNames()).Draw(t, "target")] = true
				c.ask()
			case "hang up":
				delete(c.wanted, rapid.SampledFrom(grpcNames()).Draw(t, "target"))
				c.ask()
			case "reconnect":
				c.member.Leave()
				c.connect(hub)
			}
		}
		for range 2 { // what waits for its counterpart waits no longer
			now = now.Add(time.Minute)
			hub.Publish(now)
		}
		fresh := freshHub(world)
		for _, c := range clients {
			for quiet := 0; quiet < 3; quiet++ {
				c.wake()
				for len(c.inbox) > 0 {
					c.read()
					quiet = 0
				}
			}
			if what := c.lacks(fresh); what != "" {
				t.Errorf("%s: %s", c.claims.ID, what)
			}
		}
	})
}
