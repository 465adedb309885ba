package controlplane

import (
	"crypto/tls"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/controlplane/auth/authtest"
)

// TestThePeerPortIsForReplicas: who is not of coastwise's own account is answered
// nothing there, whatever proves who that is.
func TestThePeerPortIsForReplicas(t *testing.T) {
	ca, stranger, dir, peer := authtest.NewCA(t), authtest.NewCA(t), t.TempDir(), freeAddress(t)
	ca.Write(dir)
	in := func(name string) string { return filepath.Join(dir, name) }
	r := start(t, Config{
		From:    []string{folder(t, samples(t), 100)},
		Replica: ReplicaConfig{Namespace: "ours", Name: "cw-0", Peer: peer},
		Clients: ClientsConfig{Cert: in("tls.crt"), Key: in("tls.key"), CA: in("ca.crt")},
	})
	defer r.stop()
	for name, c := range map[string]struct {
		by   *authtest.CA
		uri  string
		want string // the answer's status, or the error
	}{
		"a replica":               {ca, "spiffe://cluster.local/ns/ours/sa/coastwise", "200 OK"},
		"another namespace's":     {ca, "spiffe://cluster.local/ns/shop/sa/coastwise", "403 Forbidden"},
		"another account":         {ca, "spiffe://cluster.local/ns/ours/sa/default", "403 Forbidden"},
		"the default namespace's": {ca, "spiffe://cluster.local/ns/coastwise-system/sa/coastwise", "403 Forbidden"},
		"another trust domain":    {ca, "spiffe://elsewhere/ns/ours/sa/coastwise", "bad certificate"},
		"another CA":              {stranger, "spiffe://cluster.local/ns/ours/sa/coastwise", "unknown certificate authority"},
		"nobody":                  {nil, "", "certificate required"},
	} {
		if got := askPeer(t, "https://"+peer, c.by, c.uri); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := askPeer(t, "http://"+peer, nil, ""); !strings.Contains(got, "400 Bad Request") {
		t.Errorf("plaintext: %q", got)
	}
}

// askPeer asks for the proxies, with a certificate of a CA if there is one, and says
// how it ended.
func askPeer(t *testing.T, base string, by *authtest.CA, uri string) string {
	t.Helper()
	config := &tls.Config{InsecureSkipVerify: true}
	if by != nil {
		pair, err := tls.X509KeyPair(by.Issue(time.Now().Add(time.Hour), uri))
		if err != nil {
			t.Fatal(err)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	answer, err := client.Get(base + "/peer/v1/proxies")
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return answer.Status + " " + string(body)
}
