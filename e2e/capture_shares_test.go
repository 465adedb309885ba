package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// capturedServices is how many TestCaptureShares draws, capturedRequests what each gets:
// with p = ½ a share has σ = 1 point, of 5 that it may be off.
const capturedServices, capturedRequests = 20, 2500

// TestCaptureShares: an application that knows nothing of proxies asks 20 services of
// random policies, and an entry, by their virtual IPs; each endpoint's share is the
// predicted one. What no service has is closed throughout.
func TestCaptureShares(t *testing.T) {
	if !inside(t) {
		return
	}
	seed := *predictSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("again with -predict.seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 10))
	c := newCaptureScene(t, map[string]string{"nodes.yaml": randomNodes(), "mesh.yaml": mode("REGISTRY_ONLY")})
	w := &randomWorld{scene: c.scene, zones: map[string]string{}}
	for zone := range randomPlaces {
		for n := range most {
			w.here(zone, n)
		}
	}
	var all []setup
	vip := func(n int) string { return fmt.Sprintf("10.96.3.%d", 1+n) }
	for n := range capturedServices {
		s := w.draw(r, n)
		s.subset = "" // no connection leads to one
		c.write(s.name+".yaml", s.withVIP(vip(n)))
		all = append(all, s)
	}
	entry := c.entry("vm", "STATIC", c.statically(0, inEU1), c.statically(1, inEU2))
	c.write("vm.yaml", manifest.Join(strings.Replace(entry, "hosts: [vm.example]", "hosts: [vm.example]\n  addresses: [10.9.0.1]", 1),
		manifest.Rule("default", "vm", "vm.example", fmt.Sprintf(zoneRule, 70, 30))))
	c.start("version=v1")
	documented(t, "capture-on")
	answer, err := built.coastwise.Translate(t.Context(), string(c.folder), c.flags, "")
	if err != nil {
		t.Fatal(err)
	}
	clusters := map[string]coastwise.Cluster{}
	for _, cluster := range answer.Clusters {
		clusters[cluster.Name] = cluster
	}
	asked := 0
	for n, s := range all {
		if c.share(t, clusters[s.cluster()], vip(n)) {
			asked++
		}
		if t.Failed() {
			t.Fatalf("%s:\n%s", vip(n), s.text)
		}
	}
	if asked < capturedServices*2/3 {
		t.Errorf("only %d of %d services serve anything", asked, capturedServices)
	}
	if !c.share(t, clusters["outbound|80||vm.example"], "10.9.0.1") {
		t.Error("the entry serves nothing")
	}
	c.refused("http://10.9.0.2/")
}

// share holds the shares of a service at a virtual IP against the predicted ones, if
// there is an endpoint for all requests.
func (c *captureScene) share(t *testing.T, cluster coastwise.Cluster, vip string) bool {
	t.Helper()
	if cluster.Name == "" {
		t.Errorf("translate knows no cluster of %s", vip)
	}
	want, total := cluster.Shares(), 0.0
	for _, share := range want {
		total += share
	}
	if total < 99 {
		return false
	}
	c.converge(cluster)
	c.near(want, c.served(capturedRequests, false, "http://"+vip+"/"))
	return true
}
