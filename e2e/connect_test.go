package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// TestConnect: CONNECT on the HTTP proxy port reaches services by all their names, and
// unknown addresses by the mode of the mesh.
func TestConnect(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.backend(0, 0)
	c := s.envoy(coastwise.Client{Locality: "eu/eu-1", Connect: true})
	s.write("shop.yaml", s.twoPortService("shop", []string{vip4, vip6}, 1))
	s.backend(3, 0)
	c.converge(c.predicted("shop.default:9000"))
	want, stranger := fmt.Sprintf("%s:%d", s.endpoint(0, 0), s.ports.Backend), fmt.Sprintf("%s:%d", s.endpoint(3, 0), s.ports.Backend)
	names := func() {
		for _, authority := range []string{
			"shop.default.svc.cluster.local:80", "shop:80", "shop.default:9000", "shop.default.svc:9000", vip4 + ":80", vip4 + ":9000", "[" + vip6 + "]:9000",
		} {
			c.tunnels(authority, want)
		}
		for _, authority := range []string{"nobody.example:80", "shop:81", "shop.other:80"} {
			if code, _, err := c.connect(authority); err != nil || code != http.StatusBadGateway {
				t.Errorf("CONNECT %s: %d %v, want 502", authority, code, err)
			}
		}
	}
	names()
	c.tunnels(stranger, stranger)
	out, err := exec.CommandContext(t.Context(), "curl", "-sS", "-p", "-m", "10", "-x", "http://"+c.flags.Proxy(), "http://shop.default:9000/").CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("curl -p: %v: %s", err, out)
	}
	if tally := c.send("shop.default", 20); len(tally.Failures) > 0 {
		t.Errorf("plain requests beside CONNECT: %s", tally.Failures[0].What)
	}
	s.write("mesh.yaml", mode("REGISTRY_ONLY"))
	await.Until(t, patience, func() string {
		code, got, err := c.connect(stranger)
		if got != "" || err == nil && code != http.StatusServiceUnavailable {
			return fmt.Sprintf("CONNECT to an unknown address: %d, answered by %q", code, got)
		}
		return ""
	})
	names()
}

// tunnels says that a request through a CONNECT is answered by an endpoint.
func (c *client) tunnels(authority, want string) {
	c.scene.t.Helper()
	await.Until(c.scene.t, patience, func() string {
		if code, got, err := c.connect(authority); err != nil || got != want {
			return fmt.Sprintf("CONNECT %s: %d, answered by %q, %v; want %s", authority, code, got, err, want)
		}
		return ""
	})
}

// connect opens a tunnel and asks through it who is there; the code is CONNECT's own.
func (c *client) connect(authority string) (code int, endpoint string, err error) {
	conn, err := net.DialTimeout("tcp", c.flags.Proxy(), answered)
	if err != nil {
		return 0, "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answered))
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", authority)
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
	if err != nil || resp.StatusCode != http.StatusOK {
		if resp != nil {
			code = resp.StatusCode
		}
		return code, "", err
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n")
	inner, err := http.ReadResponse(r, nil)
	if err != nil {
		return resp.StatusCode, "", err
	}
	return resp.StatusCode, inner.Header.Get(backend.EndpointHeader), inner.Body.Close()
}
