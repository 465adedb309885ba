package e2e

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

var (
	predictSeed   = flag.Uint64("predict.seed", 0, "seed of TestPredictAtRandom; 0 draws one")
	predictSetups = flag.Int("predict.setups", 60, "how many set-ups TestPredictAtRandom draws")
)

// requests is how many are sent where a share may be 3 points off: with p = ½ that is 5 σ,
// so that of a million shares one is off by chance.
const requests = 7000

// TestPredictAtRandom holds predict against real Envoys in random set-ups: zones,
// regions, unready endpoints, weights, settings, subsets, algorithms and clients. Every
// endpoint's share and every zone's is within 3 points of the predicted one.
func TestPredictAtRandom(t *testing.T) {
	seed := *predictSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("again with -predict.seed %d", seed)
	w := newRandomWorld(t, rand.New(rand.NewPCG(seed, 9)))
	began, sent := time.Now(), 0
	for i, c := range w.clients {
		answer, err := built.coastwise.Translate(t.Context(), string(w.folder), c.flags, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range answer.Problems {
			if p.Severity == "error" {
				t.Errorf("the generator wrote what is refused: %+v", p)
			}
		}
		clusters := map[string]coastwise.Cluster{}
		for _, cluster := range answer.Clusters {
			clusters[cluster.Name] = cluster
		}
		for _, s := range w.setups {
			if s.client == i {
				sent += w.measure(t, c, s, clusters[s.cluster()])
			}
		}
	}
	took := time.Since(began)
	t.Logf("%d requests in %.0f s, %.0f a second", sent, took.Seconds(), float64(sent)/took.Seconds())
	if n := sent / requests; n < *predictSetups*5/6 {
		t.Errorf("only %d of %d set-ups served anything", n, *predictSetups)
	}
}

// randomWorld is a scene with a service for each set-up.
type randomWorld struct {
	*scene
	clients []*client
	setups  []setup
	zones   map[string]string // of the backends, by IP:PORT
}

// randomClients are those that the set-ups are shared among.
var randomClients = []coastwise.Client{
	{Locality: "eu/eu-1", Labels: "version=v1"},
	{Locality: "eu/eu-2", Labels: "version=v2,track=canary"},
	{},
	{Locality: "us"},
}

func newRandomWorld(t *testing.T, r *rand.Rand) *randomWorld {
	t.Helper()
	w := &randomWorld{scene: newScene(t, map[string]string{"nodes.yaml": randomNodes()}), zones: map[string]string{}}
	for n := range *predictSetups {
		s := w.draw(r, n)
		w.setups = append(w.setups, s)
		w.write(s.name+".yaml", s.text)
	}
	for zone := range randomPlaces {
		for n := range most {
			w.here(zone, n)
		}
	}
	w.edit = func(bootstrap []byte) []byte {
		return withSubsets(t, bootstrap, fmt.Sprintf("%s:%d", w.block.Address(1, w.envoys-1), w.ports.Proxy+1), w.setups)
	}
	for _, flags := range randomClients {
		w.clients = append(w.clients, w.envoy(flags))
	}
	return w
}

// here is a backend in this process: there are too many for one process each.
func (w *randomWorld) here(zone, n int) {
	address := fmt.Sprintf("%s:%d", w.endpoint(zone, n), w.ports.Backend)
	l, err := net.Listen("tcp", address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.zones[address] = randomPlaces[zone].zone
	server := &http.Server{Handler: backend.Handler(address, randomPlaces[zone].zone), ReadHeaderTimeout: patience}
	go server.Serve(l)
	w.t.Cleanup(func() { server.Close() })
}

// measure sends the requests of a set-up and says how many it sent.
func (w *randomWorld) measure(t *testing.T, c *client, s setup, cluster coastwise.Cluster) (sent int) {
	t.Run(s.name, func(t *testing.T) {
		if cluster.Name == "" {
			t.Fatalf("translate knows no cluster %s\n%s", s.cluster(), s.text)
		}
		c.converge(cluster)
		total := 0.0
		for _, share := range cluster.Shares() {
			total += share
		}
		host, flags := s.host(), c.flags
		if s.subset != "" {
			host, flags.HTTPProxyPort = s.subsetHost(), flags.HTTPProxyPort+1
		}
		through := &client{Envoy: c.Envoy, scene: c.scene, flags: flags}
		if total == 0 {
			if tally := through.send(host, 20); len(tally.Failures) < tally.Requests {
				t.Errorf("nothing is predicted, and %v came\n%s", tally.ByEndpoint, s.text)
			}
			return
		}
		tally := through.sendBy(s.workers(), host, requests)
		sent = requests
		if len(tally.Failures) > 0 {
			t.Errorf("%d failed: %s", len(tally.Failures), tally.Failures[0].What)
		}
		compare(t, cluster.Shares(), tally.ByEndpoint, tally.Requests)
		w.compareZones(t, cluster.Shares(), tally.ByEndpoint, tally.Requests)
		if t.Failed() {
			t.Logf("client %q %q, subset %q:\n%s", c.flags.Locality, c.flags.Labels, s.subset, s.text)
		}
	})
	return sent
}

// compareZones is compare for zones.
func (w *randomWorld) compareZones(t *testing.T, predicted map[string]float64, got map[string]int, n int) {
	t.Helper()
	difference := map[string]float64{}
	for address, share := range predicted {
		difference[w.zones[address]] -= share
	}
	for address, count := range got {
		difference[w.zones[address]] += 100 * float64(count) / float64(n)
	}
	for zone, points := range difference {
		if math.Abs(points) > 3 {
			t.Errorf("zone %s: %+.1f points from what is predicted", zone, points)
		}
	}
}

// randomNodes is one Node for each place, and a Pod of each version on it.
func randomNodes() string {
	var out []string
	for _, p := range randomPlaces {
		out = append(out, manifest.Node("node-"+p.zone, p.region, p.zone))
		for _, labels := range []string{"{version: v1}", "{version: v2, track: canary}"} {
			out = append(out, manifest.Pod("default", "pod-"+p.zone+"-"+labels[10:12], "node-"+p.zone, labels))
		}
	}
	return strings.Join(out, "---\n")
}
