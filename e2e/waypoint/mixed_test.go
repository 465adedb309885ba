package waypoint

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/manifest"
)

// TestApplicationsDie: the applications of the waypoint's zone die, and their ztunnels
// live on. No GET fails, one new connection at most does, and the zone is left alone.
func TestApplicationsDie(t *testing.T) {
	m := faultMesh(t, hbone)
	w := m.waypoint(0)
	held := hold(t, w.client(), 6)
	g, phase := w.steady(t)
	for _, p := range m.pods[0] {
		p.crash()
	}
	arriving := newcomers(w.client())
	arriving.more(t, 50, 2*time.Second) // each of the dead has its turn, and is left
	refused := m.refused()
	if refused == 0 {
		t.Error("the dead applications were not tried")
	}
	arriving.more(t, 50, 2*time.Second)
	if again := m.refused() - refused; again != 0 {
		t.Errorf("the dead applications were tried %d times more, after %d connections", again, 50)
	}
	n, failures := arriving.stop()
	g.Stop()
	if len(failures) > 1 {
		t.Errorf("%d of %d new connections failed: %q", len(failures), n, failures)
	}
	tally := phase.Tally()
	if len(tally.Failures) > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(tally.Failures), tally.Requests, tally.Failures[0].What)
	}
	if from, err := greeted(w.client(), dbVIP); err != nil || m.zoneOf(from) != places[1].zone {
		t.Errorf("db is answered by %q, %v", from, err)
	}
	for _, h := range held {
		if h.echoes() == nil {
			t.Errorf("a connection to %s, which is dead, goes on", h.from)
		}
	}
}

// refused is how many tunnels the ztunnels of the first zone did not open.
func (m *mesh) refused() int {
	n := 0
	for _, p := range m.pods[0] {
		n += p.ztunnel.Seen().Refused
	}
	return n
}

// mixed is a Service of two pods of the first zone, one of them plain, and one of the
// second zone.
func (m *mesh) mixed(name, vip string, port int, protocol string, podPort int) string {
	// Least request would prefer the pod with the shorter way.
	policy := strings.Replace(failover, "loadBalancer: {", "loadBalancer: {simple: ROUND_ROBIN, ", 1)
	slice := m.slice(name, podPort, layout{ready: [3]int{1, 1}}) +
		fmt.Sprintf("- {addresses: [%s], zone: %s, nodeName: node-%[2]s}\n", m.address(0, 1), places[0].zone)
	return manifest.Join(service(name, vip, port, protocol), slice, manifest.Rule("default", name, name, policy))
}

// TestPlainBesideTunnels: a service has pods with a ztunnel and a pod without. Both get
// their share, each in its own way; of the plain one a death is a failure to connect.
func TestPlainBesideTunnels(t *testing.T) {
	const web, db = "10.96.1.30:80", "10.96.1.31:9000"
	m := newMesh(t, hbone, nil, func(m *mesh) map[string]string {
		return map[string]string{
			"web.yaml": m.mixed("web", "10.96.1.30", 80, "http", httpPort),
			"db.yaml":  m.mixed("db", "10.96.1.31", 9000, "tcp", tcpPort),
		}
	})
	w := m.waypoint(0)
	tunnelled, plain := m.pods[0][0], m.pods[0][1]
	half := func(what string, got map[string]int, failures []string, port int) {
		t.Helper()
		total := 0
		for _, n := range got {
			total += n
		}
		for _, p := range []*pod{tunnelled, plain} {
			if share := 100 * float64(got[fmt.Sprintf("%s:%d", p.ip, port)]) / float64(total); math.Abs(share-50) > points {
				t.Errorf("%s: %s got %.1f %% of %v", what, p.name, share, got)
			}
		}
		if len(failures) > 0 {
			t.Errorf("%s: %d failed, the first: %s", what, len(failures), failures[0])
		}
	}
	got, failures := w.send(web, webHost, requests, 4)
	half("HTTP", got, failures, httpPort)
	got, failures = w.connect(db, connections, 4)
	half("TCP", got, failures, tcpPort)
	if n := tunnelled.bypassed.Load(); n > 0 {
		t.Errorf("%d connections came to %s past its ztunnel", n, tunnelled.name)
	}
	for _, port := range []int{httpPort, tcpPort} {
		if seen := tunnelled.ztunnel.Seen().Streams; seen[fmt.Sprintf("%s:%d", tunnelled.ip, port)] == 0 {
			t.Errorf("the ztunnel of %s was asked for %v", tunnelled.name, seen)
		}
	}
	if n := streams(plain); n > 0 || plain.bypassed.Load() == 0 {
		t.Errorf("%d tunnels were asked for at %s, which is plain", n, plain.name)
	}

	m.tells("DestinationRule default/db", "spec.trafficPolicy.outlierDetection", "ClientCannot")
	plain.crash()
	arriving := newcomersAt(w.client(), db)
	got, failures = w.send(web, webHost, 500, 4)
	arriving.more(t, 20, time.Second)
	n, lost := arriving.stop()
	if len(failures) > 0 || got[fmt.Sprintf("%s:%d", tunnelled.ip, httpPort)] == 0 {
		t.Errorf("HTTP without the plain pod: %v, %d failed: %q", got, len(failures), failures)
	}
	if len(lost) > 1 {
		t.Errorf("%d of %d new connections failed: %q", len(lost), n, lost)
	}
}
