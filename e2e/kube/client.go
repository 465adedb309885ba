package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// Client is one Envoy of a Scene.
type Client struct {
	*envoyproc.Envoy
	Scene *Scene
	Flags coastwise.Client
}

// Envoy starts an Envoy of a client that claims to be on a Node, and waits until it
// serves.
func (s *Scene) Envoy(namespace, node string) *Client {
	s.Helper()
	c := s.start(coastwise.Client{Namespace: namespace, Node: node, HTTPProxyPort: s.ports.Proxy})
	if err := backend.WaitListening(c.Process, c.Flags.Proxy(), time.Now().Add(Patience)); err != nil {
		s.Fatal(err)
	}
	return c
}

// Waypoint starts an Envoy that runs a Gateway as a waypoint on a Node, and waits until
// it has its configuration.
func (s *Scene) Waypoint(namespace, gateway, node string) *Client {
	s.Helper()
	return s.start(coastwise.Client{Kind: "waypoint", Namespace: namespace, Gateway: namespace + "/" + gateway, Node: node})
}

// Edge starts an Envoy that runs a Gateway as an ingress on a Node, and waits until it
// has its configuration.
func (s *Scene) Edge(namespace, gateway, node string) *Client {
	s.Helper()
	return s.start(coastwise.Client{Kind: "gateway", Namespace: namespace, Gateway: namespace + "/" + gateway, Node: node})
}

// start starts an Envoy on an address of its own.
func (s *Scene) start(flags coastwise.Client) *Client {
	s.Helper()
	flags.ID, flags.Bind, flags.AdminPort = fmt.Sprintf("client-%d", s.envoys), s.block.Address(1, s.envoys), s.ports.EnvoyAdmin
	s.envoys++
	bootstrap, err := s.Tools.Coastwise.Bootstrap(s.Context(), flags, s.Server.XDS)
	if err != nil {
		s.Fatal(err)
	}
	e, err := envoyproc.Start(envoyproc.Config{
		Binary: s.Tools.Envoy, Name: flags.ID, Dir: s.logs, Bootstrap: bootstrap, Admin: flags.Admin(),
	})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { e.Stop(3 * time.Second) })
	if err := e.WaitReady(time.Now().Add(Patience)); err != nil {
		s.Fatal(err)
	}
	return &Client{Envoy: e, Scene: s, Flags: flags}
}

// Outbound is the name of the cluster of a Service's port 80.
func Outbound(namespace, service string) string {
	return fmt.Sprintf("outbound|80||%s.%s.svc.cluster.local", service, namespace)
}

// Holds waits until Envoy's endpoints of a cluster are these: the n-th list is
// priority n, addresses of Pods, "!" before those that are unhealthy.
func (c *Client) Holds(name string, priorities ...[]string) {
	c.Scene.Helper()
	cluster.Eventually(c.Scene, Patience, func() error { return c.Lacks(name, priorities...) })
}

// Lacks says in what Envoy's endpoints differ from those that Holds waits for.
func (c *Client) Lacks(name string, priorities ...[]string) error {
	hosts, err := c.Hosts(context.Background(), name)
	if err != nil {
		return err
	}
	var has, want []string
	for _, h := range hosts {
		has = append(has, line(h.Priority, strings.TrimSuffix(h.Address, fmt.Sprintf(":%d", Port)), h.Healthy))
	}
	for n, list := range priorities {
		for _, ip := range list {
			plain := strings.TrimPrefix(ip, "!")
			want = append(want, line(uint32(n), plain, plain == ip))
		}
	}
	slices.Sort(has)
	slices.Sort(want)
	if slices.Equal(has, want) {
		return nil
	}
	return fmt.Errorf("%s on %s holds of %s\n%s\nnot\n%s", c.Flags.ID, c.Flags.Node, name, strings.Join(has, "\n"), strings.Join(want, "\n"))
}

func line(priority uint32, ip string, healthy bool) string {
	word := "healthy"
	if !healthy {
		word = "unhealthy"
	}
	return fmt.Sprintf("P%d %s %s", priority, ip, word)
}

// HasNot waits until Envoy does not have a cluster.
func (c *Client) HasNot(name string) {
	c.Scene.Helper()
	cluster.Eventually(c.Scene, Patience, func() error {
		page, err := c.Get(context.Background(), "/clusters")
		if err == nil && strings.Contains(string(page), name+"::") {
			err = fmt.Errorf("%s still has %s", c.Flags.ID, name)
		}
		return err
	})
}

// Updates is how often Envoy took endpoints or a cluster for a cluster's name.
func (c *Client) Updates(name string) int {
	c.Scene.Helper()
	page, err := c.Get(context.Background(), "/stats?filter=update_success&format=text")
	if err != nil {
		c.Scene.Fatal(err)
	}
	sum := 0
	for l := range strings.Lines(string(page)) {
		key, value, _ := strings.Cut(strings.TrimSpace(l), ": ")
		if strings.Contains(key, name) || strings.HasPrefix(key, "cluster_manager.cds") {
			n := 0
			fmt.Sscan(value, &n)
			sum += n
		}
	}
	return sum
}

// Send sends n requests for a host as fast as they are answered, and counts; none
// may fail.
func (c *Client) Send(host string, n int) traffic.Tally {
	c.Scene.Helper()
	g := traffic.Start(c.Flags.Proxy(), host, 4, 100000)
	defer g.Stop()
	phase := g.Begin(100000)
	cluster.Eventually(c.Scene, 2*Patience, func() error {
		if sent, _ := phase.Counts(); sent < n {
			return fmt.Errorf("%d of %d requests", sent, n)
		}
		return nil
	})
	g.Stop()
	tally := phase.Tally()
	noFailures(c.Scene, tally)
	return tally
}
