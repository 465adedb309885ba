package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// TestStateOfTheWorld: an Envoy with api_type GRPC gets, updates and loses
// clusters and endpoints, never waits for the endpoints of a warming cluster,
// and outlives a restart of the server, all under traffic without a failure.
func TestStateOfTheWorld(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.edit = func(bootstrap []byte) []byte {
		text := string(bootstrap)
		if strings.Count(text, "DELTA_GRPC") != 1 {
			t.Fatalf("the bootstrap has not one api_type DELTA_GRPC:\n%s", text)
		}
		return []byte(strings.Replace(text, "DELTA_GRPC", "GRPC", 1))
	}
	s.backend(0, 0)
	s.backend(1, 0)
	s.backend(1, 1)
	write := func(service string, layout ...layoutOf) {
		t.Helper()
		var all [3]layoutOf
		copy(all[:], layout)
		s.write(service+".yaml", s.predictCase(service, all, "", "", false))
	}
	write("a", layoutOf{1, 0}, layoutOf{2, 0})
	c := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	holds := func(service string) {
		t.Helper()
		cluster := c.predicted(service + ".default:80")
		await.Until(t, withoutStall, func() string { return c.lacks(cluster) })
	}
	holds("a")
	if n := c.figure(t, "cluster_manager.cds.update_success"); n == "0" {
		t.Error("no set of clusters has come")
	}
	g, phase := c.stream("a.default")

	write("b", layoutOf{1, 0}) // a cluster more
	holds("b")
	if tally := c.send("b.default", 20); len(tally.Failures) > 0 {
		t.Errorf("the new service: %s", tally.Failures[0].What)
	}
	for _, simple := range []string{"LEAST_REQUEST", "ROUND_ROBIN", "RANDOM"} { // a cluster changes, its endpoints do not
		s.write("rule.yaml", manifest.Rule("default", "a", "a", fmt.Sprintf("{loadBalancer: {simple: %s}}", simple)))
		await.Until(t, withoutStall, func() string { return c.balances("outbound|80||a.default.svc.cluster.local", simple) })
	}
	write("a", layoutOf{1, 0}, layoutOf{1, 0}) // an endpoint less
	holds("a")
	s.write("b.yaml", "") // a cluster less
	await.Until(t, withoutStall, func() string {
		if _, err := c.Hosts(t.Context(), "outbound|80||b.default.svc.cluster.local"); !errors.Is(err, envoyproc.ErrNoCluster) {
			return fmt.Sprintf("the cluster that went is there: %v", err)
		}
		return ""
	})
	write("b", layoutOf{1, 0}) // and back
	holds("b")

	s.server.Kill()
	if tally := c.send("a.default", 300); len(tally.Failures) > 0 {
		t.Errorf("without coastwise: %s", tally.Failures[0].What)
	}
	write("a", layoutOf{1, 0}, layoutOf{2, 0}) // seen when it is back
	s.serve()
	c.converge(c.predicted("a.default:80"))
	write("d", layoutOf{0, 0}, layoutOf{1, 0})
	holds("d")
	unfailed(t, g, phase)
	for _, stat := range []string{"cluster_manager.cds.update_rejected", "listener_manager.lds.update_rejected"} {
		if n := c.figure(t, stat); n != "0" {
			t.Errorf("%s: %s", stat, n)
		}
	}
	var proxies []struct {
		Types []struct {
			Type   string
			Synced bool
		}
	}
	await.Until(t, patience, func() string {
		proxies = nil
		if err := s.proxies(&proxies); err != nil {
			return err.Error()
		}
		if len(proxies) != 1 || len(proxies[0].Types) < 3 {
			return fmt.Sprintf("%+v", proxies)
		}
		for _, of := range proxies[0].Types {
			if !of.Synced {
				return of.Type + " is not synced"
			}
		}
		return ""
	})
}

// figure is one figure of Envoy's.
func (c *client) figure(t *testing.T, name string) string {
	t.Helper()
	body, err := c.Get(t.Context(), "/stats?filter=^"+name+"$")
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(strings.TrimSpace(string(body)), ": ")
	return value
}

// proxies reads coastwise's list of proxies.
func (s *scene) proxies(into any) error {
	resp, err := http.Get("http://" + s.server.Admin + "/proxies")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}
