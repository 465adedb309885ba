package auth

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"github.com/coastwise/coastwise/controlplane/auth/authtest"
)

// Who sends an HTTPS request: by certificate, by token, by both, by neither.
func TestFromRequest(t *testing.T) {
	ca := authtest.NewCA(t)
	dir := t.TempDir()
	ca.Write(dir)
	keys := must(NewKeys(filesIn(dir), slog.Default()))(t)
	domain := must(TrustDomain("cluster.local"))(t)
	d := &desk{says: authtest.Bound("coastwise", "shop", "web", "web-1", "uid-1", "node-1")}
	metrics := NewMetrics()
	tokens := NewTokens(d, "coastwise", slog.Default(), metrics)
	token := jwt("coastwise", time.Now().Add(time.Hour))
	tokenFile := filepath.Join(t.TempDir(), "token")
	write(t, tokenFile, []byte(token+"\n"))
	const whole = "{shop web web-1 uid-1 node-1}"
	for name, c := range map[string]struct {
		cert   string // its URI
		header []string
		domain spiffeid.TrustDomain
		tokens *Tokens
		status int
		body   string
	}{
		"certificate":          {cert: web, domain: domain, tokens: tokens, status: 200, body: "{shop web   }"},
		"token":                {header: []string{"Bearer " + token}, domain: domain, tokens: tokens, status: 200, body: whole},
		"from a file":          {header: []string{"file"}, tokens: tokens, status: 200, body: whole},
		"small letters":        {header: []string{"bearer " + token}, tokens: tokens, status: 200, body: whole},
		"both":                 {cert: web, header: []string{"Bearer " + token}, domain: domain, tokens: tokens, status: 200, body: whole},
		"both, two accounts":   {cert: "spiffe://cluster.local/ns/shop/sa/db", header: []string{"Bearer " + token}, domain: domain, tokens: tokens, status: 401, body: "two service accounts"},
		"neither":              {domain: domain, tokens: tokens, status: 401, body: "neither"},
		"two tokens":           {header: []string{"Bearer " + token, "Bearer " + token}, tokens: tokens, status: 401, body: "more than one"},
		"another scheme":       {header: []string{"Basic " + token}, tokens: tokens, status: 401, body: "not Bearer TOKEN"},
		"tokens are not taken": {cert: web, header: []string{"Bearer " + token}, domain: domain, status: 401, body: "tokens are not taken"},
		"nobody may":           {header: []string{"Bearer " + token}, tokens: tokens, status: 403, body: "not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			v := &Verifier{Domain: c.domain, Tokens: c.tokens, Metrics: metrics}
			server := httptest.NewUnstartedServer(v.Require(func(Identity) bool { return name != "nobody may" },
				http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					id, err := v.FromRequest(r)
					fmt.Fprint(w, id, err)
				})))
			server.TLS = keys.Server(domain, true, metrics)
			server.StartTLS()
			defer server.Close()
			client := &tls.Config{InsecureSkipVerify: true}
			if c.cert != "" {
				client.Certificates = []tls.Certificate{must(tls.X509KeyPair(ca.Issue(time.Now().Add(time.Hour), c.cert)))(t)}
			}
			r := must(http.NewRequest(http.MethodGet, server.URL, nil))(t)
			r.Header["Authorization"] = c.header
			if name == "from a file" {
				if err := Authorize(r, tokenFile); err != nil {
					t.Fatal(err)
				}
			}
			transport := &http.Transport{TLSClientConfig: client}
			defer transport.CloseIdleConnections()
			answer := must((&http.Client{Transport: transport}).Do(r))(t)
			defer answer.Body.Close()
			body := string(must(io.ReadAll(answer.Body))(t))
			if answer.StatusCode != c.status || !strings.Contains(body, c.body) {
				t.Errorf("%d %s", answer.StatusCode, body)
			}
		})
	}
	v := &Verifier{Tokens: tokens, Metrics: metrics}
	plain := httptest.NewRequest(http.MethodGet, "http://x/", nil)
	plain.Header.Set("Authorization", "Bearer "+token)
	if _, err := v.FromRequest(plain); reasonOf(err) != NoProof {
		t.Errorf("a token over plaintext: %v", err)
	}
}

// A connection may outlive the certificate that it began with: the next stream on it
// is refused.
func TestACertificateThatHasExpiredSince(t *testing.T) {
	ca := authtest.NewCA(t)
	pair := must(tls.X509KeyPair(ca.Issue(time.Now().Add(-time.Second), web)))(t)
	leaf := pair.Leaf
	state := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf}}}
	v := &Verifier{Domain: must(TrustDomain("cluster.local"))(t), Metrics: NewMetrics()}
	if _, err := v.verify(t.Context(), state, nil); reasonOf(err) != BadCertificate {
		t.Errorf("got %v", err)
	}
}

func TestTrustDomain(t *testing.T) {
	for _, bad := range []string{"", "Cluster.Local", "spiffe://cluster.local", "a/b", "a b"} {
		if _, err := TrustDomain(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
