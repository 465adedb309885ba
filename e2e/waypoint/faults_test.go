package waypoint

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// The two services of the scenes in which something breaks.
const (
	webVIP  = "10.96.1.10:80"
	webHost = "web.default.svc.cluster.local"
	dbVIP   = "10.96.1.11:9000"
	dbHost  = "db.default.svc.cluster.local"
)

// failover is a policy that keeps to the zone and leaves what is dead at once.
const failover = `{loadBalancer: {localityLbSetting: {enabled: true}}, outlierDetection: {splitExternalLocalOriginErrors: true,
    consecutiveLocalOriginFailures: 1, consecutiveGatewayErrors: 1, consecutive5xxErrors: 3, interval: 1s, baseEjectionTime: 60s, maxEjectionPercent: 100}}`

// faultMesh has web and db with all pods, and retries for web that leave a zone.
func faultMesh(t *testing.T, f form) *mesh {
	t.Helper()
	local := map[string]int{webHost + ":80": httpPort, dbHost + ":9000": tcpPort}
	return newMesh(t, f, local, func(m *mesh) map[string]string {
		whole := layout{ready: [3]int{perZone, perZone, perZone}}
		return map[string]string{
			"web.yaml": manifest.Join(service("web", strings.TrimSuffix(webVIP, ":80"), 80, "http"), m.slice("web", httpPort, whole),
				manifest.Rule("default", "web", "web", failover), retries("web")),
			"db.yaml": manifest.Join(service("db", strings.TrimSuffix(dbVIP, ":9000"), 9000, "tcp"), m.slice("db", tcpPort, whole),
				manifest.Rule("default", "db", "db", failover)),
		}
	})
}

// retries is an HTTPRoute of a Service that repeats what failed.
func retries(parent string) string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %s, namespace: default}
spec:
  parentRefs: [{group: "", kind: Service, name: %s, port: 80}]
  rules:
  - retry: {attempts: 3, codes: [502, 503]}
    backendRefs: [{name: %s, port: 80}]
`, parent, parent, parent)
}

// steady is HTTP at 200 requests a second through a new client.
func (w *waypoint) steady(t *testing.T) (*traffic.Generator, *traffic.Phase) {
	t.Helper()
	g := traffic.StartThrough(w.client().DialContext, webVIP, webHost, 4, 200)
	t.Cleanup(g.Stop)
	phase := g.Begin(200)
	await.Until(t, patience, func() string {
		if n, _ := phase.Counts(); n < 50 {
			return fmt.Sprintf("%d requests", n)
		}
		return ""
	})
	return g, phase
}

// held is a TCP connection that goes on.
type held struct {
	conn net.Conn
	in   *bufio.Reader
	from string
}

// hold opens n connections to db.
func hold(t *testing.T, d dialer, n int) []held {
	t.Helper()
	var out []held
	for range n {
		conn, err := d.DialContext(context.Background(), "tcp", dbVIP)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		h := held{conn: conn, in: bufio.NewReader(conn)}
		from, err := h.in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		h.from = strings.TrimSpace(from)
		out = append(out, h)
	}
	return out
}

// echoes says what is wrong with a connection that is open.
func (h held) echoes() error {
	_ = h.conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintln(h.conn, "still there"); err != nil {
		return err
	}
	_, err := h.in.ReadString('\n')
	return err
}

// arrivals opens a connection to a service every 10 ms until it is stopped. After a failure
// it takes its time, as clients do: Envoy's main thread has to tell its workers.
type arrivals struct {
	cancel   context.CancelFunc
	done     sync.WaitGroup
	count    atomic.Int32
	failures []string
}

// newcomers are arrivals at db.
func newcomers(d dialer) *arrivals { return newcomersAt(d, dbVIP) }

func newcomersAt(d dialer, to string) *arrivals {
	ctx, cancel := context.WithCancel(context.Background())
	a := &arrivals{cancel: cancel}
	a.done.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			if _, err := greeted(d, to); err != nil {
				a.failures = append(a.failures, fmt.Sprintf("connection %d: %v", a.count.Load()+1, err))
				time.Sleep(500 * time.Millisecond)
			}
			a.count.Add(1)
		}
	})
	return a
}

// more waits until n more have come, and for some time at least.
func (a *arrivals) more(t *testing.T, n int, least time.Duration) {
	t.Helper()
	before := int(a.count.Load())
	time.Sleep(least)
	await.Until(t, 2*patience, func() string {
		if came := int(a.count.Load()) - before; came < n {
			return fmt.Sprintf("%d of %d connections", came, n)
		}
		return ""
	})
}

// stop ends them, and says how many there were and what became of those that failed.
func (a *arrivals) stop() (int, []string) {
	a.cancel()
	a.done.Wait()
	return int(a.count.Load()), a.failures
}

// TestZoneDies: the waypoint's own zone dies, applications and ztunnels. No GET fails,
// no held connection to another zone breaks, and of those that are new one at most fails
// at each Envoy.
func TestZoneDies(t *testing.T) {
	for name, f := range forms {
		t.Run(name, func(t *testing.T) { zoneDies(t, f) })
	}
}

func zoneDies(t *testing.T, f form) {
	m := faultMesh(t, f)
	near, far := m.waypoint(0), m.waypoint(1)
	doomed, other := hold(t, near.client(), 6), hold(t, far.client(), 6)
	g, phase := near.steady(t)
	for _, h := range doomed {
		if m.zoneOf(h.from) != places[0].zone {
			t.Fatalf("%s answered a waypoint in %s", h.from, places[0])
		}
	}
	for _, p := range m.pods[0] {
		p.die()
	}
	arriving := newcomers(near.client())
	arriving.more(t, 50, 3*time.Second)
	n, failures := arriving.stop()
	g.Stop()
	tally := phase.Tally()
	t.Logf("%d requests, %d new connections", tally.Requests, n)
	if len(tally.Failures) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(tally.Failures), tally.Requests, tally.Failures[0].What)
	}
	if len(failures) > 1 {
		t.Errorf("%d of %d new connections failed: %q", len(failures), n, failures)
	}
	for _, h := range doomed {
		if h.echoes() == nil {
			t.Errorf("a connection to %s, which is dead, goes on", h.from)
		}
	}
	for _, h := range other {
		if err := h.echoes(); err != nil {
			t.Errorf("a connection to %s broke: %v", h.from, err)
		}
	}
	if tally.ByEndpoint[fmt.Sprintf("%s:%d", m.address(1, 0), httpPort)] == 0 {
		t.Errorf("nobody took over: %v", tally.ByEndpoint)
	}
}
