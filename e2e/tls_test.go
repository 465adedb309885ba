package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// encrypted starts the first endpoint of the first zone over TLS; it answers with
// the SNI and the client's name. config says what it asks of clients.
func (s *scene) encrypted(ca *authority.Authority, config *tls.Config, names ...string) {
	s.t.Helper()
	pair, err := tls.X509KeyPair(ca.Issue(names...))
	if err != nil {
		s.t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{pair}
	config.NextProtos = []string{"h2", "http/1.1"}
	l, err := tls.Listen("tcp", fmt.Sprintf("%s:%d", s.endpoint(0, 0), s.ports.Backend), config)
	if err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Sni", r.TLS.ServerName)
		w.Header().Set("X-Proto", r.Proto)
		if len(r.TLS.PeerCertificates) > 0 {
			w.Header().Set("X-Client", r.TLS.PeerCertificates[0].Subject.CommonName)
		}
	})}
	go server.Serve(l)
	s.t.Cleanup(func() { server.Close() })
}

// TLS to the endpoints: who is let in, what is said in the handshake, and that a
// wrong name, a wrong CA and a missing certificate keep requests out.
func TestTLS(t *testing.T) {
	for _, c := range []struct {
		name, tls  string
		needsCert  bool
		otherCA    bool
		status     int
		sni, calls string // what the endpoint sees
	}{
		{"named", "{mode: SIMPLE, credentialName: web, subjectAltNames: [web.default], sni: front.example}", false, false, 200, "front.example", ""},
		{"a wrong name", "{mode: SIMPLE, credentialName: web, subjectAltNames: [other.default]}", false, false, 503, "", ""},
		{"the request's host", "{mode: SIMPLE, credentialName: web}", false, false, 200, "web.default", ""},
		{"a wrong CA", "{mode: SIMPLE, credentialName: web}", false, true, 503, "", ""},
		{"not verified", "{mode: SIMPLE, insecureSkipVerify: true}", false, true, 200, "web.default", ""},
		{"no certificate", "{mode: SIMPLE, credentialName: web}", true, false, 503, "", ""},
		{"the roots of a file", "{mode: SIMPLE, credentialName: roots}", false, false, 200, "web.default", ""},
		{"the roots of a file, a wrong CA", "{mode: SIMPLE, credentialName: roots}", false, true, 503, "", ""},
		{"mutual", "{mode: MUTUAL, credentialName: web}", true, false, 200, "web.default", "somebody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ca := authority.ForTest(t)
			s := settingsScene(t, 1, "", "")
			config := &tls.Config{}
			if c.needsCert {
				pool := x509.NewCertPool()
				pool.AddCert(ca.Cert)
				config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, pool
			}
			s.encrypted(ca, config, "web.default", "web")
			trusted := ca
			if c.otherCA {
				trusted = authority.ForTest(t)
			}
			chain, key := ca.Issue("somebody")
			// The rule comes first: it waits for the files.
			s.write("rule.yaml", manifest.Rule("default", "web", "web", "{tls: "+c.tls+"}"))
			if err := trusted.WriteCredential(s.secrets, "web", chain, key); err != nil {
				t.Fatal(err)
			}
			if err := trusted.WriteRoots(s.secrets, "roots", t.TempDir()+"/ca-certificates.crt"); err != nil {
				t.Fatal(err)
			}
			client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
			await.Until(t, patience, func() string {
				_, status, answer := client.get("web.default", "/", nil)
				switch {
				case status != c.status:
					return fmt.Sprintf("%d, want %d", status, c.status)
				case answer.Get("X-Sni") != c.sni || answer.Get("X-Client") != c.calls:
					return fmt.Sprintf("SNI %q, client %q", answer.Get("X-Sni"), answer.Get("X-Client"))
				case status == 503 && client.stat("ssl.fail_verify_error") == "0" && client.stat("ssl.connection_error") == "0" && client.stat("upstream_cx_connect_fail") == "0" && !c.needsCert:
					return "no handshake has failed"
				}
				return ""
			})
		})
	}
}

// A PROXY header comes before everything, in the version that is written.
func TestProxyProtocol(t *testing.T) {
	for _, c := range []struct{ name, policy, starts string }{
		{"V1", "{proxyProtocol: {}}", "PROXY TCP4 "},
		{"V2", "{proxyProtocol: {version: V2}}", "\r\n\r\n\x00\r\nQUIT\n"},
		{"before the handshake", "{proxyProtocol: {version: V1}, tls: {mode: SIMPLE, insecureSkipVerify: true}}", "PROXY TCP4 "},
		{"none", "{loadBalancer: {simple: RANDOM}}", "GET / HTTP/1.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := settingsScene(t, 1, c.policy, "")
			l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", s.endpoint(0, 0), s.ports.Backend))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			first := make(chan string, 100)
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					conn.SetDeadline(time.Now().Add(3 * time.Second))
					begin, _ := bufio.NewReader(conn).Peek(len(c.starts))
					conn.Close()
					select {
					case first <- string(begin):
					default:
					}
				}
			}()
			client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
			await.Until(t, patience, func() string {
				client.get("web.default", "/", nil)
				select {
				case got := <-first:
					if got != c.starts {
						t.Fatalf("the connection begins with %q, not %q", got, c.starts)
					}
					return ""
				case <-time.After(time.Second):
					return "nobody connects"
				}
			})
		})
	}
}
