package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// asked is one request to the proxy for a tunnel.
type asked struct{ method, authority, proto string }

// proxy is the first endpoint of the first zone: an HTTP proxy that opens a tunnel
// for each CONNECT or POST, by HTTP/1.1 or HTTP/2, and notes every request.
func (s *scene) proxy(log chan<- asked) {
	s.t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", s.endpoint(0, 0), s.ports.Backend))
	if err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log <- asked{r.Method, r.Host, r.Proto}
		if r.Method == http.MethodGet {
			http.Error(w, "a proxy", http.StatusMethodNotAllowed)
			return
		}
		up, err := net.DialTimeout("tcp", r.Host, answered)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer up.Close()
		bridge(w, r, up)
	})}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(l)
	s.t.Cleanup(func() { server.Close() })
}

// bridge carries bytes both ways until either end is done. A CONNECT by HTTP/1.1
// takes the whole connection; all else are the bodies of request and response.
func bridge(w http.ResponseWriter, r *http.Request, up net.Conn) {
	if r.Method == http.MethodConnect && r.ProtoMajor == 1 {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(up, buffered)
		io.Copy(conn, up)
		return
	}
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	w.WriteHeader(http.StatusOK)
	control.Flush()
	go io.Copy(up, r.Body)
	buffer := make([]byte, 1024)
	for {
		n, err := up.Read(buffer)
		if _, failed := w.Write(buffer[:n]); err != nil || failed != nil || control.Flush() != nil {
			return
		}
	}
}

// echo answers every line; it counts who comes.
func echo(t *testing.T, address string) (at string, came *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	came = new(atomic.Int32)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			came.Add(1)
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String(), came
}

// echoed is what comes back for a line that a plain TCP client says.
func echoed(address, line string) (string, error) {
	conn, err := net.DialTimeout("tcp", address, answered)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answered))
	if _, err = fmt.Fprintln(conn, line); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

// tunnelScene is Service default/db with a TCP listener; its endpoint is a proxy, of
// which target is what a tunnel would reach.
func tunnelScene(t *testing.T) (s *scene, c *client, listener, target string, reached *atomic.Int32, log chan asked) {
	t.Helper()
	s = newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.write("db.yaml", fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: db, annotations: {networking.coastwise.dev/listen: "80=%d"}}
spec: {ports: [{name: http, appProtocol: tcp, port: 80}]}
---
`, s.ports.XDS)+manifest.Slice("default", "db", "db-1", s.ports.Backend, s.inFirstZone(1)))
	log = make(chan asked, 1000)
	s.proxy(log)
	target, reached = echo(t, s.endpoint(1, 0))
	c = s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	return s, c, fmt.Sprintf("%s:%d", c.flags.Bind, s.ports.XDS), target, reached, log
}

// TestTunnel: a plain TCP client reaches the target through the proxy, asked as the
// rule says; without the rule it talks to the proxy itself, and no request of the
// HTTP proxy port goes past the tunnel.
func TestTunnel(t *testing.T) {
	for _, c := range []struct{ name, protocol, also, method, proto string }{
		{"CONNECT is the default", "", "", "CONNECT", "HTTP/1.1"},
		{"CONNECT", "protocol: CONNECT, ", "", "CONNECT", "HTTP/1.1"},
		{"POST", "protocol: POST, ", "", "POST", "HTTP/1.1"},
		{"CONNECT by HTTP/2", "", ", connectionPool: {http: {h2UpgradePolicy: UPGRADE}}", "CONNECT", "HTTP/2.0"},
		{"POST by HTTP/2", "protocol: POST, ", ", connectionPool: {http: {h2UpgradePolicy: UPGRADE}}", "POST", "HTTP/2.0"},
		{"useClientProtocol is void", "", ", connectionPool: {http: {useClientProtocol: true}}", "CONNECT", "HTTP/1.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, client, listener, target, reached, log := tunnelScene(t)
			host, port, _ := net.SplitHostPort(target)
			await.Until(t, patience, func() string { // no rule yet: the proxy itself answers, in HTTP
				if got, err := echoed(listener, "GET / HTTP/1.0\r\n\r"); err != nil || got != "HTTP/1.0 405 Method Not Allowed\r\n" {
					return fmt.Sprintf("without a tunnel: %q, %v", got, err)
				}
				return ""
			})
			if got := <-log; got.method != "GET" || reached.Load() != 0 {
				t.Errorf("without a tunnel the proxy was asked %+v, and %d reached the target", got, reached.Load())
			}
			s.write("rule.yaml", manifest.Rule("default", "db", "db",
				fmt.Sprintf("{tunnel: {%stargetHost: %s, targetPort: %s}%s}", c.protocol, host, port, c.also)))
			await.Until(t, patience, func() string {
				if got, err := echoed(listener, "hello"); err != nil || got != "hello\n" {
					return fmt.Sprintf("through the tunnel: %q, %v", got, err)
				}
				return ""
			})
			if got, want := <-log, (asked{c.method, target, c.proto}); got != want || reached.Load() == 0 {
				t.Errorf("the proxy was asked %+v, not %+v", got, want)
			}
			for len(log) > 0 {
				<-log
			}
			if _, status, _ := client.get("db.default", "/", nil); status != http.StatusServiceUnavailable || len(log) > 0 {
				t.Errorf("a request is answered %d, and %d reached the proxy", status, len(log))
			}
		})
	}
}
