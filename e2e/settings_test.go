package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// settingsScene is one Service, web, with endpoints of one zone and a policy.
func settingsScene(t *testing.T, endpoints int, policy, mesh string) *scene {
	t.Helper()
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	documents := []string{
		manifest.Service("default", "web", 80, ""),
		manifest.Slice("default", "web", "web-1", s.ports.Backend, s.inFirstZone(endpoints)),
	}
	if policy != "" {
		documents = append(documents, manifest.Rule("default", "web", "web", policy))
	}
	s.write("web.yaml", manifest.Join(documents...)+mesh)
	return s
}

func (s *scene) inFirstZone(n int) []manifest.Endpoint {
	var out []manifest.Endpoint
	for i := range n {
		out = append(out, manifest.Endpoint{Address: s.endpoint(0, i), Zone: zones[0].zone, Node: "node-" + zones[0].zone})
	}
	return out
}

// failing starts the n-th endpoint of the first zone, which answers all with status.
func (s *scene) failing(n, status int) {
	s.t.Helper()
	address := fmt.Sprintf("%s:%d", s.endpoint(0, n), s.ports.Backend)
	l, err := net.Listen("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(backend.EndpointHeader, address)
		w.WriteHeader(status)
	})}
	go server.Serve(l)
	s.t.Cleanup(func() { server.Close() })
}

// get sends one request, and says who answered with what.
func (c *client) get(host, path string, headers map[string]string) (endpoint string, status int, answer http.Header) {
	c.scene.t.Helper()
	req, err := http.NewRequestWithContext(c.scene.t.Context(), http.MethodGet, "http://"+c.flags.Proxy()+path, nil)
	if err != nil {
		c.scene.t.Fatal(err)
	}
	req.Host = host
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.scene.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get(backend.EndpointHeader), resp.StatusCode, resp.Header
}

// ejected counts errors among the answers until 40 in a row are good. It asks for longer
// than any interval of these tests, however fast this machine is.
func (c *client) ejected(t *testing.T, host string) (bad int, ejected bool) {
	t.Helper()
	good := 0
	for n, began := 0, time.Now(); n < 400 || time.Since(began) < 2*time.Second; n++ {
		if _, status, _ := c.get(host, "/", nil); status == http.StatusOK {
			good++
		} else {
			bad, good = bad+1, 0
		}
		if good == 40 {
			return bad, true
		}
	}
	return bad, false
}

// An endpoint that answers with errors is ejected with outlierDetection, of the
// rule or of the mesh, and stays without.
func TestOutlierDetection(t *testing.T) {
	for _, c := range []struct {
		name, policy, mesh string
		status             int
		ejected            bool
	}{
		{"consecutive 5xx", "{outlierDetection: {consecutive5xxErrors: 3, maxEjectionPercent: 50}}", "", 500, true},
		{"of the mesh", "", meshOf("{defaultTrafficPolicy: {outlierDetection: {consecutive5xxErrors: 3, maxEjectionPercent: 50}}}"), 500, true},
		{"none", "{loadBalancer: {simple: RANDOM}}", "", 500, false},
		{"5xx is off", "{outlierDetection: {consecutive5xxErrors: 0, maxEjectionPercent: 50}}", "", 500, false},
		{"too few may be ejected", "{outlierDetection: {consecutive5xxErrors: 3}}", "", 500, false},
		{"a 429 is no error", "{outlierDetection: {consecutive5xxErrors: 3, maxEjectionPercent: 50}}", "", 429, false},
		{"a 429 is an error", "{outlierDetection: {consecutive5xxErrors: 3, maxEjectionPercent: 50, outlierDetectionHttpErrorCodes: [429]}}", "", 429, true},
		{"gateway errors", "{outlierDetection: {consecutive5xxErrors: 0, consecutiveGatewayErrors: 2, maxEjectionPercent: 50}}", "", 503, true},
		{"failure percentage", "{outlierDetection: {consecutive5xxErrors: 0, interval: 200ms, maxEjectionPercent: 50, failurePercentage: {threshold: 50, minimumHosts: 2, requestVolume: 3}}}", "", 500, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := settingsScene(t, 2, c.policy, c.mesh)
			s.backend(0, 0)
			s.failing(1, c.status)
			client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
			client.converge(client.predicted("web.default:80"))
			bad, ejected := client.ejected(t, "web.default")
			if ejected != c.ejected || bad == 0 {
				t.Errorf("ejected: %t after %d errors", ejected, bad)
			}
		})
	}
}

// spread says how many endpoints n requests reach; each asks makes one.
func spread(n int, ask func(i int) string) int {
	seen := map[string]bool{}
	for i := range n {
		seen[ask(i)] = true
	}
	return len(seen)
}

// One key stays on one endpoint and different keys are spread, for each kind of
// key and both tables; without a rule, or without a key, requests are spread.
func TestConsistentHash(t *testing.T) {
	s := settingsScene(t, 4, "", "")
	for n := range 4 {
		s.backend(0, n)
	}
	client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	client.converge(client.predicted("web.default:80"))
	with := func(path string, headers map[string]string) func(int) string {
		return func(int) string {
			endpoint, _, _ := client.get("web.default", path, headers)
			return endpoint
		}
	}
	if n := spread(60, with("/", nil)); n < 2 {
		t.Fatalf("without a rule 60 requests reach %d endpoints", n)
	}
	for _, c := range []struct {
		name, hash string
		// key makes one request with key i.
		key func(i int) string
	}{
		{"header", "httpHeaderName: x-user", func(i int) string { return with("/", map[string]string{"X-User": fmt.Sprint(i)})(0) }},
		{"maglev", "httpHeaderName: x-user, maglev: {}", func(i int) string { return with("/", map[string]string{"X-User": fmt.Sprint(i)})(0) }},
		{"cookie", "httpCookie: {name: who}", func(i int) string {
			return with("/", map[string]string{"Cookie": fmt.Sprintf("a=b; who=%d", i)})(0)
		}},
		{"query", "httpQueryParameterName: user, maglev: {tableSize: 101}", func(i int) string { return with(fmt.Sprintf("/?user=%d", i), nil)(0) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.write("rule.yaml", manifest.Rule("default", "web", "web", "{loadBalancer: {consistentHash: {"+c.hash+"}}}"))
			await.Until(t, patience, func() string {
				if n := spread(40, func(int) string { return c.key(7) }); n != 1 {
					return fmt.Sprintf("one key reaches %d endpoints", n)
				}
				return ""
			})
			if n := spread(60, c.key); n < 3 {
				t.Errorf("60 keys reach %d endpoints", n)
			}
			if n := spread(60, with("/", nil)); n < 2 {
				t.Errorf("requests without a key reach %d endpoints", n)
			}
		})
	}
}

// The client's address is one key; a Service says so with sessionAffinity.
func TestSourceIP(t *testing.T) {
	for _, c := range []struct{ name, policy, affinity string }{
		{"rule", "{loadBalancer: {consistentHash: {useSourceIp: true}}}", ""},
		{"session affinity", "", "  sessionAffinity: ClientIP\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := settingsScene(t, 4, c.policy, "")
			for n := range 4 {
				s.backend(0, n)
			}
			s.write("web.yaml", manifest.Join(manifest.Service("default", "web", 80, c.affinity),
				manifest.Slice("default", "web", "web-1", s.ports.Backend, s.inFirstZone(4))))
			if c.policy != "" {
				s.write("rule.yaml", manifest.Rule("default", "web", "web", c.policy))
			}
			client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
			client.converge(client.predicted("web.default:80"))
			if n := spread(60, func(int) string { e, _, _ := client.get("web.default", "/", nil); return e }); n != 1 {
				t.Errorf("one address reaches %d endpoints", n)
			}
		})
	}
}

// A cookie that is absent is made, with its path, lifetime and attributes, and
// keeps its client on the endpoint that answered first.
func TestHashCookieIsMade(t *testing.T) {
	s := settingsScene(t, 4, "{loadBalancer: {consistentHash: {httpCookie: {name: who, path: /shop, ttl: 60s, attributes: [{name: SameSite, value: Strict}]}}}}", "")
	for n := range 4 {
		s.backend(0, n)
	}
	client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	client.converge(client.predicted("web.default:80"))
	first, _, answer := client.get("web.default", "/", nil)
	cookies := (&http.Response{Header: answer}).Cookies()
	if len(cookies) != 1 || cookies[0].Name != "who" || cookies[0].Path != "/shop" || cookies[0].MaxAge != 60 || cookies[0].SameSite != http.SameSiteStrictMode {
		t.Fatalf("Set-Cookie: %q", answer.Values("Set-Cookie"))
	}
	for range 30 {
		if endpoint, _, _ := client.get("web.default", "/", map[string]string{"Cookie": "who=" + cookies[0].Value}); endpoint != first {
			t.Fatalf("%s answers, after %s made the cookie", endpoint, first)
		}
	}
}

// stat is a counter of Envoy for the one cluster, by the end of its name.
func (c *client) stat(name string) string {
	c.scene.t.Helper()
	body, err := c.Get(c.scene.t.Context(), "/stats?filter="+name)
	if err != nil {
		c.scene.t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		at, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if strings.Contains(at, "default/web/80") && strings.HasSuffix(at, "."+name) {
			return value
		}
	}
	return ""
}

// What a pool says is seen on the connections that a live Envoy makes.
func TestConnectionPool(t *testing.T) {
	for _, c := range []struct {
		name, policy, mesh string
		// requests are sent one after another; then the stat has a value.
		requests   int
		stat, want string
	}{
		{"no limit", "", "", 6, "upstream_cx_total", "1"},
		{"requests of a connection", "{connectionPool: {http: {maxRequestsPerConnection: 2}}}", "", 6, "upstream_cx_total", "3"},
		{"the mesh's pool", "", meshOf("{defaultTrafficPolicy: {connectionPool: {http: {maxRequestsPerConnection: 3}}}}"), 6, "upstream_cx_total", "2"},
		{"idle", "{connectionPool: {http: {idleTimeout: 100ms}}}", "", 1, "upstream_cx_idle_timeout", "1"},
		{"idle of tcp", "{connectionPool: {tcp: {idleTimeout: 100ms}}}", "", 1, "upstream_cx_idle_timeout", "1"},
		{"age", "{connectionPool: {tcp: {maxConnectionDuration: 100ms}}}", "", 1, "upstream_cx_max_duration_reached", "1"},
		{"upgrade", "{connectionPool: {http: {h2UpgradePolicy: UPGRADE}}}", "", 1, "upstream_cx_http2_total", "1"},
		{"the mesh's upgrade", "", meshOf("{h2UpgradePolicy: UPGRADE}"), 1, "upstream_cx_http2_total", "1"},
		{"no upgrade", "", "", 1, "upstream_cx_http2_total", "0"},
		{"keepalive", "{connectionPool: {tcp: {tcpKeepalive: {time: 1s, probes: 127, interval: 32767s}}}}", "", 1, "upstream_rq_200", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := settingsScene(t, 1, c.policy, c.mesh)
			s.backend(0, 0)
			client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
			client.converge(client.predicted("web.default:80"))
			for range c.requests {
				client.get("web.default", "/", nil)
			}
			await.Until(t, patience, func() string {
				if got := client.stat(c.stat); got != c.want {
					return fmt.Sprintf("%s is %q, not %s", c.stat, got, c.want)
				}
				return ""
			})
		})
	}
}

// A limit of no requests at all lets none through, and a limit that is not
// written none out.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		status       int
	}{
		{"none", "", http.StatusOK},
		{"requests", "{connectionPool: {http: {http2MaxRequests: 0}}}", http.StatusServiceUnavailable},
		{"pending", "{connectionPool: {http: {http1MaxPendingRequests: 0}}}", http.StatusServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := settingsScene(t, 1, c.policy, "")
			s.backend(0, 0)
			client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
			client.converge(client.predicted("web.default:80"))
			if _, status, _ := client.get("web.default", "/", nil); status != c.status {
				t.Errorf("%d, want %d", status, c.status)
			}
		})
	}
}

// Two endpoints have served for a while when two more come: with a warmup these
// get few requests.
func TestWarmup(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		least, most  float64
	}{
		{"none", "{loadBalancer: {simple: ROUND_ROBIN}}", 45, 55},
		{"round robin", "{loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 15s, minimumPercent: 5}}}", 1, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := settingsScene(t, 2, c.policy, "")
			for n := range 4 {
				s.backend(0, n)
			}
			client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
			client.converge(client.predicted("web.default:80"))
			time.Sleep(16 * time.Second) // the first two have warmed up
			s.write("more.yaml", manifest.Slice("default", "web", "web-2", s.ports.Backend, s.inFirstZone(4)[2:]))
			client.converge(client.predicted("web.default:80"))
			tally := client.send("web.default", 500) // well before the others have
			fresh := 0
			for _, e := range s.inFirstZone(4)[2:] {
				fresh += tally.ByEndpoint[fmt.Sprintf("%s:%d", e.Address, s.ports.Backend)]
			}
			if share := 100 * float64(fresh) / float64(tally.Requests); share < c.least || share > c.most {
				t.Errorf("new endpoints get %.1f %%", share)
			}
		})
	}
}

func meshOf(spec string) string {
	return "---\napiVersion: networking.coastwise.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: " + spec + "\n"
}
