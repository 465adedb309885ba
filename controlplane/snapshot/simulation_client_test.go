package snapshot

import (
	"fmt"
	"slices"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// client behaves as Envoy does: it subscribes to endpoints of the clusters that
// it has, and to routes of the listener.
type client struct {
	claims  model.Proxy
	member  *Member
	stream  *xds.Stream
	view    *View
	inbox   []xds.Response
	wild    bool
	held    map[resourceID]string // versions by type and name
	names   map[resourceID]bool   // subscribed to by name, across streams
	refuses string                // every version of this name
	refused map[string]bool       // versions refused
	routes  map[string][]string   // the routes of each listener
	secrets map[resourceID]bool   // the clusters and listeners that want secrets
}

type resourceID struct{ typeURL, name string }

func (s *simulation) cut(c *client) {
	c.member.Leave()
	c.inbox = nil
}

// connect opens a stream and asks for clusters and listeners, with what is held.
func (s *simulation) connect(c *client) {
	if c.held == nil {
		c.held, c.names, c.refused = map[resourceID]string{}, map[resourceID]bool{}, map[string]bool{}
		c.routes, c.secrets = map[string][]string{}, map[resourceID]bool{}
	}
	var err error
	if c.member, err = s.hub.Join(c.claims); err != nil {
		s.t.Fatal(err)
	}
	c.inbox, c.wild = nil, false
	s.streams++
	c.view = c.member.Take().View
	c.stream = xds.NewStream(fmt.Sprint(s.streams, "-"), c.view, xds.DefaultLimits())
	c.observe()
	for _, typeURL := range []string{envoy.SecretType, envoy.ClusterType, envoy.EndpointType, envoy.ListenerType, envoy.RouteType} {
		r := xds.Request{TypeURL: typeURL, Initial: map[string]string{}}
		for key, version := range c.held {
			if key.typeURL == typeURL {
				r.Initial[key.name] = version
			}
		}
		for key := range c.names {
			if key.typeURL == typeURL {
				r.Subscribe = append(r.Subscribe, key.name)
			}
		}
		slices.Sort(r.Subscribe)
		if typeURL == envoy.ClusterType || typeURL == envoy.ListenerType || len(r.Subscribe) > 0 {
			s.send(c, xds.Event{Request: &r})
		}
	}
}

// send steps the stream as the server does, and checks what comes out.
func (s *simulation) send(c *client, e xds.Event) {
	for {
		e.Now = s.now
		result := c.stream.Step(e)
		if result.Err != nil {
			s.t.Fatalf("%s: %v", c.claims.ID, result.Err)
		}
		for _, r := range result.Responses {
			s.vet(c, r)
		}
		c.inbox = append(c.inbox, result.Responses...)
		c.member.Unwatch(result.Unwatch)
		c.member.Watch(result.Watch)
		turned := result.Wildcard != c.wild
		if turned {
			c.wild = result.Wildcard
			c.member.WatchAll(c.wild)
		}
		if !turned && len(result.Watch) == 0 {
			return
		}
		u := s.take(c)
		u.All = u.All || turned
		u.Names = append(u.Names, result.Watch...)
		e = xds.Event{Update: &u}
	}
}

func (s *simulation) take(c *client) xds.Update {
	u := c.member.Take()
	c.view = u.View
	return xds.Update{Source: u.View, Names: u.Names, Scope: u.Scope, All: u.All, Since: u.Since}
}

func (s *simulation) wake(c *client) {
	select {
	case <-c.member.Wake():
		u := s.take(c)
		s.send(c, xds.Event{Update: &u})
	default:
		s.send(c, xds.Event{})
	}
}

// vet holds a response against the from-scratch translation at its revision: so
// it was neither empty nor forbidden unless the truth was.
func (s *simulation) vet(c *client, r xds.Response) {
	truth := s.truthOf(c.view.Rev())
	if truth == nil {
		return
	}
	if truth.hub == nil {
		truth.hub = freshHub(truth.world)
	}
	m, err := truth.hub.Join(c.claims)
	if err != nil {
		s.t.Fatal(err)
	}
	view := m.Take().View
	for _, got := range r.Resources {
		_, _, host, _ := envoy.ParseClusterName(got.Name)
		if len(truth.held) > 0 && (r.TypeURL == envoy.RouteType || r.TypeURL == envoy.ListenerType || s.isHeld(truth, host)) {
			continue
		}
		want := view.Get(r.TypeURL, got.Name)
		if want == nil || want.Version != got.Version && !c.fallback(r.TypeURL, got) {
			s.t.Errorf("%s was sent %s %s in a form that no fresh translation of revision %d gives",
				c.claims.ID, r.TypeURL, got.Name, c.view.Rev())
		}
	}
	m.Leave()
}

// fallback says that a resource is what the client has: the stream repeats the
// last accepted form where a newer one was refused.
func (c *client) fallback(typeURL string, r *envoy.Resource) bool {
	return c.held[resourceID{typeURL, r.Name}] == r.Version
}

// truthOf is the truth at a revision, or at the last one before it that changed objects.
func (s *simulation) truthOf(rev uint64) *truth {
	for ; rev > 0; rev-- {
		if t := s.oracles[rev]; t != nil {
			return t
		}
	}
	return nil
}

func (s *simulation) isHeld(t *truth, host string) bool {
	for key := range t.held {
		if key.Host == host {
			return true
		}
	}
	return false
}

// read answers one response.
func (s *simulation) read(c *client) {
	if len(c.inbox) == 0 {
		return
	}
	r := c.inbox[0]
	c.inbox = c.inbox[1:]
	answer := xds.Request{TypeURL: r.TypeURL, Nonce: r.Nonce}
	bad := slices.IndexFunc(r.Resources, func(x *envoy.Resource) bool { return x.Name == c.refuses })
	if bad >= 0 {
		c.refused[r.Resources[bad].Version] = true
		answer.Refused, answer.Message = true, refusal(r.Resources[bad].Name)
		if r.TypeURL == envoy.ClusterType { // Envoy applies the others
			s.apply(c, r, &answer)
		}
	} else {
		s.apply(c, r, &answer)
	}
	s.send(c, xds.Event{Request: &answer})
	s.follow(c, r)
}

func refusal(name string) string { return "Error adding/updating cluster(s) " + name + ": simulated" }

// apply puts a response into what the client holds.
func (s *simulation) apply(c *client, r xds.Response, answer *xds.Request) {
	for _, x := range r.Resources {
		if answer.Refused && x.Name == c.refuses {
			continue
		}
		if r.TypeURL != envoy.ClusterType && r.TypeURL != envoy.ListenerType && !c.names[resourceID{r.TypeURL, x.Name}] {
			continue // sent before the server heard that nobody asks any more
		}
		c.held[resourceID{r.TypeURL, x.Name}] = x.Version
	}
	for _, name := range r.Removed {
		if r.TypeURL != envoy.EndpointType { // which Envoy ignores
			delete(c.held, resourceID{r.TypeURL, name})
		}
	}
}

// byEDS says that a cluster's endpoints are asked for.
func byEDS(r *envoy.Resource) bool {
	c := new(clusterv3.Cluster)
	return proto.Unmarshal(r.Body, c) == nil && c.GetType() == clusterv3.Cluster_EDS
}

// follow subscribes to what a response brought, and drops what it took away.
func (s *simulation) follow(c *client, r xds.Response) {
	if secrets := c.followSecrets(r); len(secrets.Subscribe)+len(secrets.Unsubscribe) > 0 {
		s.send(c, xds.Event{Request: &secrets})
	}
	next := xds.Request{}
	switch r.TypeURL {
	case envoy.ClusterType:
		next.TypeURL = envoy.EndpointType
		gone := r.Removed
		for _, x := range r.Resources {
			id := resourceID{envoy.EndpointType, x.Name}
			switch wants := byEDS(x); {
			case x.Name == c.refuses:
			case !wants && c.names[id]:
				gone = append(gone, x.Name)
			case wants && !c.names[id]:
				next.Subscribe = append(next.Subscribe, x.Name)
				c.names[id] = true
			}
		}
		for _, name := range gone {
			delete(c.held, resourceID{envoy.EndpointType, name})
			delete(c.names, resourceID{envoy.EndpointType, name})
			next.Unsubscribe = append(next.Unsubscribe, name)
		}
	case envoy.ListenerType:
		next.TypeURL = envoy.RouteType
		next.Subscribe, next.Unsubscribe = c.followListeners(r)
	}
	if len(next.Subscribe)+len(next.Unsubscribe) > 0 {
		s.send(c, xds.Event{Request: &next})
	}
}
