package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/proc"
)

// Addresses at the far end of the cable that no Service has: two in one /24, in its two
// halves, and one elsewhere.
const (
	lower, upper, abroad = "203.0.113.5", "203.0.113.200", "198.51.100.7"
)

// none is a ServiceEntry default/NAME of NAME.example that goes where its client goes.
func none(name, addresses, port string) string {
	return fmt.Sprintf(`apiVersion: networking.coastwise.dev/v1alpha1
kind: ServiceEntry
metadata: {name: %s, namespace: default}
spec: {hosts: [%[1]s.example], addresses: [%s], ports: [%s], resolution: NONE}
`, name, addresses, port)
}

// TestCaptureEntries: under REGISTRY_ONLY an application reaches what ServiceEntries with
// blocks of addresses and with resolution NONE allow, and nothing else.
func TestCaptureEntries(t *testing.T) {
	if !inside(t) {
		return
	}
	c := newCaptureScene(t, map[string]string{
		"nodes.yaml": manifest.Node("node-eu-1", "eu", "eu-1"), "mesh.yaml": mode("REGISTRY_ONLY"),
	})
	c.outside(t)
	c.start("")
	documented(t, "capture-on")
	for _, at := range []string{lower + ":8443", upper + ":8443", abroad + ":9100", abroad + ":8080"} {
		c.refused("http://" + at + "/")
	}
	c.blocks(t)
	c.portAlone(t)
	c.hostAlone(t)
	c.overlaps(t)
	c.ownPorts(t)
}

// outside starts servers at addresses in the far namespace.
func (c *captureScene) outside(t *testing.T) {
	t.Helper()
	for _, at := range []string{lower, upper, abroad} {
		sh(t, fmt.Sprintf("nsenter -t %d -n ip addr add %s/32 dev lo && ip route add %[2]s/32 via %s", c.pid, at, far))
		for _, port := range []string{"8443", "9100", "8080"} {
			c.server(t, at+":"+port)
		}
	}
}

// server starts one in the far namespace.
func (c *captureScene) server(t *testing.T, at string) {
	t.Helper()
	p, err := proc.Start("a stranger", exec.Command("nsenter", "-t", fmt.Sprint(c.pid), "-n", c.app.Binary, "backend-child", at, "far"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if err := backend.WaitListening(p, at, time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
}

// reached says that an address answers by itself.
func (c *captureScene) reached(addresses ...string) {
	c.t.Helper()
	for _, at := range addresses {
		c.answers(c.app, "http://"+at+"/", at)
	}
}

// blocks: the block is reached at its port and at no other, nor an address beside it; it
// grows while a connection into it stays.
func (c *captureScene) blocks(t *testing.T) {
	t.Helper()
	c.write("block.yaml", none("block", "203.0.113.0/25", "{number: 8443, name: tls, protocol: TLS}"))
	c.reached(lower + ":8443")
	held := hold(t, lower+":8443")
	held.ask(t, "the block is there", lower+":8443")
	for _, at := range []string{upper + ":8443", lower + ":8080", abroad + ":8443"} {
		c.refused("http://" + at + "/")
	}
	c.write("block.yaml", none("block", "203.0.113.0/24", "{number: 8443, name: tls, protocol: TLS}"))
	c.reached(upper+":8443", lower+":8443")
	held.ask(t, "the block grew", lower+":8443")
	c.tunnels(upper+":8443", upper+":8443")
	if code, got, err := c.connect(abroad + ":8443"); err != nil || got != "" || code == 200 {
		t.Errorf("CONNECT to an address outside of the block: %d, answered by %q, %v", code, got, err)
	}
	if _, got, _ := c.connect("block.example:8443"); got != "" {
		t.Errorf("CONNECT to the name of the block, which has no address, is answered by %q", got)
	}
	// A rule's settings hold: while one connection is open no other may be.
	c.write("rule.yaml", manifest.Rule("default", "block", "block.example", "{connectionPool: {tcp: {maxConnections: 1}}}"))
	await.Until(t, patience, func() string {
		first := hold(t, lower+":8443")
		defer first.conn.Close()
		tally, err := c.app.Run(t.Context(), 1, true, "http://"+upper+":8443/")
		if err != nil || len(tally.Failures) == 0 {
			return fmt.Sprintf("a second connection is answered: %v %v", tally, err)
		}
		return ""
	})
	c.write("rule.yaml", manifest.Rule("default", "block", "block.example", "{loadBalancer: {localityLbSetting: {allowedRegions: [eu]}}}"))
	c.refused("http://" + lower + ":8443/") // nobody knows its region
	c.write("rule.yaml", "# none\n")
	c.reached(lower + ":8443")
}

// portAlone: without addresses a TCP port is reached anywhere.
func (c *captureScene) portAlone(t *testing.T) {
	t.Helper()
	c.refused("http://" + abroad + ":9100/")
	c.write("port.yaml", none("port", "", "{number: 9100, name: tcp, protocol: TCP}"))
	c.reached(abroad+":9100", lower+":9100")
	c.refused("http://" + abroad + ":8080/")
	// An address that failed is ejected, and asked all the same: there is no other.
	c.write("dead.yaml", manifest.Join(none("dead", "", "{number: 9200, name: tcp, protocol: TCP}"),
		manifest.Rule("default", "dead", "dead.example", "{outlierDetection: {consecutiveLocalOriginFailures: 1, splitExternalLocalOriginErrors: true, baseEjectionTime: 300s, maxEjectionPercent: 100}}")))
	await.Until(t, patience, func() string {
		c.refused("http://" + abroad + ":9200/")
		if c.stat("cluster.default/dead/9200.outlier_detection.ejections_active") == 0 {
			return "nothing was ejected"
		}
		return ""
	})
	c.server(t, abroad+":9200")
	c.reached(abroad + ":9200")
	if c.stat("cluster.default/dead/9200.outlier_detection.ejections_active") == 0 {
		t.Error("the address that answers is not ejected any more, so that nothing was shown")
	}
}

// hostAlone: without addresses an HTTP port is reached by the host of a request.
func (c *captureScene) hostAlone(t *testing.T) {
	t.Helper()
	ask := func(host, at, want string) {
		t.Helper()
		await.Until(t, patience, func() string {
			if got := c.asks(t, host, at); got != want {
				return fmt.Sprintf("%s with Host %s: %q, want %q", at, host, got, want)
			}
			return ""
		})
	}
	c.write("web.yaml", none("web", "", "{number: 8080, name: http, protocol: HTTP}"))
	ask("web.example", abroad+":8080", "200 "+abroad+":8080")
	ask("web.example:8080", lower+":8080", "200 "+lower+":8080")
	ask("other.example", abroad+":8080", "502")
	held := hold(t, abroad+":8080")
	draining := c.stat("listener_manager.total_filter_chains_draining")
	c.write("other.yaml", none("other", "", "{number: 8080, name: http, protocol: HTTP}"))
	ask("other.example", abroad+":8080", "200 "+abroad+":8080")
	if n := c.stat("listener_manager.total_filter_chains_draining"); n > draining {
		t.Errorf("another host drained %d chains", n-draining)
	}
	fmt.Fprint(held.conn, "GET / HTTP/1.1\r\nHost: web.example\r\n\r\n")
	if b, err := held.r.Peek(len("HTTP/1.1 200")); err != nil || string(b) != "HTTP/1.1 200" {
		t.Errorf("a connection from before: %q, %v", b, err)
	}
	c.write("mesh.yaml", mode("ALLOW_ANY"))
	ask("third.example", abroad+":8080", "200 "+abroad+":8080")
	c.write("mesh.yaml", mode("REGISTRY_ONLY"))
	ask("third.example", abroad+":8080", "502")
}

// overlaps: an address comes before a block, and a longer prefix before a shorter.
func (c *captureScene) overlaps(t *testing.T) {
	t.Helper()
	c.backend(0, 0)
	c.backend(0, 1)
	at := func(n int) string { return fmt.Sprintf("%s:%d", c.endpoint(0, n), c.ports.Backend) }
	static := func(name, address string, n int) string {
		return fmt.Sprintf(`apiVersion: networking.coastwise.dev/v1alpha1
kind: ServiceEntry
metadata: {name: %s, namespace: default}
spec: {hosts: [%[1]s.example], addresses: [%s], ports: [{number: 8443, name: tcp, protocol: TCP, targetPort: %d}], resolution: STATIC, endpoints: [{address: %s}]}
`, name, address, c.ports.Backend, c.endpoint(0, n))
	}
	c.write("half.yaml", static("half", "203.0.113.128/25", 0))
	c.answers(c.app, "http://"+upper+":8443/", at(0))
	c.reached(lower + ":8443")
	c.write("one.yaml", static("one", upper, 1))
	c.answers(c.app, "http://"+upper+":8443/", at(1))
	c.answers(c.app, "http://203.0.113.201:8443/", at(0))
	c.reached(upper + ":9100") // by the port alone, which neither has
	c.write("one.yaml", "# gone\n")
	c.write("half.yaml", "# gone\n")
	c.reached(upper + ":8443")
}

// ownPorts: what the sidecar listens on itself is never passed on to, whoever has it.
func (c *captureScene) ownPorts(t *testing.T) {
	t.Helper()
	c.write("loop.yaml", manifest.Join(
		none("loop", "10.30.0.0/24, 127.0.0.0/8", "{number: 15001, name: tcp, protocol: TCP}, {number: 15006, name: tcp-in, protocol: TCP}"),
		none("loops", "", "{number: 15001, name: tcp, protocol: TCP}, {number: 15006, name: http, protocol: HTTP}")))
	c.write("own.yaml", none("last", "10.30.0.0/24", "{number: 8080, name: tcp, protocol: TCP}"))
	own := c.listen(t, near+":8080")
	c.tunnels(own, own) // so that Envoy has the entries
	for _, url := range []string{"http://127.0.0.1:15001/", "http://127.0.0.1:15006/", "http://" + near + ":15001/", "http://" + far + ":15001/", "http://" + far + ":15006/"} {
		c.refused(url)
	}
	for _, name := range []string{"default/loop/15001", "default/loop/15006", "default/loops/15001", "default/loops/15006"} {
		if n := c.stat("cluster." + name + ".upstream_cx_total"); n != 0 {
			t.Errorf("%s connected to the sidecar's own port %d times", name, n)
		}
	}
}

// asks is how a request with this host is answered: the status, and by whom.
func (c *captureScene) asks(t *testing.T, host, at string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "curl", "-sS", "-m", "5", "--noproxy", "*", "-o", "/dev/null", "-D", "-", "-H", "Host: "+host, "http://"+at+"/")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: appUID, Gid: appUID}, Pdeathsig: syscall.SIGKILL}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return err.Error() + ": " + out.String()
	}
	fields := strings.Fields(out.String())
	answer := fields[1]
	for i, f := range fields {
		if strings.EqualFold(f, backend.EndpointHeader+":") {
			answer += " " + fields[i+1]
		}
	}
	return answer
}
