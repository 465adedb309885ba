package kubereplicas_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// Where coastwise runs, and the name in its certificate.
const (
	system     = "coastwise-system"
	account    = "coastwise"
	serverName = account + "." + system + ".svc"
)

// world is two replicas on the shared cluster, and a Service shop with a Pod in each of
// two zones.
type world struct {
	testing.TB
	cluster *cluster.Cluster
	// dir has the logs, and the files of each Envoy; server the replicas' certificate;
	// credentials is their --tls-dir.
	dir, server, credentials string
	ca                       *authority.Authority
	// namespace is that of clients and Services, nodes one in each zone, shop the
	// addresses of the Pods there.
	namespace   string
	nodes, shop []string
	replicas    [2]*replica
	// pods counts those of replicas that were made, clients the Envoys.
	pods, clients int
	// tokens are all that were made.
	tokens []string
}

// newWorld starts it, without a rule and without Envoys.
func newWorld(t *testing.T, name string) *world {
	t.Helper()
	c := shared.For(t)
	prepare.Do(func() { kube.Prepare(t, c) })
	w := &world{TB: t, cluster: c, dir: t.TempDir(), server: t.TempDir(), credentials: t.TempDir()}
	t.Cleanup(w.showLogs)
	w.issue()
	w.namespace = c.Namespace(t, name)
	for i, zone := range []string{"here", "there"} {
		node, ip := w.namespace+"-"+zone, c.Address(t)
		c.Node(t, node, "eu", zone, "4")
		w.nodes, w.shop = append(w.nodes, node), append(w.shop, ip)
		w.listen(ip)
		c.Pod(t, cluster.Pod{
			Namespace: w.namespace, Name: fmt.Sprintf("shop-%d", i), Node: node, IPs: []string{ip}, Labels: map[string]string{"app": "shop"},
		})
	}
	c.Apply(t, w.service("shop"))
	t.Cleanup(w.judge)
	for i := range w.replicas {
		w.replicas[i] = w.replica(c.Address(t), w.nodes[i])
	}
	return w
}

// issue writes the certificate that both replicas have.
func (w *world) issue() {
	w.Helper()
	ca, err := authority.New("coastwise-test")
	if err != nil {
		w.Fatal(err)
	}
	w.ca = ca
	chain, key := ca.Issue(serverName)
	for name, content := range map[string][]byte{"tls.crt": chain, "tls.key": key, "ca.crt": ca.PEM()} {
		w.put(filepath.Join(w.server, name), content)
	}
}

// put replaces a file at once, as whoever rotates it does.
func (w *world) put(path string, content []byte) {
	w.Helper()
	if err := os.WriteFile(path+".next", content, 0o600); err != nil {
		w.Fatal(err)
	}
	if err := os.Rename(path+".next", path); err != nil {
		w.Fatal(err)
	}
}

// token writes a token that is bound to a Pod for coastwise's audience into a file.
func (w *world) token(path, namespace, account, pod string) {
	w.Helper()
	text := w.cluster.Token(w, namespace, account, "coastwise", pod)
	w.tokens = append(w.tokens, text)
	w.put(path, []byte(text+"\n"))
}

// listen serves HTTP at a Pod's address until the test's end.
func (w *world) listen(ip string) {
	w.Helper()
	address := fmt.Sprintf("%s:%d", ip, kube.Port)
	l, err := net.Listen("tcp", address)
	if err != nil {
		w.Fatal(err)
	}
	server := &http.Server{Handler: backend.Handler(address, ""), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // until it is closed
	w.Cleanup(func() { _ = server.Close() })
}

// service is a Service of its name for the Pods of shop.
func (w *world) service(name string) string {
	return manifest.Service(w.namespace, name, 80, fmt.Sprintf("    targetPort: %d\n  selector: {app: shop}\n", kube.Port))
}

// rule is a rule for the Service of its name.
func (w *world) rule(name, policy string) string {
	return manifest.Rule(w.namespace, name, name, policy)
}

// apply is `kubectl apply -f -`, for what goes with its namespace.
func (w *world) apply(manifest string) {
	w.Helper()
	if r := w.cluster.TryKubectl(w, manifest, "apply", "-f", "-"); r.Code != 0 {
		w.Fatal(r.Stderr)
	}
}

// ownZone is a trafficPolicy that says no more than that locality counts.
const ownZone = "{loadBalancer: {localityLbSetting: {enabled: true}}}"

// otherZone is one by which all requests leave the zone here.
const otherZone = `{loadBalancer: {localityLbSetting: {distribute: [{from: "eu/here/*", to: {"eu/there/*": 100}}]}}}`

// showLogs prints what the processes logged if the test failed.
func (w *world) showLogs() {
	if !w.Failed() {
		return
	}
	logs, _ := filepath.Glob(filepath.Join(w.dir, "*.log"))
	for _, path := range logs {
		content, _ := os.ReadFile(path)
		w.Logf("%s:\n%s", filepath.Base(path), content[max(0, len(content)-4000):])
	}
}
