package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

const seventyThirty = "{distribute: [{from: eu/*, to: {eu/eu-1: 70, eu/eu-2: 30}}], allowedRegions: [eu]}"

// reviews writes the service of the scenes with a rule's localityLbSetting.
func (s *scene) reviews(layout [3]layoutOf, setting string) {
	s.t.Helper()
	s.write("reviews.yaml", s.predictCase("reviews", layout, "", setting, false))
}

func (s *scene) backends(counts ...int) {
	for zone, n := range counts {
		for i := range n {
			s.backend(zone, i)
		}
	}
}

// TestGRPCFollowsHealth: one channel gives the shares that are written, and new ones
// whenever a file changes, without a failed request; a forbidden region never answers.
func TestGRPCFollowsHealth(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.backends(4, 4, 1)
	s.reviews([3]layoutOf{{2, 0}, {2, 0}, {1, 0}}, seventyThirty)
	c := s.grpc(coastwise.Client{Locality: "eu/eu-1"}, "xds:///reviews.default:80")
	const service = "reviews.default:80"
	tally := c.gives(service)
	tally.near(t, 0, 70)
	tally.near(t, 1, 30)
	if n := tally.Zones["zone 2"]; n > 0 {
		t.Errorf("%d requests went to a region that is not allowed", n)
	}

	s.reviews([3]layoutOf{{4, 0}, {2, 2}, {1, 0}}, "{enabled: true, allowedRegions: [eu]}")
	c.gives(service).near(t, 0, 100)
	s.reviews([3]layoutOf{{2, 2}, {4, 0}, {1, 0}}, "{enabled: true, allowedRegions: [eu]}") // half of the own zone
	tally = c.gives(service)
	tally.near(t, 0, 70)
	tally.near(t, 1, 30)
	s.reviews([3]layoutOf{{0, 4}, {4, 0}, {1, 0}}, "{enabled: true, allowedRegions: [eu]}")
	c.gives(service).near(t, 1, 100)
	s.reviews([3]layoutOf{{0, 4}, {0, 4}, {1, 0}}, "{enabled: true, allowedRegions: [eu]}") // what is left is forbidden
	await.Until(t, patience, func() string {
		if got := c.send(20); len(got.Endpoints) > 0 {
			return fmt.Sprintf("%v still answer", got.Endpoints)
		}
		return ""
	})
	s.reviews([3]layoutOf{{4, 0}, {4, 0}, {1, 0}}, "{}")
	await.Until(t, patience, func() string {
		if got := c.send(20); len(got.Failures) > 0 {
			return fmt.Sprint(got.Failures)
		}
		return ""
	})
	c.gives(service).near(t, 0, 100)
}

// TestGRPCFlat: two zones of nine and one endpoints without locality are 90 to 10.
func TestGRPCFlat(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.backends(9, 1)
	s.reviews([3]layoutOf{{9, 0}, {1, 0}, {}}, "")
	tally := s.grpc(coastwise.Client{Locality: "eu/eu-2"}, "xds:///reviews.default:80").gives("reviews.default:80")
	tally.near(t, 0, 90)
	tally.near(t, 1, 10)
}

// TestGRPCFailsOver: when every process of the own zone is killed and nobody has told
// the control plane, the channel goes to the next priority by itself; and it goes on
// while the server is dead, and follows it when it is back.
func TestGRPCFailsOver(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.backends(0, 2, 1)
	s.reviews([3]layoutOf{{2, 0}, {2, 0}, {1, 0}}, "{}") // nobody listens in the own zone
	c := s.grpc(coastwise.Client{Locality: "eu/eu-1"}, "xds:///reviews.default:80")
	await.Until(t, patience, func() string {
		if got := c.send(50); got.Zones["zone 1"] < 50 {
			return fmt.Sprint(got)
		}
		return ""
	})
	s.server.Kill()
	for range 5 {
		c.unfailing(200).near(t, 1, 100)
		time.Sleep(200 * time.Millisecond)
	}
	s.backend(0, 0)
	s.reviews([3]layoutOf{{1, 0}, {2, 0}, {1, 0}}, "{}")
	s.serve()
	await.Until(t, patience, func() string {
		if got := c.unfailing(50); got.Zones["zone 0"] < 50 {
			return fmt.Sprint(got)
		}
		return ""
	})
}

// TestGRPCGoneMeanwhile: a service that went while the server was dead is gone for a
// client that held it, though nothing of what it names exists any more.
func TestGRPCGoneMeanwhile(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.backends(1)
	s.reviews([3]layoutOf{{1, 0}, {}, {}}, "")
	c := s.grpc(coastwise.Client{}, "xds:///reviews.default:80")
	c.unfailing(50)
	s.server.Kill()
	c.unfailing(50)
	if err := os.Remove(filepath.Join(string(s.folder), "reviews.yaml")); err != nil {
		t.Fatal(err)
	}
	s.serve()
	await.Until(t, patience, func() string {
		if got := c.send(20); len(got.Endpoints) > 0 {
			return fmt.Sprintf("%v still answer", got.Endpoints)
		}
		return ""
	})
}

// TestGRPCNames: a client reaches a service by every form that its namespace knows,
// and by no other; the list of proxies names it.
func TestGRPCNames(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.backends(1)
	s.reviews([3]layoutOf{{1, 0}, {}, {}}, "")
	for _, name := range []string{"reviews:80", "reviews.default:80", "reviews.default.svc:80", "reviews.default.svc.cluster.local:80"} {
		c := s.grpc(coastwise.Client{Locality: "eu/eu-1"}, "xds:///"+name)
		c.unfailing(20)
		c.Kill()
	}
	s.grpc(coastwise.Client{Namespace: "shop"}, "xds:///reviews.default:80").unfailing(20)
	await.Until(t, patience, func() string {
		out, err := exec.Command(string(built.coastwise), "proxies", "--server", s.server.Admin).CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if words := strings.Fields(line); len(words) > 3 && words[1] == "grpc" && words[3] == "synced" {
				return ""
			}
		}
		return fmt.Sprintf("%s%v", out, err)
	})
	stranger := s.grpc(coastwise.Client{Namespace: "shop"}, "xds:///reviews:80")
	if got := stranger.send(1); len(got.Failures) != 1 {
		t.Errorf("reviews:80 in the namespace shop: %+v", got)
	}
}

// TestGRPCAccepts: grpc-go takes every cluster that a rule can make for it, and keys
// stay on their endpoints.
func TestGRPCAccepts(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.backends(3, 3)
	if err := os.WriteFile(filepath.Join(s.secrets, "web-ca.yaml"), []byte("resources: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	policies := map[string]string{
		"plain": "{}", "rr": "{loadBalancer: {simple: ROUND_ROBIN}}", "random": "{loadBalancer: {simple: RANDOM}}",
		"pass": "{loadBalancer: {simple: PASSTHROUGH}}", "maglev": "{loadBalancer: {consistentHash: {httpHeaderName: x-user, maglev: {}}}}",
		"ring":      "{loadBalancer: {consistentHash: {httpHeaderName: x-user}}}",
		"channel":   "{loadBalancer: {consistentHash: {useSourceIp: true}}}",
		"cookie":    "{loadBalancer: {consistentHash: {httpCookie: {name: u, ttl: 0s}}}}",
		"outliers":  "{outlierDetection: {failurePercentage: {threshold: 50}, successRate: {}, maxEjectionPercent: 60}}",
		"fivexx":    "{outlierDetection: {consecutive5xxErrors: 1}}",
		"pool":      "{connectionPool: {tcp: {maxConnections: 1}, http: {http2MaxRequests: 1000}}}",
		"encrypted": "{}",
	}
	for name, policy := range policies {
		s.write(name+".yaml", manifest.Join(s.predictCase(name, [3]layoutOf{{3, 0}, {3, 0}}, "", "", false), manifest.Rule("default", name, name, policy)))
	}
	for name := range policies {
		t.Run(name, func(t *testing.T) {
			c := s.grpc(coastwise.Client{Locality: "eu/eu-1"}, "xds:///"+name+":80", "--key", "x-user")
			defer c.Kill()
			c.unfailing(500)
			got := c.unfailing(1000).Endpoints
			switch name {
			case "channel":
				if len(got) != 1 {
					t.Errorf("one channel is at %v", got)
				}
			case "ring": // a hundred keys, ten times each
				for address, n := range got {
					if n%10 != 0 || n == 1000 {
						t.Errorf("%s has %d of the requests: a key moved", address, n)
					}
				}
			default:
				if len(got) != 6 {
					t.Errorf("not all endpoints answer: %v", got)
				}
			}
		})
	}
	c := s.grpc(coastwise.Client{}, "xds:///encrypted:80")
	c.unfailing(50)
	s.write("encrypted.yaml", manifest.Join(s.predictCase("encrypted", [3]layoutOf{{3, 0}, {3, 0}}, "", "", false),
		manifest.Rule("default", "encrypted", "encrypted", "{tls: {mode: SIMPLE, credentialName: web}}")))
	await.Until(t, patience, func() string {
		if got := c.send(20); len(got.Endpoints) > 0 {
			return fmt.Sprintf("requests go without tls: %v", got.Endpoints)
		}
		return ""
	})
}
