package ztunnel

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/proc"
)

// Who is who in testdata/hbone.yaml and testdata/sandwich.yaml.
const (
	reviewsVIP  = "10.96.0.10:80"
	reviewsHost = "reviews.default.svc.cluster.local:80"
	dbVIP       = "10.96.0.20:9000"
	dbHost      = "db.default.svc.cluster.local:9000"
)

// dialer is Sandwich or HBONE.
type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// pod is an application of HTTP and TCP, with or without a ztunnel.
type pod struct {
	ip      string
	http    *proc.Process
	tcp     net.Listener
	ztunnel *Server
}

// world is three pods and a waypoint in front of them.
type world struct {
	here             string
	envoy            *envoyproc.Envoy
	ca               *authority.Authority
	own              Credential
	near, far, plain *pod
}

// newWorld starts the pods, and an Envoy with a file of testdata.
func newWorld(t *testing.T, file string) *world {
	t.Helper()
	b := newBlock(t)
	w := &world{here: b.Address(1, 1), ca: authority.ForTest(t)}
	w.own = Issue(t, w.ca, authority.Member("infra", "waypoint"))
	w.near, w.far, w.plain = newPod(t, b.Address(2, 1)), newPod(t, b.Address(3, 1)), newPod(t, b.Address(4, 1))
	for _, p := range []*pod{w.near, w.far} {
		p.ztunnel = &Server{
			Address: p.ip + ":15008", Credential: Issue(t, w.ca, authority.Member("default", "app")),
			Services: map[string]string{dbHost: p.ip + ":9000"},
		}
		if err := p.ztunnel.Listen(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.ztunnel.Close)
	}
	w.envoy = startEnvoy(t, w.here, filled(t, file, map[string]any{
		"bind": w.here, "dir": string(w.own), "near": w.near.ip, "far": w.far.ip, "plain": w.plain.ip,
	}))
	if err := w.envoy.WaitReady(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return w
}

func newPod(t *testing.T, ip string) *pod {
	t.Helper()
	p := &pod{ip: ip}
	var err error
	if p.http, err = backend.Start(ip+":8080", ip, os.Stderr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.http.Kill)
	if err := backend.WaitListening(p.http, ip+":8080", time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if p.tcp, err = net.Listen("tcp", ip+":9000"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.tcp.Close() })
	go func() {
		for {
			conn, err := p.tcp.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(conn, ip)
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	return p
}

// client is an HBONE client of the waypoint, which trusts its authority.
func (w *world) client(t *testing.T, ca *authority.Authority, i authority.Identity) *HBONE {
	t.Helper()
	h := (&HBONE{Credential: Issue(t, ca, i, w.ca), Peer: w.here + ":15008", Expect: authority.Member("infra", "waypoint").String()}).Open()
	t.Cleanup(h.Close)
	return h
}

func (w *world) sandwich() Sandwich {
	return Sandwich{
		Waypoint: w.here + ":15088", Source: netip.MustParseAddrPort("10.0.0.1:40000"),
		Identity: authority.Member("default", "client").String(),
	}
}

// answer is what one request or connection brought.
type answer struct {
	status int
	from   string
	err    error
}

// get sends a request to an authority, on a connection of its own.
func get(d dialer, authority string) answer {
	transport := &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: patience}).Get("http://" + authority + "/")
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return answer{status: resp.StatusCode, from: resp.Header.Get(backend.ZoneHeader)}
}

// talk opens a TCP connection, hears who it is with, and is echoed.
func talk(d dialer, authority string) answer {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", authority)
	if err != nil {
		return answer{err: err}
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(conn)
	from, err := r.ReadString('\n')
	if err != nil {
		return answer{err: err}
	}
	fmt.Fprintln(conn, "hello")
	if line, err := r.ReadString('\n'); err != nil || line != "hello\n" {
		return answer{err: fmt.Errorf("echoed %q, %w", line, err)}
	}
	return answer{status: 200, from: from[:len(from)-1]}
}

// afterDeath makes the one new TCP connection that a death may cost: Envoy's worker
// tries again before its main thread has ejected the host. It returns when that has.
func (w *world) afterDeath(t *testing.T, d dialer) {
	t.Helper()
	talk(d, dbVIP)
	await.Until(t, patience, func() string {
		page, err := w.envoy.Get(t.Context(), "/stats?filter=^cluster\\.db[^.]*\\.outlier_detection\\.ejections_active$")
		if err != nil {
			return err.Error()
		}
		for line := range strings.Lines(string(page)) {
			if _, n, _ := strings.Cut(strings.TrimSpace(line), ": "); n != "0" && n != "" {
				return ""
			}
		}
		return fmt.Sprintf("nothing is ejected: %s", page)
	})
	time.Sleep(200 * time.Millisecond) // for the workers to hear of it
}

// expect fails the test unless n answers are from a pod.
func expect(t *testing.T, what string, n int, from *pod, ask func() answer) {
	t.Helper()
	for i := range n {
		if a := ask(); a.err != nil || a.status != 200 || a.from != from.ip {
			t.Errorf("%s, %d of %d: %+v, not from %s", what, i, n, a, from.ip)
			return
		}
	}
}

func TestHBONEWaypoint(t *testing.T) {
	w := newWorld(t, "hbone.yaml")
	h := w.client(t, w.ca, authority.Member("default", "client"))
	expect(t, "HTTP by VIP", 5, w.near, func() answer { return get(h, reviewsVIP) })
	expect(t, "HTTP by host", 5, w.near, func() answer { return get(h, reviewsHost) })
	expect(t, "TCP by VIP", 5, w.near, func() answer { return talk(h, dbVIP) })
	expect(t, "TCP by host", 5, w.near, func() answer { return talk(h, dbHost) })
	if h.Dialled() != 1 {
		t.Errorf("%d TLS connections for 20 tunnels", h.Dialled())
	}
	seen := w.near.ztunnel.Seen()
	if len(seen.Peers) != 1 || seen.Peers[authority.Member("infra", "waypoint").String()] == 0 {
		t.Errorf("the pod's ztunnel saw %v", seen.Peers)
	}
	if seen.Streams[dbHost] != 10 || seen.Streams[w.near.ip+":8080"] == 0 {
		t.Errorf("the pod's ztunnel was asked for %v", seen.Streams)
	}
	for _, unknown := range []string{"10.96.0.30:80", "10.96.0.10:81", "nobody.default.svc.cluster.local:80"} {
		if a := get(h, unknown); a.err == nil {
			t.Errorf("%s: %+v", unknown, a)
		}
	}
}

func TestHBONEWaypointRefusesStrangers(t *testing.T) {
	w := newWorld(t, "hbone.yaml")
	for name, h := range map[string]*HBONE{
		"another authority":    w.client(t, authority.ForTest(t), authority.Member("default", "client")),
		"another trust domain": w.client(t, w.ca, authority.Identity{Domain: "elsewhere.example", Namespace: "default", Account: "client"}),
	} {
		var refused *Refused
		if a := get(h, reviewsVIP); a.err == nil || errors.As(a.err, &refused) {
			t.Errorf("%s: %+v, not a failed handshake", name, a)
		}
	}
	wrong := w.client(t, w.ca, authority.Member("default", "client"))
	wrong.Expect = authority.Member("infra", "other").String()
	if a := get(wrong, reviewsVIP); a.err == nil {
		t.Error("a client goes to a waypoint whose identity is not what it expects")
	}
}

// TestHBONEWaypointPinsIdentities: a pod whose ztunnel shows another identity of the
// same trust domain gets nothing, neither HTTP nor TCP; the next priority takes over.
func TestHBONEWaypointPinsIdentities(t *testing.T) {
	w := newWorld(t, "hbone.yaml")
	h := w.client(t, w.ca, authority.Member("default", "client"))
	w.near.ztunnel.Close()
	w.near.ztunnel.Credential = Issue(t, w.ca, authority.Member("default", "other"))
	if err := w.near.ztunnel.Listen(); err != nil {
		t.Fatal(err)
	}
	expect(t, "HTTP", 9, w.far, func() answer { return get(h, reviewsVIP) })
	w.afterDeath(t, h)
	expect(t, "TCP", 9, w.far, func() answer { return talk(h, dbVIP) })
	if seen := w.near.ztunnel.Seen(); len(seen.Streams) > 0 {
		t.Errorf("the impostor was asked for %v", seen.Streams)
	}
}

// TestHBONEWaypointFailsOver: the application dies, then its ztunnel, then that of the
// next priority. No HTTP request fails, and no new TCP connection but one of each death.
func TestHBONEWaypointFailsOver(t *testing.T) {
	w := newWorld(t, "hbone.yaml")
	h := w.client(t, w.ca, authority.Member("default", "client"))
	w.near.http.Kill()
	w.near.tcp.Close()
	expect(t, "HTTP, the application is dead", 9, w.far, func() answer { return get(h, reviewsVIP) })
	w.afterDeath(t, h)
	expect(t, "TCP, the application is dead", 9, w.far, func() answer { return talk(h, dbVIP) })
	if w.near.ztunnel.Seen().Refused == 0 {
		t.Error("the dead application was never tried")
	}
	w.near.ztunnel.Close()
	time.Sleep(12 * time.Second) // longer than an ejection
	expect(t, "HTTP, the pod is dead", 9, w.far, func() answer { return get(h, reviewsVIP) })
	w.afterDeath(t, h)
	expect(t, "TCP, the pod is dead", 9, w.far, func() answer { return talk(h, dbVIP) })
	w.far.ztunnel.Close()
	expect(t, "HTTP, no ztunnel is left", 9, w.plain, func() answer { return get(h, reviewsVIP) })
}

func TestSandwichWaypoint(t *testing.T) {
	w := newWorld(t, "sandwich.yaml")
	s := w.sandwich()
	expect(t, "HTTP", 5, w.near, func() answer { return get(s, reviewsVIP) })
	expect(t, "TCP", 5, w.near, func() answer { return talk(s, dbVIP) })
	w.near.http.Kill()
	w.near.tcp.Close()
	expect(t, "HTTP, the application is dead", 9, w.far, func() answer { return get(s, reviewsVIP) })
	w.afterDeath(t, s)
	expect(t, "TCP, the application is dead", 9, w.far, func() answer { return talk(s, dbVIP) })
}

// TestSandwichWaypointIsLiedTo: no lie gets an answer of a backend, and those who tell
// the truth are answered meanwhile.
func TestSandwichWaypointIsLiedTo(t *testing.T) {
	w := newWorld(t, "sandwich.yaml")
	s := w.sandwich()
	truth, err := s.Header(reviewsVIP)
	if err != nil {
		t.Fatal(err)
	}
	for _, lie := range truth.Lies(netip.MustParseAddrPort("10.96.0.99:80")) {
		liar := lies{s, lie.Bytes}
		if a := get(liar, reviewsVIP); a.status == http.StatusOK != lie.Harmless {
			t.Errorf("%s: %+v", lie.Name, a)
		}
		expect(t, "after "+lie.Name, 2, w.near, func() answer { return get(s, reviewsVIP) })
	}
}

// lies is a Sandwich that says the same wrong thing about every connection.
type lies struct {
	Sandwich
	first []byte
}

func (l lies) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.DialWith(ctx, l.first)
}
