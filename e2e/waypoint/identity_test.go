package waypoint

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/ztunnel"
)

// TestStrangersAreRefused: who has no certificate of the mesh's authority and trust
// domain gets no tunnel, in the handshake; a pod that shows another identity than its
// own gets no request and no connection, and its zone is left.
func TestStrangersAreRefused(t *testing.T) {
	m := faultMesh(t, hbone)
	w := m.waypoint(0)
	member := authority.Member("default", "client")
	for name, h := range map[string]*ztunnel.HBONE{
		"another authority":    w.tunnel(authority.ForTest(t), member, ""),
		"another trust domain": w.tunnel(m.ca, authority.Identity{Domain: "elsewhere.example", Namespace: "default", Account: "client"}, ""),
	} {
		conn, err := h.DialContext(t.Context(), "tcp", webVIP)
		if refused := new(ztunnel.Refused); err == nil || errors.As(err, &refused) {
			t.Errorf("%s: %v, and not a failed handshake", name, err)
		}
		if err == nil {
			conn.Close()
		}
	}
	g, phase := w.steady(t)
	impostor := ztunnel.Issue(t, m.ca, authority.Member("default", "impostor"))
	seen := 0
	for _, p := range m.pods[0] {
		p.ztunnel.Close()
		p.ztunnel.Credential = impostor
		seen += streams(p)
		if err := p.ztunnel.Listen(); err != nil {
			t.Fatal(err)
		}
	}
	arriving := newcomers(w.client())
	arriving.more(t, 50, 2*time.Second)
	n, failures := arriving.stop()
	g.Stop()
	if len(failures) > 1 {
		t.Errorf("%d of %d new connections failed: %q", len(failures), n, failures)
	}
	if tally := phase.Tally(); len(tally.Failures) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(tally.Failures), tally.Requests, tally.Failures[0].What)
	}
	for _, p := range m.pods[0] {
		seen -= streams(p)
	}
	if seen != 0 {
		t.Errorf("impostors were asked for %d tunnels", -seen)
	}
}

// streams is how many tunnels a pod's ztunnel was asked for.
func streams(p *pod) int {
	n := 0
	for _, count := range p.ztunnel.Seen().Streams {
		n += count
	}
	return n
}

// TestRotationUnderLoad: while requests and new connections go on, every certificate of
// the mesh is replaced, then the authority: its bundle first, then the certificates, then
// the old one is forgotten. Nothing fails, and at the end nobody of the old authority is
// let in.
func TestRotationUnderLoad(t *testing.T) {
	m := faultMesh(t, hbone)
	w := m.waypoint(0)
	g, phase := w.steady(t)
	db := w.client().(*ztunnel.HBONE)
	arriving := newcomers(db)
	renewed := renewals(db)
	next := authority.ForTest(t)
	rotate := func(by *authority.Authority, others ...*authority.Authority) {
		dialled := db.Dialled()
		m.rotate(w, by, others...)
		await.Until(t, patience, func() string {
			if n := db.Dialled() - dialled; n < 3 {
				return fmt.Sprintf("%d handshakes", n)
			}
			return w.reads(t)
		})
		arriving.more(t, 20, time.Second)
	}
	rotate(m.ca)
	rotate(m.ca, next)
	rotate(next, m.ca)
	rotate(next)
	n, failures := arriving.stop()
	renewed()
	g.Stop()
	tally := phase.Tally()
	t.Logf("%d requests, %d new connections, %d handshakes of the client", tally.Requests, n, db.Dialled())
	if len(failures) > 0 {
		t.Errorf("%d of %d new connections failed, the first: %s", len(failures), n, failures[0])
	}
	if len(tally.Failures) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(tally.Failures), tally.Requests, tally.Failures[0].What)
	}
	old := w.tunnel(m.ca, authority.Member("default", "client"), "")
	if err := m.ca.WriteIdentity(string(old.Credential), authority.Member("default", "client"), next); err != nil {
		t.Fatal(err)
	}
	if conn, err := old.DialContext(t.Context(), "tcp", webVIP); err == nil {
		conn.Close()
		t.Error("a client of the old authority is let in")
	}
	fresh := w.tunnel(next, authority.Member("default", "client"), "")
	if _, err := greeted(fresh, dbVIP); err != nil {
		t.Errorf("a client of the new authority: %v", err)
	}
}

// serial is a line of Envoy's page of certificates.
var serial = regexp.MustCompile(`"serial_number": "0*([0-9a-f]+)"`)

// reads says what is missing for Envoy to have read its certificate and, since that came
// before, its bundle.
func (w *waypoint) reads(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(string(w.own), authority.ChainFile))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	own, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	page, err := w.Get(t.Context(), "/certs")
	if err != nil {
		return err.Error()
	}
	for _, m := range serial.FindAllStringSubmatch(string(page), -1) {
		if m[1] == fmt.Sprintf("%x", own.SerialNumber) {
			return ""
		}
	}
	return fmt.Sprintf("Envoy has not read the certificate %x: %s", own.SerialNumber, page)
}

// renewals lets a client shake hands again every 50 ms, until it is stopped.
func renewals(h *ztunnel.HBONE) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			h.Renew()
		}
	})
	return func() { cancel(); wg.Wait() }
}

// rotate issues every certificate of the mesh anew, clients', waypoint's and pods', into
// the folders where they are.
func (m *mesh) rotate(w *waypoint, by *authority.Authority, others ...*authority.Authority) {
	m.t.Helper()
	who := map[ztunnel.Credential]authority.Identity{w.own: authority.Member("default", "waypoint")}
	for zone := range m.pods {
		for _, p := range m.pods[zone] {
			who[p.ztunnel.Credential] = authority.Member("default", account)
		}
	}
	for _, dir := range m.clientCredentials {
		who[dir] = authority.Member("default", "client")
	}
	for dir, i := range who {
		if err := by.WriteIdentity(string(dir), i, others...); err != nil {
			m.t.Fatal(fmt.Errorf("rotating %s: %w", i, err))
		}
	}
}
