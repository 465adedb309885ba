package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// authority is a CA that was made for one test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	der  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.der = a.sign(template, template, a.key)
	cert, err := x509.ParseCertificate(a.der)
	if err != nil {
		t.Fatal(err)
	}
	a.cert = cert
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template, parent *x509.Certificate, of *ecdsa.PrivateKey) []byte {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &of.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

// issue makes a certificate for names, as PEM of chain and key.
func (a *authority) issue(names ...string) (chain, key []byte) {
	a.t.Helper()
	k := newKey(a.t)
	der := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, k)
	bare, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return encodePEM("CERTIFICATE", der), encodePEM("PRIVATE KEY", bare)
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// putSecret writes the file of a secret, as docs/manual.md has it.
func (s *scene) putSecret(name, body string) {
	s.t.Helper()
	content := `resources:
- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: ` + name + "\n" + body
	file := filepath.Join(s.secrets, name+".yaml")
	if err := os.WriteFile(file+".new", []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		s.t.Fatal(err)
	}
}

func inline(pem []byte) string {
	return "\n      inline_string: |\n        " + strings.ReplaceAll(strings.TrimSpace(string(pem)), "\n", "\n        ") + "\n"
}

// putCredential writes both files of a credential.
func (s *scene) putCredential(name string, ca *authority, chain, key []byte) {
	s.t.Helper()
	s.putSecret(name+"-ca", "  validation_context:\n    trusted_ca:"+inline(encodePEM("CERTIFICATE", ca.der)))
	s.putSecret(name, "  tls_certificate:\n    certificate_chain:"+inline(chain)+"    private_key:"+inline(key))
}

// putRoots writes the CA of a credential as the system's roots are: a file that the
// secret names, as docs/manual.md has it.
func (s *scene) putRoots(name string, ca *authority) {
	s.t.Helper()
	bundle := filepath.Join(s.t.TempDir(), "ca-certificates.crt")
	if err := os.WriteFile(bundle, encodePEM("CERTIFICATE", ca.der), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.putSecret(name+"-ca", "  validation_context:\n    trusted_ca: {filename: "+bundle+"}\n")
}

// encrypted starts the first endpoint of the first zone over TLS; it answers with
// the SNI and the client's name. config says what it asks of clients.
func (s *scene) encrypted(ca *authority, config *tls.Config, names ...string) {
	s.t.Helper()
	pair, err := tls.X509KeyPair(ca.issue(names...))
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
			ca := newAuthority(t)
			s := settingsScene(t, 1, "", "")
			config := &tls.Config{}
			if c.needsCert {
				pool := x509.NewCertPool()
				pool.AddCert(ca.cert)
				config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, pool
			}
			s.encrypted(ca, config, "web.default", "web")
			trusted := ca
			if c.otherCA {
				trusted = newAuthority(t)
			}
			chain, key := ca.issue("somebody")
			// The rule comes first: it waits for the files.
			s.write("rule.yaml", manifest.Rule("default", "web", "web", "{tls: "+c.tls+"}"))
			s.putCredential("web", trusted, chain, key)
			s.putRoots("roots", trusted)
			client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
			eventually(t, patience, func() string {
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
			eventually(t, patience, func() string {
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
