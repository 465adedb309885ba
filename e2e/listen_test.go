package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/backend"
)

// listening is Service default/l with a port of HTTP and one of TCP; both end at the
// backend of the first zone. annotations are in flow style.
func (s *scene) listening(annotations string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: l, annotations: {%s}}
spec: {ports: [{name: http, port: 80}, {name: db, port: 5432}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: l-1, labels: {kubernetes.io/service-name: l}}
addressType: IPv4
ports: [{name: http, port: %d}, {name: db, port: %d}]
endpoints: [{addresses: [%s], zone: eu-1}]
`, annotations, s.ports.Backend, s.ports.Backend, s.endpoint(0, 0))
}

// TestExplicitListeners: a listener with HTTP and one with TCP reach the backend, for
// any host, and go with the annotation; the HTTP proxy port never notices.
func TestExplicitListeners(t *testing.T) {
	s, c := oneService(t)
	// Of the scene's ports these two are free on the client's own address.
	routed := fmt.Sprintf("%s:%d", c.flags.Bind, s.ports.XDS)
	carried := fmt.Sprintf("%s:%d", c.flags.Bind, s.ports.Admin)
	g, phase := c.stream("a.default")
	s.write("l.yaml", s.listening(fmt.Sprintf(`networking.coastwise.dev/listen: "http=%d,db=%d"`, s.ports.XDS, s.ports.Admin)))
	want := fmt.Sprintf("%s:%d", s.endpoint(0, 0), s.ports.Backend)
	for _, at := range []string{routed, carried} {
		await.Until(t, patience, func() string {
			if got, err := endpointAt(at, "any.example"); err != nil || got != want {
				return fmt.Sprintf("%s reaches %q, %v, not %s", at, got, err, want)
			}
			return ""
		})
	}
	await.Until(t, patience, func() string {
		seen := logged(t, c.Output, func(line map[string]any) string {
			return fmt.Sprint(line["cluster"], " ", line["authority"], " ", line["zone"])
		})
		for _, want := range []string{
			"outbound|80||l.default.svc.cluster.local any.example eu-1",
			"outbound|5432||l.default.svc.cluster.local <nil> eu-1",
		} {
			if !slices.Contains(seen, want) {
				return fmt.Sprintf("the access log has no %q, but %q", want, seen)
			}
		}
		return ""
	})
	s.write("l.yaml", s.listening(""))
	for _, at := range []string{routed, carried} {
		await.Until(t, patience, func() string {
			if _, err := endpointAt(at, "any.example"); err == nil {
				return at + " still answers"
			}
			return ""
		})
	}
	unfailed(t, g, phase)
	if tally := c.send("l.default", 20); len(tally.Failures) > 0 {
		t.Errorf("by the HTTP proxy port: %s", tally.Failures[0].What)
	}
}

// endpointAt is the backend that answers a request at an address.
func endpointAt(address, host string) (string, error) {
	conn, err := net.DialTimeout("tcp", address, answered)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answered))
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	return resp.Header.Get(backend.EndpointHeader), resp.Body.Close()
}
