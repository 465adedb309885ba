package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// serverName is what the certificate of the xDS port is for.
const serverName = "coastwise.test"

// put replaces a file at once, as whoever rotates it does.
func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".next", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".next", path); err != nil {
		t.Fatal(err)
	}
}

// issue writes tls.crt and tls.key for a SPIFFE id and the server's name, and ca.crt.
func issue(t *testing.T, ca *authority.Authority, dir, id string) {
	t.Helper()
	h := authority.Holder{DNS: []string{serverName}}
	if id != "" {
		uri, err := url.Parse(id)
		if err != nil {
			t.Fatal(err)
		}
		h.URIs = []*url.URL{uri}
	}
	chain, key := ca.IssueTo(h)
	put(t, filepath.Join(dir, "tls.key"), key)
	put(t, filepath.Join(dir, "tls.crt"), chain)
	put(t, filepath.Join(dir, "ca.crt"), ca.PEM())
}

// again serves with other flags.
func (s *scene) again(flags ...string) {
	s.t.Helper()
	s.server.Stop(5 * time.Second)
	s.serveFlags = flags
	s.serve()
}

func serverTLS(dir string, more ...string) []string {
	in := func(name string) string { return filepath.Join(dir, name) }
	return append([]string{"--tls-cert", in("tls.crt"), "--tls-key", in("tls.key")}, more...)
}

// byCertificate are the flags of a bootstrap whose client shows a certificate.
func byCertificate(dir, sds string) []string {
	in := func(name string) string { return filepath.Join(dir, name) }
	return []string{"--ca", in("ca.crt"), "--cert", in("tls.crt"), "--key", in("tls.key"), "--server-name", serverName, "--sds-dir", sds}
}

// told is what a path of coastwise's admin port answers, "" if nobody does.
func (s *scene) told(path string) string {
	ctx, cancel := context.WithTimeout(s.t.Context(), answered)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.server.Admin+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return ""
	}
	return string(body)
}

// tells waits until a path of the admin port has a line or word.
func (s *scene) tells(path, word string) {
	s.t.Helper()
	await.Until(s.t, patience, func() string {
		if body := s.told(path); !strings.Contains(body, word) {
			return fmt.Sprintf("%s lacks %q", path, word)
		}
		return ""
	})
}

// counts waits until a figure, which ends with a space, is not 0.
func (s *scene) counts(figure string) {
	s.t.Helper()
	await.Until(s.t, patience, func() string {
		for line := range strings.Lines(s.told("/metrics")) {
			if n, ok := strings.CutPrefix(line, figure); ok && strings.TrimSpace(n) != "0" {
				return ""
			}
		}
		return figure + "is 0"
	})
}

// An Envoy and coastwise prove to each other who they are. When everything that they
// prove it by is replaced, CAs too, both read it again, and the Envoy, which kept
// running, is served by a coastwise that trusts only what is new.
func TestMutualTLSRotates(t *testing.T) {
	t.Parallel()
	s := settingsScene(t, 1, "", "")
	s.backend(0, 0)
	former, next := authority.ForTest(t), authority.ForTest(t)
	server, client := t.TempDir(), t.TempDir()
	const web = "spiffe://cluster.local/ns/default/sa/web"
	issue(t, former, server, "")
	issue(t, former, client, web)
	flags := serverTLS(server, "--client-ca", filepath.Join(server, "ca.crt"))
	s.again(flags...)
	envoy := s.envoy(coastwise.Client{Locality: "eu/eu-1", Secure: byCertificate(client, t.TempDir())})
	s.tells("/proxies", `"serviceAccount": "web"`)
	g, steady := envoy.stream("web.default")
	issue(t, next, server, "")
	issue(t, next, client, web)
	s.tells("/metrics", `coastwise_certificate_reloads_total{role="certificate"} `)
	s.again(flags...)
	s.tells("/proxies", `"serviceAccount": "web"`)
	s.write("more.yaml", manifest.Service("default", "more", 80, ""))
	await.Until(t, patience, func() string {
		if _, err := envoy.Hosts(t.Context(), "outbound|80||more.default.svc.cluster.local"); err != nil {
			return err.Error()
		}
		return ""
	})
	unfailed(t, g, steady)
	if body, err := envoy.Get(t.Context(), "/stats?filter=xds_cluster.ssl.versions"); err != nil || !strings.Contains(string(body), "TLSv1.3") {
		t.Errorf("%s %v", body, err)
	}
}

// Who shows a certificate of another trust domain or CA, or none, is not served, and
// an Envoy does not take a coastwise whose certificate is for another name.
func TestWhoIsNotVerifiedIsNotServed(t *testing.T) {
	for _, c := range []struct {
		name, id, count string
		secure          func(flags []string) []string
		otherCA         bool
	}{
		{"another trust domain", "spiffe://elsewhere/ns/default/sa/web", `coastwise_unverified_total{reason="certificate"} `, nil, false},
		{"another CA", "spiffe://cluster.local/ns/default/sa/web", "coastwise_handshakes_failed_total ", nil, true},
		{"another namespace", "spiffe://cluster.local/ns/shop/sa/web", `coastwise_streams_refused_total{reason="other_namespace"} `, nil, false},
		{"another server name", "spiffe://cluster.local/ns/default/sa/web", "coastwise_handshakes_failed_total ", func(flags []string) []string {
			return append(flags, "--server-name", "else.test")
		}, false},
		{"plaintext", "", "coastwise_handshakes_failed_total ", func([]string) []string { return nil }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := settingsScene(t, 1, "", "")
			ours, theirs := authority.ForTest(t), authority.ForTest(t)
			server, client := t.TempDir(), t.TempDir()
			issue(t, ours, server, "")
			issue(t, ours, client, c.id)
			if c.otherCA {
				issue(t, theirs, client, c.id)
				put(t, filepath.Join(client, "ca.crt"), ours.PEM())
			}
			s.again(serverTLS(server, "--client-ca", filepath.Join(server, "ca.crt"))...)
			flags := byCertificate(client, t.TempDir())
			if c.secure != nil {
				flags = c.secure(flags)
			}
			s.launch(coastwise.Client{Locality: "eu/eu-1", Secure: flags})
			s.counts(c.count)
			if body := s.told("/proxies"); strings.TrimSpace(body) != "[]" {
				t.Errorf("it is served: %s", body)
			}
		})
	}
}
