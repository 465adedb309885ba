package waypoint

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/traffic"
	"github.com/coastwise/coastwise/e2e/ztunnel"
)

// requests and connections are how many each service gets: with p = ½ a share has
// σ = 1 point.
const (
	requests    = 2500
	connections = 2500
)

// points is how far the share of a zone may be from the predicted one.
const points = 5

// TestShares: 20 services of random policies, a waypoint in each zone, clients in random
// zones that go to the waypoint of theirs: the share of each zone is the predicted one,
// and what hashes keeps each key on one endpoint of the predicted priority.
func TestShares(t *testing.T) {
	for name, f := range forms {
		t.Run(name, func(t *testing.T) { shares(t, f) })
	}
}

func shares(t *testing.T, f form) {
	r := drawn(t)
	m, all := drawnMesh(t, f, r)
	var replicas []ztunnel.Replica
	predicted := map[string]map[string]coastwise.Cluster{}
	for zone, p := range places {
		w := m.waypoint(zone)
		replicas = append(replicas, ztunnel.Replica{Address: w.listener(), Region: p.region, Zone: p.zone})
		predicted[w.listener()] = w.predicted()
	}
	for _, s := range all {
		t.Run(s.name+" "+s.kind, func(t *testing.T) {
			home := places[r.IntN(len(places))]
			replica := ztunnel.Pick(r, replicas, home.region, home.zone)
			var w *waypoint
			for _, one := range m.waypoints {
				if one.listener() == replica.Address {
					w = one
				}
			}
			if w.flags.Locality != home.String() {
				t.Fatalf("a client in %s goes to the waypoint in %s", home, w.flags.Locality)
			}
			if s.key != noKey {
				hashed(t, w, s, predicted[replica.Address])
			} else {
				judge(t, w, s, predicted[replica.Address], r)
			}
			if t.Failed() {
				t.Logf("a client in %s:\n%s", home, s.text)
			}
		})
	}
	m.throughZtunnels(t)
}

// throughZtunnels holds at the end: in a mesh with HBONE nothing reached a pod past its
// ztunnel, and to that came the waypoints alone.
func (m *mesh) throughZtunnels(t *testing.T) {
	t.Helper()
	if !m.form.hbone {
		return
	}
	for zone := range m.pods {
		for _, p := range m.pods[zone] {
			if n := p.bypassed.Load(); n > 0 {
				t.Errorf("%d connections came to %s past its ztunnel", n, p.name)
			}
			for peer := range p.ztunnel.Seen().Peers {
				if peer != authority.Member("default", "waypoint").String() {
					t.Errorf("%s came to %s", peer, p.name)
				}
			}
		}
	}
}

// drawnMesh serves 20 random services.
func drawnMesh(t *testing.T, f form, r *rand.Rand) (*mesh, []svc) {
	t.Helper()
	local := map[string]int{}
	var all []svc
	m := newMesh(t, f, local, func(in *mesh) map[string]string {
		all = in.drawServices(r)
		files := map[string]string{}
		for _, s := range all {
			files[s.name+".yaml"] = s.text
			if s.tcp {
				local[s.authority()] = tcpPort
			}
		}
		return files
	})
	return m, all
}

// expected is the share of each zone in percent; shares that have no endpoint are lost.
func (m *mesh) expected(s svc, clusters map[string]coastwise.Cluster) (map[string]float64, error) {
	weights, total := map[string]int{s.cluster(): 1}, 1
	if s.backends != nil {
		weights, total = map[string]int{}, 10
		for name, weight := range s.backends {
			weights[clusterOf(name+".default.svc.cluster.local", 80)] += weight
		}
	}
	out := map[string]float64{}
	for name, weight := range weights {
		cluster, ok := clusters[name]
		if !ok {
			return nil, fmt.Errorf("translate knows no cluster %s", name)
		}
		for address, share := range cluster.Shares() {
			out[m.zoneOf(address)] += share * float64(weight) / float64(total)
		}
	}
	return out, nil
}

// judge sends traffic to one service and compares.
func judge(t *testing.T, w *waypoint, s svc, clusters map[string]coastwise.Cluster, r *rand.Rand) {
	t.Helper()
	want, err := w.mesh.expected(s, clusters)
	if err != nil {
		t.Fatal(err)
	}
	to := s.at()
	if w.mesh.form.hbone && r.IntN(2) == 0 {
		to = s.authority()
	}
	total := 0.0
	for _, share := range want {
		total += share
	}
	if total < 99 {
		t.Skipf("%.0f %% of its requests have an endpoint here", total)
	}
	var got map[string]int
	var failures []string
	atOnce := 4
	if s.alone {
		atOnce = 1
	}
	if s.tcp {
		got, failures = w.connect(to, connections, atOnce)
	} else {
		got, failures = w.send(to, s.host, requests, atOnce)
	}
	if len(failures) > 0 {
		t.Fatalf("%d failed: %s", len(failures), failures[0])
	}
	sum := 0
	zones := map[string]float64{}
	for address, n := range got {
		sum += n
		zones[w.mesh.zoneOf(address)] += float64(n)
	}
	for _, p := range places {
		if share := 100 * zones[p.zone] / float64(sum); math.Abs(share-want[p.zone]) > points {
			t.Errorf("zone %s got %.1f %%, predicted %.1f %% (%v, %v)", p.zone, share, want[p.zone], zones, want)
		}
	}
}

// send sends n requests, so many at a time, and counts the answers by endpoint.
func (w *waypoint) send(to, host string, n, atOnce int) (map[string]int, []string) {
	g := traffic.StartThrough(w.client().DialContext, to, host, atOnce, 100000)
	phase := g.Begin(100000)
	await.Until(w.mesh.t, 2*patience, func() string {
		if sent, failed := phase.Counts(); sent < n && failed < 100 {
			return fmt.Sprintf("%d of %d requests", sent, n)
		}
		return ""
	})
	g.Stop()
	tally := phase.Tally()
	var failures []string
	for _, f := range tally.Failures {
		failures = append(failures, f.What)
	}
	return tally.ByEndpoint, failures
}

// perClient is how many connections one client opens: Envoy ends an HTTP/2 connection of
// which a thousand streams were reset, as those are that a client has done with.
const perClient = 500

// connect opens n connections, so many at a time, and counts who answers.
func (w *waypoint) connect(to string, n, atOnce int) (map[string]int, []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var begun atomic.Int32
	got, failures := map[string]int{}, []string(nil)
	var clients []dialer
	for range 1 + n/perClient {
		clients = append(clients, w.client())
	}
	for range atOnce {
		wg.Go(func() {
			for i := int(begun.Add(1)); i <= n; i = int(begun.Add(1)) {
				from, err := greeted(clients[i/perClient], to)
				mu.Lock()
				if err != nil {
					failures = append(failures, err.Error())
				}
				got[from]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return got, failures
}

// greeted opens a connection, hears which pod it is with, and is echoed once.
func greeted(d dialer, to string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", to)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(conn)
	from, err := in.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("waiting for the greeting: %w", err)
	}
	if _, err := fmt.Fprintln(conn, "hello"); err != nil {
		return "", err
	}
	if line, err := in.ReadString('\n'); err != nil || line != "hello\n" {
		return "", fmt.Errorf("echoed %q: %w", line, err)
	}
	return strings.TrimSpace(from), nil
}

// keys is how many a service that hashes is asked for: that all are at one of two
// endpoints happens once in 2³¹ times.
const keys = 32

// hashed holds a service that hashes to its law: one key, one endpoint, of the predicted
// priority.
func hashed(t *testing.T, w *waypoint, s svc, clusters map[string]coastwise.Cluster) {
	t.Helper()
	allowed := clusters[s.cluster()].Shares()
	used := map[string]bool{}
	for user := range keys {
		d := w.client() // with a source of its own
		first := ""
		for range 6 {
			from, err := askAs(d, s, fmt.Sprint("user-", user))
			if err != nil {
				t.Fatal(err)
			}
			if allowed[from] == 0 {
				t.Errorf("%s answered, to which nothing is predicted", from)
			}
			if first != "" && from != first {
				t.Errorf("user-%d is at %s, and then at %s", user, first, from)
			}
			first, used[from] = from, true
		}
	}
	possible := 0
	for _, share := range allowed {
		if share > 10 {
			possible++
		}
	}
	if possible > 1 && len(used) < 2 {
		t.Errorf("%d keys are all at one of %d endpoints", keys, possible)
	}
}

// askAs is one request with a user's header, or one connection, each on its own.
func askAs(d dialer, s svc, user string) (string, error) {
	if s.tcp {
		return greeted(d, s.at())
	}
	transport := &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.at()+"/", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("x-user", user)
	resp, err := (&http.Client{Transport: transport, Timeout: patience}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	return resp.Header.Get(backend.EndpointHeader), nil
}
