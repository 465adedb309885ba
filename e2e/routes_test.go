package e2e

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// echoService is Service default/NAME with endpoints zone by zone, near ones first.
func (s *scene) echoService(name string, at ...[2]int) string {
	zones := []string{"eu-1", "eu-2", "us-1"}
	var endpoints []string
	for _, e := range at {
		endpoints = append(endpoints, fmt.Sprintf("{addresses: [%s], zone: %s, conditions: {ready: true}}", s.endpoint(e[0], e[1]), zones[e[0]]))
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec: {ports: [{name: http, port: 80}], trafficDistribution: PreferSameZone}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %[1]s-1, labels: {kubernetes.io/service-name: %[1]s}}
addressType: IPv4
ports: [{name: http, port: %[2]d}]
endpoints: [%[3]s]
`, name, s.ports.Backend, strings.Join(endpoints, ", "))
}

// route is an HTTPRoute whose parent is Service default/front.
func route(rules string) string {
	return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{group: "", kind: Service, name: front}]
  rules:
` + rules
}

// routedScene has front, v1 and v2 with one backend each, both with two, one in each of
// two zones, and a client in the first.
func routedScene(t *testing.T) (s *scene, c *client, v1, v2 *witness) {
	t.Helper()
	s = newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.witness(0, 0)
	v1, v2 = s.witness(0, 1), s.witness(1, 1)
	s.write("front.yaml", s.echoService("front", [2]int{0, 0}))
	s.write("v1.yaml", s.echoService("v1", [2]int{0, 1}))
	s.write("v2.yaml", s.echoService("v2", [2]int{1, 1}))
	s.write("both.yaml", s.echoService("both", [2]int{0, 1}, [2]int{1, 1}))
	c = s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	return s, c, v1, v2
}

// applies writes rules and waits until a request for /ready is answered by them.
func (s *scene) applies(c *client, rules string) {
	s.t.Helper()
	mark := fmt.Sprintf("/ready-%d", time.Now().UnixNano())
	s.write("route.yaml", route(rules+fmt.Sprintf(`  - {matches: [{path: {type: Exact, value: %s}}], filters: [{type: RequestRedirect, requestRedirect: {hostname: ready}}]}
`, mark)))
	await.Until(s.t, patience, func() string {
		if got := c.request(s.t, http.MethodGet, "front", mark); got.status != http.StatusFound {
			return fmt.Sprintf("the new rules are not there: %d", got.status)
		}
		return ""
	})
}

// near5 says that shares are within 5 points of these.
func near5(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for by := range got {
		if _, ok := want[by]; !ok {
			t.Errorf("%s got %.1f %%", by, got[by])
		}
	}
	for by, share := range want {
		if math.Abs(got[by]-share) > 5 {
			t.Errorf("%s got %.1f %%, not %.0f", by, got[by], share)
		}
	}
}

func TestRouteShares(t *testing.T) {
	s, c, v1, v2 := routedScene(t)
	s.applies(c, `  - {backendRefs: [{name: v1, port: 80, weight: 90}, {name: v2, port: 80, weight: 10}]}
`)
	near5(t, c.sharesOf(t, "front", 1000), map[string]float64{v1.at: 90, v2.at: 10})
	s.applies(c, `  - {backendRefs: [{name: v1, port: 80}, {name: gone, port: 80}]}
`)
	near5(t, c.sharesOf(t, "front", 2500), map[string]float64{v1.at: 50, "500": 50}) // ± 5 points is 5 σ
	// A backend that appears takes its share, with no edit of the route.
	s.write("gone.yaml", s.echoService("gone", [2]int{1, 1}))
	await.Until(t, patience, func() string {
		if got := c.sharesOf(t, "front", 20); got["500"] > 0 {
			return fmt.Sprint(got)
		}
		return ""
	})
	s.applies(c, `  - {filters: [{type: CORS, cors: {allowOrigins: ["*"]}}], backendRefs: [{name: v1, port: 80}]}
`)
	if got := c.request(t, http.MethodGet, "front", "/"); got.status != http.StatusInternalServerError {
		t.Errorf("a filter that is not served: %d", got.status)
	}
}

func TestRouteMatchesAndChanges(t *testing.T) {
	s, c, v1, v2 := routedScene(t)
	s.applies(c, `  - {matches: [{path: {value: /h}, headers: [{name: X-Version, value: "2"}]}], backendRefs: [{name: v2, port: 80}]}
  - {matches: [{path: {value: /h}}], backendRefs: [{name: v1, port: 80}]}
  - {matches: [{path: {value: /q}, queryParams: [{name: v, value: "2"}]}], backendRefs: [{name: v2, port: 80}]}
  - matches: [{path: {value: /change}}]
    filters:
    - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Set, value: "100%"}], add: [{name: X-Add, value: b}], remove: [X-Gone]}}
    - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-Answer, value: "1"}]}}
    backendRefs: [{name: v1, port: 80}]
  - {matches: [{path: {value: /a}}], filters: [{type: URLRewrite, urlRewrite: {hostname: h.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}], backendRefs: [{name: v1, port: 80}]}
  - {matches: [{path: {value: /b}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}], backendRefs: [{name: v1, port: 80}]}
  - {matches: [{path: {value: /whole}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /one}}}], backendRefs: [{name: v1, port: 80}]}
  - {matches: [{path: {value: /to}}], filters: [{type: RequestRedirect, requestRedirect: {scheme: https, path: {type: ReplacePrefixMatch, replacePrefixMatch: /there}, statusCode: 301}}]}
  - {matches: [{path: {value: /mirror}}], filters: [{type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}}}], backendRefs: [{name: v1, port: 80}]}
`)
	for _, tt := range []struct {
		path, header string
		want         string
	}{
		{"/h", "", v1.at}, {"/h/deep", "2", v2.at}, {"/hh", "", "404"}, {"/q?v=2", "", v2.at}, {"/q?v=3", "", "404"}, {"/elsewhere", "", "404"},
	} {
		got := c.request(t, http.MethodGet, "front", tt.path, "X-Version", tt.header)
		if got.endpoint != tt.want && fmt.Sprint(got.status) != tt.want {
			t.Errorf("%s with %q: %d by %s, not %s", tt.path, tt.header, got.status, got.endpoint, tt.want)
		}
	}
	got := c.request(t, http.MethodGet, "front", "/change", "X-Set", "old", "X-Add", "a", "X-Gone", "x")
	if h := got.asked.Header; h.Get("X-Set") != "100%" || strings.Join(h["X-Add"], ",") != "a,b" || h.Get("X-Gone") != "" || got.header.Get("X-Answer") != "1" {
		t.Errorf("headers: %+v", got)
	}
	for path, want := range map[string]string{
		"/a": "/", "/a/": "/", "/a/b?q=1": "/b?q=1", "/b": "/x", "/b/": "/x/", "/b/c": "/x/c", "/whole/of/it?q=1": "/one?q=1",
	} {
		got := c.request(t, http.MethodGet, "front", path)
		if got.asked.Path != want || strings.HasPrefix(path, "/a") != (got.asked.Host == "h.example") {
			t.Errorf("%s arrives as %s at %s, not %s", path, got.asked.Path, got.asked.Host, want)
		}
	}
	for host, want := range map[string]string{"front": "https://front/there/x", "front:80": "https://front:443/there/x"} {
		got := c.request(t, http.MethodGet, host, "/to/x")
		if got.status != http.StatusMovedPermanently || got.header.Get("Location") != want {
			t.Errorf("%s: %d %s, not %s", host, got.status, got.header.Get("Location"), want)
		}
	}
	v2.becomes("")
	if got := c.request(t, http.MethodGet, "front", "/mirror/x"); got.endpoint != v1.at {
		t.Errorf("%+v", got)
	}
	await.Until(t, patience, func() string {
		if seen := v2.asked(); len(seen) != 1 || seen[0].Path != "/mirror/x" || seen[0].Host != "front" {
			return fmt.Sprintf("the mirror saw %+v", seen)
		}
		return ""
	})
}

func TestRouteTimeouts(t *testing.T) {
	s, c, v1, _ := routedScene(t)
	s.applies(c, `  - {timeouts: {request: 200ms}, backendRefs: [{name: v1, port: 80}]}
`)
	v1.becomes("slow")
	begun := time.Now()
	if got := c.request(t, http.MethodGet, "front", "/"); got.status != http.StatusGatewayTimeout || time.Since(begun) > slow/2 {
		t.Errorf("%d after %v", got.status, time.Since(begun))
	}
}

// A retry that the route asks for leaves the failed zone, where idempotent requests
// also after a reset; others are not sent twice.
func TestRouteRetriesLeaveTheZone(t *testing.T) {
	s, c, near, far := routedScene(t)
	s.applies(c, `  - {retry: {attempts: 2, codes: [503], backoff: 1ms}, backendRefs: [{name: both, port: 80}]}
`)
	if got := c.request(t, http.MethodGet, "front", "/"); got.endpoint != near.at {
		t.Fatalf("while all is well %s answers, not the near %s", got.endpoint, near.at)
	}
	for _, mode := range []string{"503", "reset"} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost} {
			near.becomes(mode)
			far.becomes("")
			repeated := mode == "503" || method != http.MethodPost
			for i := range 20 {
				got := c.request(t, method, "front", "/")
				if repeated && (got.status != http.StatusOK || got.endpoint != far.at) {
					t.Fatalf("%s %s, request %d: %d by %s", mode, method, i, got.status, got.endpoint)
				}
				if !repeated && got.status != http.StatusServiceUnavailable {
					t.Fatalf("%s %s, request %d: %d by %s", mode, method, i, got.status, got.endpoint)
				}
			}
			want := 20
			if !repeated {
				want = 0
			}
			if n, m := len(near.asked()), len(far.asked()); n != 20 || m != want {
				t.Errorf("%s %s: %d attempts in the near zone, %d in the far one, not 20 and %d", mode, method, n, m, want)
			}
		}
	}
}

// With a single priority there is nowhere else to go: the attempts still are made.
func TestRouteRetriesInOnePriority(t *testing.T) {
	s, c, v1, _ := routedScene(t)
	s.applies(c, `  - {retry: {attempts: 2, codes: [503], backoff: 1ms}, backendRefs: [{name: v1, port: 80}]}
`)
	v1.becomes("503")
	if got := c.request(t, http.MethodGet, "front", "/"); got.status != http.StatusServiceUnavailable || len(v1.asked()) != 3 {
		t.Errorf("%d after %d attempts, not 503 after 3", got.status, len(v1.asked()))
	}
}

// An edit moves the traffic, and no request fails on the way.
func TestRouteEditsUnderLoad(t *testing.T) {
	s, c, v1, v2 := routedScene(t)
	s.applies(c, `  - {backendRefs: [{name: v1, port: 80}]}
`)
	g, phase := c.stream("front.default")
	for range 3 {
		for _, to := range []struct {
			name string
			at   string
		}{{"v2", v2.at}, {"v1", v1.at}, {"later", v2.at}} {
			if to.name == "later" { // the backend comes with the edit
				s.write("later.yaml", s.echoService("later", [2]int{1, 1}))
			}
			s.applies(c, fmt.Sprintf("  - {backendRefs: [{name: %s, port: 80}]}\n", to.name))
			if got := c.request(t, http.MethodGet, "front", "/"); got.endpoint != to.at {
				t.Errorf("%s answers, not %s", got.endpoint, to.name)
			}
		}
	}
	unfailed(t, g, phase)
}

// Where no priority is left that is healthy and was not tried, a retry is made all the
// same, with a panic threshold too.
func TestRouteRetriesWithNowhereElse(t *testing.T) {
	s, c, near, far := routedScene(t)
	s.write("rule.yaml", manifest.Rule("default", "both", "both",
		"{outlierDetection: {consecutive5xxErrors: 1, baseEjectionTime: 60s, maxEjectionPercent: 100, minHealthPercent: 50}}"))
	s.applies(c, `  - {retry: {attempts: 2, codes: [503], backoff: 1ms}, backendRefs: [{name: both, port: 80}]}
`)
	near.becomes("503")
	await.Until(t, patience, func() string { // until it is ejected
		before := len(near.asked())
		if got := c.request(t, http.MethodGet, "front", "/"); got.endpoint != far.at || len(near.asked()) != before {
			return fmt.Sprintf("%d by %s", got.status, got.endpoint)
		}
		return ""
	})
	near.becomes("")
	far.becomes("503")
	if got := c.request(t, http.MethodGet, "front", "/"); got.status != http.StatusServiceUnavailable && got.endpoint != near.at {
		t.Errorf("%d by %s", got.status, got.endpoint)
	}
	if n, m := len(near.asked()), len(far.asked()); n+m < 2 || m == 0 {
		t.Errorf("%d attempts in the near zone, %d in the far one", n, m)
	} else {
		t.Logf("%d attempts in the near zone, %d in the far one", n, m)
	}
}
