package auth

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/coastwise/coastwise/controlplane/auth/authtest"
)

const web = "spiffe://cluster.local/ns/shop/sa/web"

// shake lets a client of this config shake hands with a server, and says what each
// found: the server is done when it has heard one byte.
func shake(t *testing.T, server, client *tls.Config) (serverErr, clientErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		raw, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer raw.Close()
		conn := tls.Server(raw, server)
		if err = conn.Handshake(); err == nil {
			_, err = conn.Write([]byte("x"))
		}
		done <- err
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1)) // TLS 1.3: a refusal comes after the client's handshake
	}
	return <-done, err
}

func TestHandshake(t *testing.T) {
	ours, theirs := authtest.NewCA(t), authtest.NewCA(t)
	dir := t.TempDir()
	ours.Write(dir)
	keys := must(NewKeys(filesIn(dir), slog.Default()))(t)
	domain := must(TrustDomain("cluster.local"))(t)
	for name, c := range map[string]struct {
		ca      *authtest.CA
		uris    []string
		until   time.Duration
		none    bool // no certificate
		tokens  bool // the server takes tokens too
		version uint16
		want    string // the server's error
		reason  Reason // counted
	}{
		"right":                {ca: ours, uris: []string{web}},
		"with tokens":          {ca: ours, uris: []string{web}, tokens: true},
		"none":                 {none: true, want: "didn't provide a certificate"},
		"none, with tokens":    {none: true, tokens: true},
		"another CA":           {ca: theirs, uris: []string{web}, want: "unknown authority"},
		"another CA, tokens":   {ca: theirs, uris: []string{web}, tokens: true, want: "unknown authority"},
		"expired":              {ca: ours, uris: []string{web}, until: -time.Minute, want: "expired"},
		"another trust domain": {ca: ours, uris: []string{"spiffe://elsewhere/ns/shop/sa/web"}, want: `trust domain "elsewhere", not of "cluster.local"`, reason: BadCertificate},
		"no URI":               {ca: ours, tokens: true, want: "has 0 URIs", reason: BadCertificate},
		"two URIs":             {ca: ours, uris: []string{web, web}, want: "has 2 URIs", reason: BadCertificate},
		"no SPIFFE id":         {ca: ours, uris: []string{"https://cluster.local/ns/shop/sa/web"}, want: "no SPIFFE id", reason: BadCertificate},
		"another path":         {ca: ours, uris: []string{"spiffe://cluster.local/shop/web"}, want: "is not spiffe://cluster.local/ns/NAMESPACE", reason: BadCertificate},
		"a longer path":        {ca: ours, uris: []string{web + "/x"}, want: "is not spiffe://", reason: BadCertificate},
		"TLS 1.2":              {ca: ours, uris: []string{web}, version: tls.VersionTLS12, want: "unsupported versions"},
	} {
		t.Run(name, func(t *testing.T) {
			metrics := NewMetrics()
			client := &tls.Config{InsecureSkipVerify: true, MaxVersion: c.version}
			if !c.none {
				pair, err := tls.X509KeyPair(c.ca.Issue(time.Now().Add(orHour(c.until)), c.uris...))
				if err != nil {
					t.Fatal(err)
				}
				// Shown even if the server would not take it.
				client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
			}
			serverErr, clientErr := shake(t, keys.Server(domain, c.tokens, metrics), client)
			if c.want == "" && (serverErr != nil || clientErr != nil) {
				t.Fatalf("server %v, client %v", serverErr, clientErr)
			}
			if c.want != "" && (serverErr == nil || !strings.Contains(serverErr.Error(), c.want) || clientErr == nil) {
				t.Fatalf("server %v, client %v; want %q", serverErr, clientErr, c.want)
			}
			if c.reason != "" {
				if n := figures(t, metrics.Collectors()...)["coastwise_unverified_total "+string(c.reason)]; n != 1 {
					t.Errorf("counted %v times", n)
				}
			}
		})
	}
}

func orHour(d time.Duration) time.Duration {
	if d == 0 {
		return time.Hour
	}
	return d
}

// The CA of clients is that of now: a former one is trusted no longer.
func TestTheClientCARotates(t *testing.T) {
	former, next := authtest.NewCA(t), authtest.NewCA(t)
	dir := t.TempDir()
	former.Write(dir)
	keys := must(NewKeys(filesIn(dir), slog.Default()))(t)
	server := keys.Server(must(TrustDomain("cluster.local"))(t), false, NewMetrics())
	pair := must(tls.X509KeyPair(former.Issue(time.Now().Add(time.Hour), web)))(t)
	client := &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	if serverErr, clientErr := shake(t, server, client); serverErr != nil || clientErr != nil {
		t.Fatal(serverErr, clientErr)
	}
	write(t, filepath.Join(dir, "ca.crt"), next.PEM())
	if serverErr, _ := shake(t, server, client); serverErr == nil {
		t.Error("the former CA is still trusted, or the session was resumed")
	}
}

// Our client takes only a server with a certificate by the CA of now and for the name.
func TestClientVerifiesTheServer(t *testing.T) {
	ca, other := authtest.NewCA(t), authtest.NewCA(t)
	serverDir, clientDir := t.TempDir(), t.TempDir()
	ca.Write(serverDir)
	ca.Write(clientDir, web)
	server := must(NewKeys(filesIn(serverDir), slog.Default()))(t).Server(must(TrustDomain("cluster.local"))(t), false, NewMetrics())
	keys := must(NewKeys(filesIn(clientDir), slog.Default()))(t)
	if serverErr, err := shake(t, server, keys.Client("localhost")); err != nil || serverErr != nil {
		t.Errorf("right: %v %v", err, serverErr)
	}
	if _, err := shake(t, server, keys.Client("coastwise.example")); err == nil || !strings.Contains(err.Error(), "coastwise.example") {
		t.Errorf("another name: %v", err)
	}
	if _, err := shake(t, server, keys.Client("")); err == nil {
		t.Error("no name")
	}
	write(t, filepath.Join(clientDir, "ca.crt"), other.PEM())
	if _, err := shake(t, server, keys.Client("localhost")); err == nil {
		t.Error("another CA")
	} else if !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("another CA: %v", err)
	}
}

// A certificate for clients alone makes no server, whatever name it has; nor is one
// spoken to by an older TLS.
func TestClientWantsAServersCertificate(t *testing.T) {
	ca, dir := authtest.NewCA(t), t.TempDir()
	ca.Write(dir, web)
	client := must(NewKeys(filesIn(dir), slog.Default()))(t).Client("localhost")
	for name, c := range map[string]struct {
		usage x509.ExtKeyUsage
		most  uint16
		want  string // the client's error
	}{
		"a server":          {x509.ExtKeyUsageServerAuth, 0, ""},
		"a client":          {x509.ExtKeyUsageClientAuth, 0, "incompatible key usage"},
		"a server, TLS 1.2": {x509.ExtKeyUsageServerAuth, tls.VersionTLS12, "protocol version"},
	} {
		pair := must(tls.X509KeyPair(ca.IssueFor([]x509.ExtKeyUsage{c.usage}, time.Now().Add(time.Hour), web)))(t)
		_, err := shake(t, &tls.Config{Certificates: []tls.Certificate{pair}, MaxVersion: c.most}, client)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestKeysHaveFigures(t *testing.T) {
	dir, f := folder(t)
	keys := must(NewKeys(f, slog.Default()))(t)
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := figures(t, keys)
	left := time.Until(time.Unix(int64(got["coastwise_certificate_expiry_seconds certificate"]), 0))
	if left < 25*time.Minute || left > 31*time.Minute {
		t.Errorf("the certificate expires in %v", left)
	}
	if got["coastwise_certificate_broken certificate"] != 0 || got["coastwise_certificate_broken ca"] != 1 {
		t.Errorf("%v", got)
	}
}

// figures are the values of collectors by name and first label.
func figures(t *testing.T, collectors ...prometheus.Collector) map[string]float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors...)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			got[family.GetName()+" "+m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return got
}
