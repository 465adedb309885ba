package e2e

import (
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/proc"
)

const (
	vip4, vip6 = "10.96.0.10", "fd00:96::10"
	regionRule = `---
apiVersion: networking.coastwise.dev/v1alpha1
kind: DestinationRule
metadata: {name: shop, namespace: default}
spec: {host: shop, trafficPolicy: {loadBalancer: {localityLbSetting: {enabled: true}}, outlierDetection: {consecutiveLocalOriginFailures: 1, splitExternalLocalOriginErrors: true, consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 30s, maxEjectionPercent: 100}}}
`
)

// twoPortService is Service default/NAME with an HTTP port 80 and a TCP port 9000 on
// virtual IPs; its endpoints are those of the scene by zone, of which so many are there.
func (s *scene) twoPortService(name string, vips []string, zones ...int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: v1
kind: Service
metadata: {name: %s, namespace: default}
spec: {clusterIPs: ["%s"], ports: [{name: http, port: 80}, {name: tcp, port: 9000}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %[1]s-1, namespace: default, labels: {kubernetes.io/service-name: %[1]s}}
addressType: IPv4
ports: [{name: http, port: %[3]d}, {name: tcp, port: %[3]d}]
endpoints:
`, name, strings.Join(vips, `", "`), s.ports.Backend)
	for zone, n := range zones {
		for i := range n {
			fmt.Fprintf(&b, "- {addresses: [%s], zone: eu-%d, nodeName: node-eu-%d}\n", s.endpoint(zone, i), zone+1, zone+1)
		}
	}
	return b.String()
}

func mode(m string) string {
	return "apiVersion: networking.coastwise.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {outboundTrafficPolicy: {mode: " + m + "}}\n"
}

// TestCapture: an application that knows nothing of proxies, and real iptables.
func TestCapture(t *testing.T) {
	if !inside(t) {
		return
	}
	c := newCaptureScene(t, map[string]string{"nodes.yaml": manifest.Join(
		manifest.Node("node-eu-1", "eu", "eu-1"), manifest.Node("node-eu-2", "eu", "eu-2"), manifest.Node("node-eu-3", "eu", "eu-3"))})
	var first []*proc.Process
	at := func(zone, n int) string { return fmt.Sprintf("%s:%d", c.endpoint(zone, n), c.ports.Backend) }
	for zone, n := range []int{2, 1, 1} {
		for i := range n {
			p, err := backend.Start(at(zone, i), fmt.Sprintf("zone %d", zone), os.Stderr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Kill)
			if err := backend.WaitListening(p, at(zone, i), time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if zone == 0 {
				first = append(first, p)
			}
		}
	}
	c.write("shop.yaml", c.twoPortService("shop", []string{vip4, vip6}, 2, 1, 1)+regionRule)
	c.start("")
	unknown := c.stranger(t)
	own := c.listen(t, near+":8080")
	c.refused("http://" + vip4 + "/") // without rules nobody has the address
	documented(t, "capture-on")
	documented(t, "capture-in")

	for _, port := range []string{"80", "9000"} {
		want := c.predicted("shop.default:" + port).Shares()
		c.answers(c.app, "http://"+vip4+":"+port+"/", at(0, 0), at(0, 1))
		c.near(want, c.served(capturedRequests, port == "9000", "http://"+vip4+":"+port+"/")) // TCP is balanced by connection
		if c.bind == "::" {
			c.near(want, c.served(capturedRequests, true, "http://["+vip6+"]:"+port+"/"))
		}
	}
	c.passes(t, unknown)
	c.answers(c.far, "http://"+own+"/", own)
	if n := c.stat("cluster.inbound.upstream_cx_total"); n < 2 {
		t.Errorf("the inbound listener passed %d connections on", n)
	}
	c.noLoops(t)

	for _, p := range first { // a zone dies
		p.Kill()
	}
	c.write("gone.yaml", "# nothing: Envoy finds out by itself\n")
	tally, err := c.app.Run(t.Context(), 200, true, "http://"+vip4+"/")
	if err != nil || len(tally.Failures) > 0 {
		t.Errorf("HTTP after a zone died: %v %v", err, tally.Failures)
	}
	tally, err = c.app.Run(t.Context(), 200, true, "http://"+vip4+":9000/")
	if err != nil || len(tally.Failures) > 1 {
		t.Errorf("TCP after a zone died: %v %v", err, tally.Failures)
	}

	documented(t, "capture-off")
	c.refused("http://" + vip4 + "/")
	before := c.stat("cluster.passthrough.upstream_cx_total")
	c.answers(c.app, unknown, strings.TrimSuffix(strings.TrimPrefix(unknown, "http://"), "/"))
	if after := c.stat("cluster.passthrough.upstream_cx_total"); after != before {
		t.Error("connections are captured without rules")
	}
}

// stranger is a server in the far namespace, which no service names.
func (c *captureScene) stranger(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("nsenter", "-t", fmt.Sprint(c.pid), "-n", c.app.Binary, "backend-child", far+":8080", "far")
	p, err := proc.Start("the stranger", cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if err := backend.WaitListening(p, far+":8080", time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return "http://" + far + ":8080/"
}

// listen starts the sidecar's own application.
func (c *captureScene) listen(t *testing.T, address string) string {
	t.Helper()
	p, err := backend.Start(address, "own", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if err := backend.WaitListening(p, address, time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return address
}

// near says that shares are within 5 points of those that are predicted.
func (c *captureScene) near(want, got map[string]float64) {
	c.t.Helper()
	all := maps.Clone(want)
	maps.Copy(all, got)
	for e := range all {
		if math.Abs(want[e]-got[e]) > 5 {
			c.t.Errorf("%s has %.1f %%, predicted are %.1f %%", e, got[e], want[e])
		}
	}
}

// passes says that the mode of unknown destinations holds, also as it changes.
func (c *captureScene) passes(t *testing.T, unknown string) {
	t.Helper()
	c.answers(c.app, unknown, far+":8080")
	if n := c.stat("cluster.passthrough.upstream_cx_total"); n < 2 {
		t.Errorf("%d connections were passed on: are they captured?", n)
	}
	c.write("mesh.yaml", mode("REGISTRY_ONLY"))
	c.refused(unknown)
	c.answers(c.app, "http://"+vip4+"/", c.endpoint(0, 0)+fmt.Sprintf(":%d", c.ports.Backend), c.endpoint(0, 1)+fmt.Sprintf(":%d", c.ports.Backend))
	c.write("mesh.yaml", mode("ALLOW_ANY"))
	c.answers(c.app, unknown, far+":8080")
}

// noLoops says that a connection to the listeners themselves is closed.
func (c *captureScene) noLoops(t *testing.T) {
	t.Helper()
	before := c.stat("cluster.passthrough.upstream_cx_total") + c.stat("cluster.inbound.upstream_cx_total")
	for _, url := range []string{"http://127.0.0.1:15001/", "http://127.0.0.1:15006/", "http://" + near + ":15001/", "http://" + far + ":15001/"} {
		c.refused(url)
	}
	tally, err := c.far.Run(t.Context(), 1, true, "http://"+near+":15006/")
	if err != nil || len(tally.Failures) == 0 {
		t.Errorf("from outside to 15006: %v %v", err, tally)
	}
	if after := c.stat("cluster.passthrough.upstream_cx_total") + c.stat("cluster.inbound.upstream_cx_total"); after != before {
		t.Errorf("connections to the listeners themselves were passed on %d times", after-before)
	}
}
