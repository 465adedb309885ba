package e2e

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// zones are the places of the scenes; the client sits in the first.
var zones = []struct{ region, zone string }{{"eu", "eu-1"}, {"eu", "eu-2"}, {"us", "us-1"}}

// layoutOf says of one zone how many endpoints are ready and how many are not.
type layoutOf struct{ ready, unready int }

// predictCases each are one Service with one layout in the three zones.
var predictCases = []struct {
	name, about string
	zones       [3]layoutOf
	// rule is the localityLbSetting of the service's rule, "" for no rule. The label
	// version of an endpoint is its zone, and the client's is eu-2.
	rule string
	// spec is more of the Service's spec; hints writes zone hints.
	spec  string
	hints bool
	// first is the share that the first zone is known to get: predict must say so too.
	first float64
}{
	{"healthy", "two priorities, all healthy", [3]layoutOf{{3, 0}, {2, 0}}, "{}", "", false, 100},
	{"half", "half of the own zone is gone", [3]layoutOf{{2, 2}, {2, 0}}, "{}", "", false, 70},
	{"gone", "the own zone is all gone", [3]layoutOf{{0, 3}, {2, 0}, {2, 0}}, "{}", "", false, 0},
	{"three", "three priorities share", [3]layoutOf{{1, 3}, {1, 3}, {2, 0}}, "{}", "", false, 35},
	{"scarce", "what is healthy sums to less than 100: it is scaled, and what rounding loses goes to the first", [3]layoutOf{{1, 3}, {1, 7}, {0, 2}}, "{}", "", false, 68},
	{"threshold", "failoverThreshold 50 is an overprovisioning factor of 200", [3]layoutOf{{1, 3}, {2, 0}}, "{enabled: true, failoverThreshold: 50}", "", false, 50},
	{"strict", "failoverThreshold 100 lets nothing be hidden", [3]layoutOf{{3, 1}, {2, 0}}, "{enabled: true, failoverThreshold: 100}", "", false, 75},
	{"flat", "uneven zones without locality", [3]layoutOf{{4, 0}, {2, 0}, {1, 1}}, "", "", false, 100 * 4. / 7},
	{"shares", "distribute 70/20/10", [3]layoutOf{{2, 0}, {3, 0}, {1, 0}}, "{distribute: [{from: eu/*, to: {eu/eu-1: 70, eu/eu-2: 20, us: 10}}]}", "", false, 70},
	{"sharesdown", "distribute 70/20/10, half of the first zone down: 62/25.3/12.7", [3]layoutOf{{2, 2}, {4, 0}, {4, 0}}, "{distribute: [{from: eu/*, to: {eu/eu-1: 70, eu/eu-2: 20, us: 10}}]}", "", false, 62},
	{"sharesgone", "distribute 70/20/10, the first zone all down: 0/66.7/33.3", [3]layoutOf{{0, 2}, {2, 0}, {2, 0}}, "{distribute: [{from: eu/*, to: {eu/eu-1: 70, eu/eu-2: 20, us: 10}}]}", "", false, 0},
	{"sharesleft", "distribute to a zone without endpoints: 7/9 and 2/9", [3]layoutOf{{2, 0}, {2, 0}}, "{distribute: [{from: eu/*, to: {eu/eu-1: 70, eu/eu-2: 20, us: 10}}]}", "", false, 700. / 9},
	{"sharesspill", "distribute with failover: the listed are 70 % healthy, the rest is below", [3]layoutOf{{1, 1}, {1, 1}, {2, 0}}, "{distribute: [{from: eu, to: {eu/eu-1: 75, eu/eu-2: 25}}], failover: [{from: eu, to: us}]}", "", false, 52.5},
	{"sharesflat", "distribute for others only: flat, each zone by its endpoints", [3]layoutOf{{4, 0}, {2, 0}, {1, 1}}, "{distribute: [{from: us, to: {us: 100}}]}", "", false, 100 * 4. / 7},
	{"sharestiers", "distribute with failoverPriority: below the listed the zone of the client's version", [3]layoutOf{{2, 0}, {2, 0}, {1, 1}}, "{distribute: [{from: eu, to: {us: 100}}], failoverPriority: [version]}", "", false, 0},
	{"tiers", "failoverPriority: the client's version, half gone; all others alike", [3]layoutOf{{2, 0}, {1, 1}, {1, 0}}, "{failoverPriority: [version]}", "", false, 20},
	{"tierlevels", "failoverPriority with failover: all others by level", [3]layoutOf{{2, 0}, {1, 1}, {1, 0}}, "{failoverPriority: [version], failover: [{from: eu, to: us}]}", "", false, 30},
	{"tierplaces", "failoverPriority by place", [3]layoutOf{{1, 1}, {1, 1}, {1, 0}}, "{failoverPriority: [topology.kubernetes.io/region, topology.kubernetes.io/zone]}", "", false, 70},
	{"hinted", "hints: the own zone alone, however small", [3]layoutOf{{1, 3}, {4, 0}}, "", "  trafficDistribution: PreferSameZone\n", true, 100},
}

// TestPredictIsWhatEnvoyDoes holds the arithmetic against a real Envoy, and both
// against numbers worked out by hand.
func TestPredictIsWhatEnvoyDoes(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	running := map[string]bool{}
	for _, c := range predictCases {
		s.write(c.name+".yaml", s.predictCase(c.name, c.zones, c.spec, c.rule, c.hints))
		for zone, l := range c.zones {
			for n := range l.ready {
				if key := fmt.Sprint(zone, n); !running[key] {
					running[key] = true
					s.backend(zone, n)
				}
			}
		}
	}
	client := s.envoy(coastwise.Client{Locality: "eu/eu-1", Labels: "version=eu-2"})
	for _, c := range predictCases {
		t.Run(c.name, func(t *testing.T) {
			t.Log(c.about)
			cluster := client.predicted(c.name + ".default:80")
			client.converge(cluster)
			tally := client.send(c.name+".default", requests)
			if len(tally.Failures) > 0 {
				t.Fatalf("%d failed: %s", len(tally.Failures), tally.Failures[0].What)
			}
			compare(t, cluster.Shares(), tally.ByEndpoint, tally.Requests)
			first := 0.0
			for n := range 8 {
				first += cluster.Shares()[fmt.Sprintf("%s:%d", s.endpoint(0, n), s.ports.Backend)]
			}
			if math.Abs(first-c.first) > 0.8 {
				t.Errorf("predicted %.1f %% for the own zone, by hand it is %.1f %%", first, c.first)
			}
		})
	}
}

// compare holds each endpoint's share of n requests against the predicted one.
func compare(t *testing.T, predicted map[string]float64, got map[string]int, n int) {
	t.Helper()
	all := maps.Clone(predicted)
	for address := range got {
		all[address] += 0
	}
	for _, address := range slices.Sorted(maps.Keys(all)) {
		share := 100 * float64(got[address]) / float64(n)
		if math.Abs(share-predicted[address]) > 3 {
			t.Errorf("%s got %.1f %%, predicted %.1f %%", address, share, predicted[address])
		}
	}
}

// nodes is one Node for each zone, and a Pod on it with the zone as version.
func nodes() string {
	var out []string
	for _, z := range zones {
		out = append(out, manifest.Node("node-"+z.zone, z.region, z.zone), manifest.Pod("default", "pod-"+z.zone, "node-"+z.zone, "{version: "+z.zone+"}"))
	}
	return manifest.Join(out...)
}

// predictCase is a Service, its slices and its rule. Endpoints that are not ready
// have no process, and come after the ready ones.
func (s *scene) predictCase(name string, layout [3]layoutOf, spec, rule string, hints bool) string {
	documents := []string{manifest.Service("default", name, 80, spec)}
	var endpoints []manifest.Endpoint
	for zone, l := range layout {
		for n := range l.ready + l.unready {
			e := manifest.Endpoint{Address: s.endpoint(zone, n), Zone: zones[zone].zone, Node: "node-" + zones[zone].zone, Pod: "pod-" + zones[zone].zone}
			if n >= l.ready {
				e.Address, e.Unready = s.block.Address(2+zone, 100+n), true
			}
			if hints {
				e.ZoneHint = e.Zone
			}
			endpoints = append(endpoints, e)
		}
	}
	documents = append(documents, manifest.Slice("default", name, name+"-1", s.ports.Backend, endpoints))
	if rule != "" {
		documents = append(documents, manifest.Rule("default", name, name, fmt.Sprintf("{loadBalancer: {localityLbSetting: %s}}", rule)))
	}
	return manifest.Join(documents...)
}
