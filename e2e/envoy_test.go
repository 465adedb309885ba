package e2e

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/dump"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// withoutStall is below the 15 s for which Envoy waits for the endpoints of a cluster
// that nobody sends, and long for a machine that others use too.
const withoutStall = 12 * time.Second

// oneService is a scene with a service named a: an endpoint in eu-1, two in eu-2,
// all running, and an Envoy in eu/eu-1 that holds them.
func oneService(t *testing.T) (*scene, *client) {
	t.Helper()
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.backend(0, 0)
	s.backend(1, 0)
	s.backend(1, 1)
	s.write("a.yaml", s.predictCase("a", [3]layoutOf{{1, 0}, {2, 0}}, "", "", false))
	c := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	c.converge(c.predicted("a.default:80"))
	return s, c
}

func TestNewAndChangedClustersWarmWithoutAStall(t *testing.T) {
	s, c := oneService(t)
	g, phase := c.stream("a.default")
	s.write("b.yaml", s.predictCase("b", [3]layoutOf{{1, 0}}, "", "", false))
	cluster := c.predicted("b.default:80")
	await.Until(t, withoutStall, func() string { return c.lacks(cluster) })
	if tally := c.send("b.default", 20); len(tally.Failures) > 0 {
		t.Errorf("the new service: %s", tally.Failures[0].What)
	}
	for _, simple := range []string{"LEAST_REQUEST", "ROUND_ROBIN", "RANDOM"} {
		s.write("rule.yaml", manifest.Rule("default", "a", "a", fmt.Sprintf("{loadBalancer: {simple: %s}}", simple)))
		await.Until(t, withoutStall, func() string { return c.balances("outbound|80||a.default.svc.cluster.local", simple) })
	}
	unfailed(t, g, phase)
}

// balances says what is missing for a cluster to be active with an algorithm.
func (c *client) balances(cluster, simple string) string {
	body, err := c.Get(c.scene.t.Context(), "/config_dump?resource=dynamic_warming_clusters")
	if err == nil && strings.Contains(string(body), cluster) {
		return cluster + " is warming"
	}
	for _, o := range c.held(c.scene.t)["clusters"] {
		if dump.Name(o) == cluster && strings.Contains(fmt.Sprint(o["load_balancing_policy"]), "."+strings.ToLower(simple)+" ") {
			return ""
		}
	}
	return fmt.Sprintf("%s is not active with %s", cluster, simple)
}

func TestServerIsKilledAndComesBack(t *testing.T) {
	s, c := oneService(t)
	g, phase := c.stream("a.default")
	before := c.held(t)
	s.server.Kill()
	if tally := c.send("a.default", 300); len(tally.Failures) > 0 {
		t.Errorf("without coastwise: %s", tally.Failures[0].What)
	}
	s.serve()
	s.write("a.yaml", s.predictCase("a", [3]layoutOf{{0, 1}, {2, 0}}, "", "{}", false))
	c.converge(c.predicted("a.default:80"))
	if dump.Different(before, c.held(t)) == "" {
		t.Error("the change after the restart changed nothing")
	}
	unfailed(t, g, phase)
}

func TestBadInputHarmsNobodyElse(t *testing.T) {
	s, c := oneService(t)
	g, phase := c.stream("a.default")
	before := c.held(t)
	good := s.predictCase("a", [3]layoutOf{{1, 0}, {2, 0}}, "", "", false)
	for name, content := range map[string]string{
		"cut.yaml":     "apiVersion: v1\nkind: Service\nmetadata: {name: c",
		"a.yaml":       good[:len(good)-40] + "\n  : [",
		"unknown.yaml": manifest.Rule("default", "a", "a", "{loadBalancer: {simple: FASTEST}}"),
		"nobody.yaml":  manifest.Rule("default", "nobody", "nobody", "{loadBalancer: {simple: RANDOM}}"),
		"twice.yaml":   manifest.Service("default", "a", 81, ""),
		"binary.yaml":  "\x00\x01\x02",
		"notes.txt":    "no manifest at all",
	} {
		s.write(name, content)
	}
	s.write("bad.yaml", manifest.Join(manifest.Service("default", "bad", 80, ""),
		manifest.Slice("default", "bad", "bad-1", 99999, []manifest.Endpoint{{Address: "not-an-ip"}, {Address: s.endpoint(0, 0)}})))
	s.write("later.yaml", s.predictCase("later", [3]layoutOf{{1, 0}}, "", "", false))
	c.converge(c.predicted("later.default:80"))
	if tally := c.send("later.default", 20); len(tally.Failures) > 0 {
		t.Errorf("a good service beside bad ones: %s", tally.Failures[0].What)
	}
	for _, kind := range []string{"clusters", "endpoints"} {
		if was, is := before[kind][0], find(c.held(t)[kind], dump.Name(before[kind][0])); dump.Different(dump.Resources{kind: {was}}, dump.Resources{kind: is}) != "" {
			t.Errorf("the %s of service a changed from %v to %v", kind, was, is)
		}
	}
	s.write("a.yaml", s.predictCase("a", [3]layoutOf{{1, 0}, {1, 0}}, "", "", false))
	c.converge(c.predicted("a.default:80"))
	unfailed(t, g, phase)
}

func find(in []dump.Object, called string) []dump.Object {
	for _, o := range in {
		if dump.Name(o) == called {
			return []dump.Object{o}
		}
	}
	return nil
}

func TestAStoppedEnvoyHurtsNobodyElse(t *testing.T) {
	s, quick := oneService(t)
	stopped := s.envoy(coastwise.Client{Locality: "eu/eu-2"})
	stopped.converge(stopped.predicted("a.default:80"))
	stopped.Signal(syscall.SIGSTOP)
	g, phase := quick.stream("a.default")
	for n := range 30 { // every change is seen by the one that runs
		s.write("a.yaml", s.predictCase("a", [3]layoutOf{{1, 0}, {1 + n%2, 0}}, "", "", false))
		cluster := quick.predicted("a.default:80")
		await.Until(t, withoutStall, func() string { return quick.lacks(cluster) })
	}
	unfailed(t, g, phase)
	if stopped.Running() == false {
		t.Fatal("the stopped Envoy is gone")
	}
	stopped.Signal(syscall.SIGCONT)
	stopped.converge(stopped.predicted("a.default:80"))
}

func TestEnvoysAddressesAreItsOwn(t *testing.T) {
	_, c := oneService(t)
	for _, port := range []int{c.flags.HTTPProxyPort, c.flags.AdminPort} {
		elsewhere := net.JoinHostPort(c.scene.block.Address(1, 77), fmt.Sprint(port))
		if conn, err := net.DialTimeout("tcp", elsewhere, time.Second); err == nil {
			conn.Close()
			t.Errorf("%s answers, which is not the client's address", elsewhere)
		}
	}
}
