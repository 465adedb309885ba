package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// twoPorts is a Service that serves neither 80 nor one port only.
const twoPorts = `apiVersion: v1
kind: Service
metadata: {name: two, namespace: default}
spec:
  ports:
  - {name: http, port: 8081}
  - {name: other, port: 8082, targetPort: 9}
`

func TestHTTPProxyPort(t *testing.T) {
	s, c := oneService(t)
	endpoints := []manifest.Endpoint{{Address: s.endpoint(0, 0)}}
	s.write("odd.yaml", manifest.Join(manifest.Service("default", "odd", 7777, ""),
		manifest.Slice("default", "odd", "odd-1", s.ports.Backend, endpoints)))
	s.write("two.yaml", manifest.Join(twoPorts, manifest.Slice("default", "two", "two-1", s.ports.Backend, endpoints)))
	s.write("shop.yaml", manifest.Join(manifest.Service("shop", "cart", 80, ""),
		manifest.Slice("shop", "cart", "cart-1", s.ports.Backend, endpoints)))
	for _, service := range []string{"odd.default:7777", "two.default:8081", "cart.shop:80"} {
		c.converge(c.predicted(service))
	}
	for _, want := range []struct {
		host string
		code int
	}{
		{"a", 200},
		{"a:80", 200},
		{"a.default", 200},
		{"a.default.svc", 200},
		{"a.default.svc.cluster.local", 200},
		{"a.default.svc.cluster.local:80", 200},
		{"odd", 200}, // the only port
		{"odd.default:7777", 200},
		{"two", 404}, // neither 80 nor the only port
		{"two.default.svc:8081", 200},
		{"cart.shop", 200},
		{"cart", 502}, // short only in its own namespace
		{"nobody.example", 502},
		{"a:81", 502},
	} {
		for _, form := range []form{{1, false}, {1, true}, {0, false}, {0, true}} {
			await.Until(t, patience, func() string {
				if code, err := c.ask(want.host, form); err != nil || code != want.code {
					return fmt.Sprintf("Host %q (%+v): %d %v, want %d", want.host, form, code, err, want.code)
				}
				return ""
			})
		}
	}
}

// form is how a request is written: in HTTP/1.minor, by Host or in absolute form as clients
// of a proxy do.
type form struct {
	minor    int
	absolute bool
}

// ask sends one request; it fails unless the answer is in the request's version.
func (c *client) ask(host string, f form) (int, error) {
	conn, err := net.DialTimeout("tcp", c.flags.Proxy(), answered)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answered))
	path := "/"
	if f.absolute {
		path = "http://" + host + "/"
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.%d\r\nHost: %s\r\nConnection: close\r\n\r\n", path, f.minor, host)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	if resp.ProtoMinor != f.minor {
		resp.Body.Close()
		return 0, fmt.Errorf("answered %s %s", resp.Proto, resp.Status)
	}
	return resp.StatusCode, resp.Body.Close()
}

func TestAccessLogTellsTheZone(t *testing.T) {
	s, c := oneService(t)
	s.write("a.yaml", s.predictCase("a", [3]layoutOf{{1, 1}, {2, 0}}, "", "{}", false))
	c.converge(c.predicted("a.default:80"))
	c.send("a.default", 200)
	await.Until(t, patience, func() string {
		seen := logged(t, c.Output, func(line map[string]any) string {
			return fmt.Sprint(line["cluster"], " ", line["zone"], " ", line["reason"], " ", line["code"])
		})
		for _, want := range []string{
			"outbound|80||a.default.svc.cluster.local eu-1 same zone 200",
			"outbound|80||a.default.svc.cluster.local eu-2 same region 200",
		} {
			if !slices.Contains(seen, want) {
				return fmt.Sprintf("the access log has no %q, but %q", want, seen)
			}
		}
		return ""
	})
}

// logged is what the lines of an access log say, each text once.
func logged(t *testing.T, path string, say func(map[string]any) string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(content)) {
		var o map[string]any
		if json.Unmarshal([]byte(line), &o) == nil {
			out = append(out, say(o))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestStatisticsTellTheZonePair(t *testing.T) {
	s, c := oneService(t)
	s.write("a.yaml", s.predictCase("a", [3]layoutOf{{0, 1}, {2, 0}}, "", "{}", false))
	c.converge(c.predicted("a.default:80"))
	c.send("a.default", 50)
	line := regexp.MustCompile(`(?m)^envoy_cluster_zone_upstream_rq_completed\{(.*)\} (\d+)$`)
	await.Until(t, patience, func() string {
		body, err := c.Get(t.Context(), "/stats/prometheus?filter=zone")
		if err != nil {
			return err.Error()
		}
		for _, m := range line.FindAllStringSubmatch(string(body), -1) {
			if strings.Contains(m[1], `from_zone="eu-1"`) && strings.Contains(m[1], `to_zone="eu-2"`) &&
				strings.Contains(m[1], `envoy_cluster_name="default/a/80"`) && m[2] != "0" {
				return ""
			}
		}
		return fmt.Sprintf("no counter for eu-1 to eu-2 in %.600s", body)
	})
}

// TestGatewayGetsTheProxyPort: until gateways have their own listeners, they are
// served as sidecars are.
func TestGatewayGetsTheProxyPort(t *testing.T) {
	s, _ := oneService(t)
	gateway := s.envoy(coastwise.Client{Kind: "gateway", Locality: "eu/eu-2"})
	gateway.converge(gateway.predicted("a.default:80"))
	if tally := gateway.send("a.default", 30); len(tally.Failures) > 0 {
		t.Errorf("through a gateway: %s", tally.Failures[0].What)
	}
}
