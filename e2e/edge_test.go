package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// edgeGateway is Gateway default/NAME of these listeners, in flow style.
func edgeGateway(name string, listeners ...string) string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: %s, namespace: default}
spec:
  gatewayClassName: coastwise
  listeners: [%s]
`, name, strings.Join(listeners, ", "))
}

// edgeRoute is HTTPRoute default/NAME of a Gateway; hosts and rules are in flow style.
func edgeRoute(name, gateway, hosts, rules string) string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %s, namespace: default}
spec:
  parentRefs: [{name: %s}]
  hostnames: %s
  rules: %s
`, name, gateway, hosts, rules)
}

// threeZones is a scene with Services spread and near over three zones.
func threeZones(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	layout := [3]layoutOf{{2, 0}, {1, 0}, {1, 0}}
	for zone, l := range layout {
		for n := range l.ready {
			s.backend(zone, n)
		}
	}
	s.write("spread.yaml", s.predictCase("spread", layout, "", "{distribute: [{from: eu/*, to: {eu/eu-1: 70, eu/eu-2: 20, us: 10}}]}", false))
	s.write("near.yaml", s.predictCase("near", layout, "", "{}", false))
	return s
}

// at is an address of the client's own.
func (c *client) at(port int) string { return fmt.Sprintf("%s:%d", c.flags.Bind, port) }

// sendTo sends n requests for a host to an address.
func sendTo(t *testing.T, address, host string, n int) traffic.Tally {
	t.Helper()
	g := traffic.Start(address, host, 4, 100000)
	phase := g.Begin(100000)
	await.Until(t, 2*patience, func() string {
		if sent, _ := phase.Counts(); sent < n {
			return fmt.Sprintf("%d of %d requests", sent, n)
		}
		return ""
	})
	g.Stop()
	return phase.Tally()
}

// statusAt is the status of one request on a connection of its own.
func statusAt(address, host string) (int, error) {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return ask(conn, host)
}

// ask sends one request on a connection and reads the answer.
func ask(conn net.Conn, host string) (int, error) {
	_ = conn.SetDeadline(time.Now().Add(answered))
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.Header.Get(backend.EndpointHeader) == "" && resp.StatusCode == http.StatusOK {
		return 0, fmt.Errorf("200 of no backend")
	}
	return resp.StatusCode, nil
}

// answers waits until a request is answered with a status.
func answers(t *testing.T, address, host string, want int) {
	t.Helper()
	await.Until(t, patience, func() string {
		if got, err := statusAt(address, host); err != nil || got != want {
			return fmt.Sprintf("%s at %s: %d, %v, want %d", host, address, got, err, want)
		}
		return ""
	})
}

// TestEdgeGateway: an Envoy is an ingress with locality to its backends; what is wrong
// fails where it is wrong, and another Gateway is another's.
func TestEdgeGateway(t *testing.T) {
	s := threeZones(t)
	port, second := s.ports.XDS, s.ports.Admin // free on the clients' own addresses
	edge := s.envoy(coastwise.Client{Kind: "gateway", Gateway: "default/edge", Locality: "eu/eu-1"})
	other := s.envoy(coastwise.Client{Kind: "gateway", Gateway: "default/other", Locality: "eu/eu-2"})
	if _, err := statusAt(edge.at(port), "spread.example"); err == nil {
		t.Fatal("it listens for a Gateway that is not there")
	}
	s.write("routes.yaml", manifest.Join(
		edgeRoute("spread", "edge", "[spread.example]", "[{backendRefs: [{name: spread, port: 80}]}]"),
		edgeRoute("near", "edge", "['*.near.example']", "[{backendRefs: [{name: near, port: 80}]}]"),
		edgeRoute("half", "edge", "[half.example]", "[{backendRefs: [{name: near, port: 80, weight: 3}, {name: gone, port: 80, weight: 1}]}]"),
		edgeRoute("other", "other", "[other.example]", "[{backendRefs: [{name: near, port: 80}]}]"),
	))
	s.write("edge.yaml", edgeGateway("edge", fmt.Sprintf("{name: web, port: %d, protocol: HTTP}", port)))
	s.write("other.yaml", edgeGateway("other", fmt.Sprintf("{name: web, port: %d, protocol: HTTP}", port)))
	answers(t, edge.at(port), "spread.example", 200)
	answers(t, other.at(port), "other.example", 200)
	for host, service := range map[string]string{"spread.example": "spread", "a.near.example": "near", "a.near.example:1234": "near"} {
		cluster := edge.predicted(service + ".default:80")
		edge.converge(cluster)
		tally := sendTo(t, edge.at(port), host, requests)
		if len(tally.Failures) > 0 {
			t.Fatalf("%s: %d failed: %s", host, len(tally.Failures), tally.Failures[0].What)
		}
		compare(t, cluster.Shares(), tally.ByEndpoint, tally.Requests)
	}
	answers(t, edge.at(port), "near.example", 404)
	answers(t, edge.at(port), "other.example", 404)
	answers(t, other.at(port), "spread.example", 404)
	tally := sendTo(t, edge.at(port), "half.example", 2000)
	if share := 100 * float64(len(tally.Failures)) / float64(tally.Requests); share < 20 || share > 30 {
		t.Errorf("%.1f %% failed, of a missing backend of 25 %%", share)
	}
	if what := tally.Failures[0].What; !strings.Contains(what, "500") {
		t.Errorf("a missing backend: %s", what)
	}
	s.editsLeaveConnections(t, edge, port, second)
}

// editsLeaveConnections: routes and listeners change while a connection is open.
func (s *scene) editsLeaveConnections(t *testing.T, edge *client, port, second int) {
	open, err := net.Dial("tcp", edge.at(port))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if status, err := ask(open, "spread.example"); status != 200 {
		t.Fatal(status, err)
	}
	s.write("edge.yaml", edgeGateway("edge", fmt.Sprintf("{name: web, port: %d, protocol: HTTP}", port),
		fmt.Sprintf("{name: more, port: %d, protocol: HTTP}", second), fmt.Sprintf("{name: new, port: %d, protocol: HTTP, hostname: new.example}", port)))
	s.write("new.yaml", edgeRoute("new", "edge", "[new.example]", "[{backendRefs: [{name: near, port: 80}]}]"))
	answers(t, edge.at(second), "spread.example", 200)
	answers(t, edge.at(port), "new.example", 200)
	for _, host := range []string{"spread.example", "new.example"} {
		if status, err := ask(open, host); status != 200 {
			t.Errorf("%s on the connection that was open: %d, %v", host, status, err)
		}
	}
	s.write("edge.yaml", edgeGateway("edge", fmt.Sprintf("{name: web, port: %d, protocol: HTTP}", port)))
	await.Until(t, patience, func() string {
		if _, err := statusAt(edge.at(second), "spread.example"); err == nil {
			return "the listener that was taken away still answers"
		}
		return ""
	})
	if status, err := ask(open, "spread.example"); status != 200 {
		t.Errorf("on the connection that was open: %d, %v", status, err)
	}
}

// dialTLS shakes hands by SNI, and returns the names in the certificate.
func dialTLS(address, sni string, roots *x509.CertPool) (*tls.Conn, []string, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 2 * time.Second}, "tcp", address,
		&tls.Config{ServerName: sni, RootCAs: roots, NextProtos: []string{"http/1.1"}})
	if err != nil {
		return nil, nil, err
	}
	return conn, conn.ConnectionState().PeerCertificates[0].DNSNames, nil
}

// TestEdgeHTTPS: each host has its certificate, which follows its file; a listener
// without one takes nothing from the others; a host of another listener is misdirected.
func TestEdgeHTTPS(t *testing.T) {
	s := threeZones(t)
	port := s.ports.XDS
	ca := authority.ForTest(t)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Cert)
	put := func(name string, names ...string) {
		chain, key := ca.Issue(names...)
		if err := authority.WriteCertificate(s.secrets, "default."+name, chain, key); err != nil {
			t.Fatal(err)
		}
	}
	put("a", "a.example")
	put("wild", "*.wild.example")
	listener := func(name, host string) string {
		return fmt.Sprintf("{name: %s, port: %d, protocol: HTTPS, hostname: '%s', tls: {certificateRefs: [{name: %s}]}}", name, port, host, name)
	}
	s.write("edge.yaml", manifest.Join(
		edgeGateway("edge", listener("a", "a.example"), listener("wild", "*.wild.example"), listener("late", "late.example")),
		edgeRoute("all", "edge", "[a.example, b.wild.example, late.example]", "[{backendRefs: [{name: near, port: 80}]}]")))
	edge := s.envoy(coastwise.Client{Kind: "gateway", Gateway: "default/edge", Locality: "eu/eu-1"})
	shows := func(sni, want string) *tls.Conn {
		var conn *tls.Conn
		await.Until(t, patience, func() string {
			c, names, err := dialTLS(edge.at(port), sni, roots)
			if err != nil {
				return fmt.Sprintf("%s: %v", sni, err)
			}
			if names[len(names)-1] != want {
				c.Close()
				return fmt.Sprintf("%s: certificate of %v, not %s", sni, names, want)
			}
			conn = c
			return ""
		})
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	open := shows("a.example", "a.example")
	for host, want := range map[string]int{"a.example": 200, "b.wild.example": 421, "nobody.example": 404} {
		if status, err := ask(open, host); status != want {
			t.Errorf("%s: %d, %v, want %d", host, status, err, want)
		}
	}
	if status, err := ask(shows("b.wild.example", "*.wild.example"), "b.wild.example"); status != 200 {
		t.Errorf("%d, %v", status, err)
	}
	for _, sni := range []string{"late.example", "nobody.example"} {
		if _, names, err := dialTLS(edge.at(port), sni, roots); err == nil {
			t.Errorf("%s is shown a certificate of %v", sni, names)
		}
	}
	put("a", "a.example", "renewed.example")
	shows("a.example", "renewed.example")
	put("late", "late.example")
	if status, err := ask(shows("late.example", "late.example"), "late.example"); status != 200 {
		t.Errorf("%d, %v", status, err)
	}
	if status, err := ask(open, "a.example"); status != 200 {
		t.Errorf("on the connection that was open before the other listener came: %d, %v", status, err)
	}
}

// TestEdgeRedirect: plain requests are sent to HTTPS, whose port goes without saying.
func TestEdgeRedirect(t *testing.T) {
	s := threeZones(t)
	port := s.ports.XDS
	s.write("edge.yaml", manifest.Join(edgeGateway("edge", fmt.Sprintf("{name: web, port: %d, protocol: HTTP}", port)),
		edgeRoute("exact", "edge", "[a.example]", "[{filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}]}]"),
		edgeRoute("wild", "edge", "['*.b.example']", "[{filters: [{type: RequestRedirect, requestRedirect: {scheme: https, port: 8443}}]}]"),
		edgeRoute("own", "edge", "[c.example]", "[{filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /new}}}]}]")))
	edge := s.envoy(coastwise.Client{Kind: "gateway", Gateway: "default/edge", Locality: "eu/eu-1"})
	answers(t, edge.at(port), "a.example", 301)
	for host, want := range map[string]string{
		"a.example":                      "https://a.example/",
		fmt.Sprint("a.example:", port):   "https://a.example/",
		fmt.Sprint("x.b.example:", port): "https://x.b.example:8443/",
		"c.example":                      fmt.Sprintf("http://c.example:%d/new", port),
	} {
		conn, err := net.Dial("tcp", edge.at(port))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		conn.Close()
		if err != nil || resp.Header.Get("Location") != want {
			t.Errorf("%s: %q, %v, want %q", host, resp.Header.Get("Location"), err, want)
		}
	}
}
