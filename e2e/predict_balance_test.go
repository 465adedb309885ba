package e2e

import (
	"fmt"
	"math"
	"testing"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// algorithms are all that a rule can name, as it names them. The ring is large, so that
// its arcs are near their weights.
var algorithms = map[string]string{
	"round-robin":   "simple: ROUND_ROBIN",
	"least-request": "simple: LEAST_REQUEST",
	"random":        "simple: RANDOM",
	"ring-hash":     "consistentHash: {httpHeaderName: x-user, ringHash: {minimumRingSize: 16384}}",
	"maglev":        "consistentHash: {httpHeaderName: x-user, maglev: {}}",
}

// weightCases are one host of two endpoints in eu-1, of weights 8 and 1, and one in
// eu-2, of weight 1. weighed is what the three get where weights count, and random what
// they get at random; both are by hand.
var weightCases = []struct {
	name, setting   string
	weighed, random [3]float64
}{
	{"flat", "", [3]float64{80, 10, 10}, [3]float64{100. / 3, 100. / 3, 100. / 3}},
	{"levels", "{enabled: true}", [3]float64{800. / 9, 100. / 9, 0}, [3]float64{50, 50, 0}},
	{
		"listed", "{distribute: [{from: eu/*, to: {eu/eu-1: 70, eu/eu-2: 30}}]}",
		[3]float64{70 * 8. / 9, 70. / 9, 30},
		[3]float64{35, 35, 30},
	},
	{"sums", "{distribute: [{from: us/*, to: {us: 100}}]}", [3]float64{80, 10, 10}, [3]float64{45, 45, 10}},
}

// TestAlgorithmsAndWeights: what predict says of endpoint weights, and of a locality
// whose endpoints are not all ready, is what an Envoy does with each algorithm, one
// request after the other.
func TestAlgorithmsAndWeights(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.backends(4, 4, 4)
	for name, algorithm := range algorithms {
		for _, c := range weightCases {
			s.write(name+c.name+".yaml", s.weighted(name+c.name, algorithm, c.setting))
		}
		rule := fmt.Sprintf("{loadBalancer: {%s, localityLbSetting: {distribute: [{from: eu/*, to: {eu/eu-1: 70, eu/eu-2: 20, us: 10}}]}}}", algorithm)
		s.write(name+"half.yaml", manifest.Join(s.predictCase(name+"half", [3]layoutOf{{2, 2}, {4, 0}, {4, 0}}, "", "", false),
			manifest.Rule("default", name+"half", name+"half", rule)))
	}
	client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	for name := range algorithms {
		for _, c := range weightCases {
			t.Run(name+" "+c.name, func(t *testing.T) {
				want := c.weighed
				if name == "random" {
					want = c.random
				}
				client.splits(t, name+c.name+".example", s.three(want))
			})
		}
		t.Run(name+" half", func(t *testing.T) {
			want := [3]float64{4900. / 79, 2000. / 79, 1000. / 79} // half of 70 at 140 % is 49
			if name == "ring-hash" || name == "maglev" {
				want = [3]float64{70, 20, 10}
			}
			each := map[string]float64{}
			for zone, up := range []int{2, 4, 4} {
				for n := range up {
					each[s.hostPort(zone, n)] = want[zone] / float64(up)
				}
			}
			client.splits(t, name+"half.default", each)
		})
	}
}

// splits holds what is predicted of a host against shares by hand, and what requests,
// one after the other, get against both.
func (c *client) splits(t *testing.T, host string, want map[string]float64) {
	t.Helper()
	cluster := c.predicted(host + ":80")
	for address, share := range want {
		if got := cluster.Shares()[address]; math.Abs(got-share) > 0.5 {
			t.Errorf("%s: predicted %.1f %%, by hand it is %.1f %%", address, got, share)
		}
	}
	c.converge(cluster)
	tally := c.sendBy(1, host, requests)
	if len(tally.Failures) > 0 {
		t.Fatalf("%d failed: %s", len(tally.Failures), tally.Failures[0].What)
	}
	compare(t, cluster.Shares(), tally.ByEndpoint, tally.Requests)
}

// TestLeastRequestUnderLoad: where weights differ LEAST_REQUEST weighs an endpoint by
// weight ÷ (requests in flight + 1), so that the share of the heavy one falls from 80 %,
// which is what predict says, towards √8 : 1 : 1, that is 59 %, as clients ask at once;
// further where the machine makes it slow, since then it has the more in flight. It is
// never down to a third.
func TestLeastRequestUnderLoad(t *testing.T) {
	s := newScene(t, map[string]string{"mesh.yaml": mesh("")})
	s.backends(2, 1)
	s.write("least.yaml", s.weighted("least", "simple: LEAST_REQUEST", ""))
	client := s.envoy(coastwise.Client{})
	client.splits(t, "least.example", s.three([3]float64{80, 10, 10}))
	for _, at := range []struct {
		once        int
		least, most float64
	}{{4, 45, 78}, {40, 38, 72}} {
		tally := client.sendBy(at.once, "least.example", requests)
		share := 100 * float64(tally.ByEndpoint[s.hostPort(0, 0)]) / float64(tally.Requests)
		t.Logf("%d requests at once: %.1f %%", at.once, share)
		if share < at.least || share > at.most {
			t.Errorf("%d requests at once: %.1f %%, want %v to %v", at.once, share, at.least, at.most)
		}
	}
}

// weighted is the entry NAME.example of weightCases with a rule.
func (s *scene) weighted(name, algorithm, setting string) string {
	if setting != "" {
		algorithm += ", localityLbSetting: " + setting
	}
	var endpoints []string
	for i, weight := range []int{8, 1, 1} {
		zone, n := i/2, i%2
		endpoints = append(endpoints, fmt.Sprintf("address: %s, locality: %s/%s, weight: %d", s.endpoint(zone, n), zones[zone].region, zones[zone].zone, weight))
	}
	return manifest.Join(s.entry(name, "STATIC", endpoints...), manifest.Rule("default", name, name+".example", "{loadBalancer: {"+algorithm+"}}"))
}

// three are the shares of the endpoints of weighted.
func (s *scene) three(shares [3]float64) map[string]float64 {
	out := map[string]float64{}
	for i, share := range shares {
		out[s.hostPort(i/2, i%2)] = share
	}
	return out
}

// hostPort is the n-th endpoint of a zone.
func (s *scene) hostPort(zone, n int) string {
	return fmt.Sprintf("%s:%d", s.endpoint(zone, n), s.ports.Backend)
}
