package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// TestCaptureUpdates: connections that are captured survive every update of others, and
// Envoy drains the chains that changed and no other.
func TestCaptureUpdates(t *testing.T) {
	if !inside(t) {
		return
	}
	c := newCaptureScene(t, map[string]string{"nodes.yaml": manifest.Node("node-eu-1", "eu", "eu-1")})
	c.backend(0, 0)
	at := fmt.Sprintf("%s:%d", c.endpoint(0, 0), c.ports.Backend)
	c.write("shop.yaml", c.twoPortService("shop", []string{vip4}, 1))
	c.write("other.yaml", c.twoPortService("other", []string{"10.96.0.20"}, 1))
	c.start("")
	documented(t, "capture-on")
	c.answers(c.app, "http://"+vip4+":9000/", at)
	c.answers(c.app, "http://10.96.0.20/", at)
	var held []*heldConn
	for _, address := range []string{vip4 + ":80", vip4 + ":9000", "10.96.0.20:80"} {
		held = append(held, hold(t, address))
	}
	rule := func(service, policy string) string { return manifest.Rule("default", service, service, policy) }
	// The listeners are capture and outbound, so each chain stands twice; draining ones add up.
	for _, update := range []struct {
		what, file, content string
		draining            int
		done                func() bool
	}{
		{"a service comes", "new.yaml", c.twoPortService("new", []string{"10.96.0.30"}, 1), 0, c.has("outbound|9000||new.default.svc.cluster.local")},
		{"another TCP service has another idle timeout", "rule.yaml", rule("new", "{connectionPool: {tcp: {idleTimeout: 300s}}}"), 2, nil},
		{"routes of a service change", "route.yaml", rule("shop", "{portLevelSettings: [{port: {number: 80}, loadBalancer: {consistentHash: {httpHeaderName: x-user}}}]}"), 2, c.has("x-user")},
		{"a service goes", "new.yaml", "# gone\n", 6, nil},
	} {
		before := c.stat("listener_manager.listener_in_place_updated")
		c.write(update.file, update.content)
		await.Until(t, patience, func() string {
			if update.done == nil && c.stat("listener_manager.listener_in_place_updated") == before {
				return update.what + ": no listener was updated"
			}
			if update.done != nil && !update.done() {
				return update.what + ": Envoy does not have it"
			}
			if n := c.stat("listener_manager.total_filter_chains_draining"); n != update.draining {
				return fmt.Sprintf("%s: %d chains are draining, not %d", update.what, n, update.draining)
			}
			return ""
		})
		if n := c.stat("listener_manager.total_listeners_draining"); n != 0 {
			t.Errorf("%s: %d listeners are draining", update.what, n)
		}
		for _, h := range held {
			h.ask(t, update.what, at)
		}
	}
}

// has says whether some text stands in what the sidecar holds.
func (c *captureScene) has(text string) func() bool {
	return func() bool {
		body, err := c.Get(c.t.Context(), "/config_dump?resource=dynamic_route_configs")
		clusters, other := c.Get(c.t.Context(), "/clusters")
		return err == nil && other == nil && (strings.Contains(string(body), text) || strings.Contains(string(clusters), text))
	}
}

// heldConn is one connection that stays.
type heldConn struct {
	address string
	conn    net.Conn
	r       *bufio.Reader
}

func hold(t *testing.T, address string) *heldConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &heldConn{address, conn, bufio.NewReader(conn)}
}

// ask sends one more request, which is answered and leaves the connection open.
func (h *heldConn) ask(t *testing.T, after, want string) {
	t.Helper()
	_ = h.conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(h.conn, "GET / HTTP/1.1\r\nHost: any.example\r\n\r\n")
	resp, err := http.ReadResponse(h.r, nil)
	if err != nil {
		t.Errorf("%s: the connection to %s is lost: %v", after, h.address, err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	if got := resp.Header.Get(backend.EndpointHeader); got != want || resp.Close {
		t.Errorf("%s: %s is answered by %q, and closes the connection: %v", after, h.address, got, resp.Close)
	}
}
