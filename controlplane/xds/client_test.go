package xds

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/translate/envoy"
)

// client behaves as Envoy does: it applies clusters and listeners one by one
// and endpoints and routes by the response, follows the endpoints of the
// clusters that it holds, and refuses versions that end in "x".
type client struct {
	held map[string]map[string]string // by type, what is in force
	// routes are the clusters that its route names; refused is what it ever refused.
	routes  []string
	refused map[string]bool
	mute    bool // its refusals name nobody
	// whole: it speaks state of the world; nonces are then the last of each type.
	whole  bool
	nonces map[string]string
	fresh  bool // it has had no set of clusters on this stream
	asked  map[string]bool
	inbox  []Response
	bodies map[string]int // by type and name
	// wanted is how often each type and name had to be sent at most.
	wanted map[string]int
	// broken is the first law that was broken.
	broken string
}

func newClient() *client {
	c := &client{
		held: map[string]map[string]string{}, refused: map[string]bool{},
		asked: map[string]bool{}, bodies: map[string]int{}, wanted: map[string]int{},
	}
	for _, url := range shortTypes {
		c.held[url] = map[string]string{}
	}
	return c
}

func (c *client) fail(format string, args ...any) {
	if c.broken == "" {
		c.broken = fmt.Sprintf(format, args...)
	}
}

func bad(version string) bool { return strings.HasSuffix(version, "x") }

func key(url, name string) string { return shortType(url) + " " + name }

// first is the first request of a type on a stream.
func (c *client) first(url string) *Request {
	c.asked[url] = true
	r := &Request{TypeURL: url, Initial: maps.Clone(c.held[url])}
	switch url {
	case envoy.ClusterType:
		r.Subscribe = []string{"*"}
	case envoy.EndpointType:
		r.Subscribe = slices.Sorted(maps.Keys(c.held[envoy.ClusterType]))
		maps.DeleteFunc(r.Initial, func(name, _ string) bool { return !slices.Contains(r.Subscribe, name) })
	case envoy.RouteType:
		r.Subscribe = []string{"r"}
	}
	if c.whole {
		r = c.list(url)
		r.Subscribe = r.Names // as far as the counting below goes
	}
	for _, name := range r.Subscribe {
		c.wanted[key(url, name)]++
	}
	return r
}

// list is a request of the state of the world: all names, and the newest nonce.
func (c *client) list(url string) *Request {
	r := &Request{TypeURL: url, Nonce: c.nonces[url]}
	switch url {
	case envoy.ClusterType:
		r.Names = []string{"*"}
	case envoy.EndpointType:
		r.Names = slices.Sorted(maps.Keys(c.held[envoy.ClusterType]))
	case envoy.RouteType:
		r.Names = []string{"r"}
	}
	return r
}

// absent finds what a full set removes.
func (c *client) absent(r *Response) {
	if len(r.Removed) > 0 || r.Version == "" {
		c.fail("not a state of the world: %+v", r)
	}
	if r.TypeURL != envoy.ClusterType && r.TypeURL != envoy.ListenerType {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.held[r.TypeURL])) {
		if !slices.ContainsFunc(r.Resources, func(res *envoy.Resource) bool { return res.Name == name }) {
			r.Removed = append(r.Removed, name)
		}
	}
}

// take applies the oldest response and returns what the client says to it.
func (c *client) take() []*Request {
	r := c.inbox[0]
	c.inbox = c.inbox[1:]
	if c.whole {
		c.absent(&r)
		c.nonces[r.TypeURL] = r.Nonce
	}
	c.check(r)
	var refused []string
	for _, res := range r.Resources {
		if c.whole && c.held[r.TypeURL][res.Name] == res.Version && r.TypeURL != envoy.EndpointType && r.TypeURL != envoy.RouteType {
			continue // the rest of a full set
		}
		c.bodies[key(r.TypeURL, res.Name)]++
		if r.TypeURL == envoy.ClusterType {
			c.wanted[key(envoy.EndpointType, res.Name)]++
		}
		if r.TypeURL == envoy.ListenerType {
			c.wanted[key(envoy.RouteType, "r")]++
		}
		if bad(res.Version) {
			refused = append(refused, res.Name)
			c.refused[key(r.TypeURL, res.Name)] = true
		}
	}
	answer := &Request{TypeURL: r.TypeURL, Nonce: r.Nonce, Refused: len(refused) > 0}
	if answer.Refused {
		if !c.mute && r.TypeURL != envoy.EndpointType {
			answer.Message = "Error adding/updating " + strings.Join(refused, ": bad, ") + ": bad"
		}
		for _, res := range r.Resources {
			c.wanted[key(r.TypeURL, res.Name)]++ // a batch is split
		}
	}
	follows := c.apply(r, answer.Refused)
	if c.whole {
		answer.Names = c.list(r.TypeURL).Names
		for i, f := range follows {
			follows[i] = c.list(f.TypeURL)
		}
	}
	return append(follows, answer)
}

func (c *client) check(r Response) {
	seen := map[string]bool{}
	for _, res := range r.Resources {
		if seen[res.Name] || len(res.Body) == 0 {
			c.fail("%s twice or empty in %+v", res.Name, r)
		}
		seen[res.Name] = true
	}
	for _, name := range r.Removed {
		if seen[name] {
			c.fail("%s twice in %+v", name, r)
		}
		seen[name] = true
	}
}

// apply returns the request about endpoints that follows from clusters.
func (c *client) apply(r Response, refused bool) []*Request {
	whole := r.TypeURL == envoy.EndpointType || r.TypeURL == envoy.RouteType
	follow := &Request{TypeURL: envoy.EndpointType}
	for _, res := range r.Resources {
		if bad(res.Version) || whole && refused {
			continue
		}
		_, had := c.held[r.TypeURL][res.Name]
		c.held[r.TypeURL][res.Name] = res.Version
		switch r.TypeURL {
		case envoy.ClusterType:
			if !had {
				follow.Subscribe = append(follow.Subscribe, res.Name)
				c.wanted[key(envoy.EndpointType, res.Name)]++
			}
		case envoy.RouteType:
			_, needs, _ := strings.Cut(string(res.Body), " ")
			c.routes = strings.FieldsFunc(needs, func(r rune) bool { return r == ',' })
			c.checkRoutes("a route came")
		}
	}
	for _, name := range r.Removed {
		if _, had := c.held[r.TypeURL][name]; had && r.TypeURL == envoy.ClusterType {
			follow.Unsubscribe = append(follow.Unsubscribe, name)
			delete(c.held[envoy.EndpointType], name)
		}
		if r.TypeURL != envoy.EndpointType { // Envoy ignores these
			delete(c.held[r.TypeURL], name)
		}
	}
	if c.whole && c.fresh && r.TypeURL == envoy.ClusterType {
		// What went while it was away goes with the first set, whoever names it.
		c.fresh = false
		c.routes = slices.DeleteFunc(c.routes, func(name string) bool { return slices.Contains(r.Removed, name) })
	}
	if r.TypeURL == envoy.ClusterType && len(r.Removed) > 0 {
		c.checkRoutes("a cluster went")
	}
	if !c.asked[envoy.EndpointType] || len(follow.Subscribe)+len(follow.Unsubscribe) == 0 {
		return nil
	}
	return []*Request{follow}
}

// checkRoutes: every cluster that the route names is held, or was refused.
func (c *client) checkRoutes(when string) {
	for _, name := range c.routes {
		if _, ok := c.held[envoy.ClusterType][name]; !ok && !c.refused[key(envoy.ClusterType, name)] {
			c.fail("%s: it names %s, which the client does not hold", when, name)
		}
	}
}

// matches compares what the client holds with all that it should.
func (c *client) matches(w *world) {
	for _, url := range []string{envoy.ClusterType, envoy.ListenerType, envoy.RouteType, envoy.EndpointType} {
		for _, name := range slices.Sorted(maps.Keys(both(w.resources[url], nil))) {
			res := w.Get(url, name)
			_, holds := c.held[envoy.ClusterType][name]
			if bad(res.Version) || url == envoy.EndpointType && !holds {
				continue
			}
			if c.held[url][name] != res.Version {
				c.fail("%s is %q, not %q", key(url, name), c.held[url][name], res.Version)
			}
		}
		for name := range c.held[url] {
			if w.Get(url, name) == nil && url != envoy.EndpointType && !c.keeps(w) {
				c.fail("%s is still there", key(url, name))
			}
		}
	}
	for key, n := range c.bodies {
		if n > c.wanted[key] {
			c.fail("%s was sent %d times; %d would do", key, n, c.wanted[key])
		}
	}
}

// keeps: while the newest route or listener is refused, clusters stay.
func (c *client) keeps(w *world) bool {
	for _, url := range []string{envoy.ListenerType, envoy.RouteType} {
		for _, res := range w.resources[url] {
			if bad(res.Version) {
				return true
			}
		}
	}
	return false
}
