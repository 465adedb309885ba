package kubereplicas_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/envoyproc"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// envoy is one Envoy, the process of a Pod.
type envoy struct {
	*envoyproc.Envoy
	world *world
	flags coastwise.Client
	// id is as coastwise names it, token the file of its token.
	id, token string
}

// how says in what an Envoy differs from the usual.
type how struct {
	// node is where its Pod is: the first, unless given.
	node string
	// claims changes what it says of itself and how it proves it.
	claims func(e *envoy)
	// binary is the program, Envoy itself unless given.
	binary string
	// more are further replicas that it may connect to.
	more []*replica
}

// launch makes a Pod with an Envoy of its own that connects to a replica, and does not
// wait for it.
func (w *world) launch(r *replica, h how) *envoy {
	w.Helper()
	name, ip := fmt.Sprintf("client-%d", w.clients), w.cluster.Address(w)
	w.clients++
	if h.node == "" {
		h.node = w.nodes[0]
	}
	w.cluster.Pod(w, cluster.Pod{Namespace: w.namespace, Name: name, Node: h.node, IPs: []string{ip}})
	dir := filepath.Join(w.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		w.Fatal(err)
	}
	e := &envoy{world: w, id: w.namespace + "/" + name, token: filepath.Join(dir, "token")}
	w.token(e.token, w.namespace, "default", name)
	e.flags = coastwise.Client{
		ID: name, Namespace: w.namespace, Bind: ip, HTTPProxyPort: 15001, AdminPort: 15000, AdminBind: ip,
		Secure: []string{"--ca", filepath.Join(w.server, "ca.crt"), "--server-name", serverName, "--sds-dir", dir, "--token-file", e.token},
	}
	if h.claims != nil {
		h.claims(e)
	}
	e.run(r, h, name)
	return e
}

func (e *envoy) run(r *replica, h how, name string) {
	w := e.world
	w.Helper()
	bootstrap, err := tools.Coastwise.Bootstrap(context.Background(), e.flags, r.XDS)
	if err != nil {
		w.Fatal(err)
	}
	if len(h.more) > 0 {
		bootstrap = w.withReplicas(bootstrap, h.more)
	}
	if h.binary == "" {
		h.binary = tools.Envoy
	}
	e.Envoy, err = envoyproc.Start(envoyproc.Config{
		Binary: h.binary, Name: name, Dir: w.dir, Bootstrap: bootstrap, Admin: e.flags.Admin(),
	})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { e.Stop(3 * time.Second) })
}

// envoy is launch, and waits until it serves.
func (w *world) envoy(r *replica, h how) *envoy {
	w.Helper()
	e := w.launch(r, h)
	if err := e.WaitReady(time.Now().Add(patience)); err != nil {
		w.Fatal(err)
	}
	if err := backend.WaitListening(e.Process, e.flags.Proxy(), time.Now().Add(patience)); err != nil {
		w.Fatal(err)
	}
	return e
}

// withReplicas puts further replicas behind the name that a bootstrap has for them, as
// a Service does.
func (w *world) withReplicas(text []byte, more []*replica) []byte {
	w.Helper()
	var b map[string]any
	if err := yaml.Unmarshal(text, &b); err != nil {
		w.Fatal(err)
	}
	clusters, _, err := unstructured.NestedSlice(b, "static_resources", "clusters")
	if err != nil {
		w.Fatal(err)
	}
	groups, _, err := unstructured.NestedSlice(clusters[0].(map[string]any), "load_assignment", "endpoints")
	if err != nil {
		w.Fatal(err)
	}
	group := groups[0].(map[string]any)
	endpoints := group["lb_endpoints"].([]any)
	for _, r := range more {
		e := runtime.DeepCopyJSON(endpoints[0].(map[string]any))
		if err := unstructured.SetNestedField(e, r.ip, "endpoint", "address", "socket_address", "address"); err != nil {
			w.Fatal(err)
		}
		endpoints = append(endpoints, e)
	}
	group["lb_endpoints"] = endpoints
	if err := unstructured.SetNestedSlice(clusters[0].(map[string]any), groups, "load_assignment", "endpoints"); err != nil {
		w.Fatal(err)
	}
	if err := unstructured.SetNestedSlice(b, clusters, "static_resources", "clusters"); err != nil {
		w.Fatal(err)
	}
	if text, err = yaml.Marshal(b); err != nil {
		w.Fatal(err)
	}
	return text
}

// outbound is the name of the cluster of a Service.
func (w *world) outbound(service string) string {
	return fmt.Sprintf("outbound|80||%s.%s.svc.cluster.local", service, w.namespace)
}

// lacks says in what an Envoy's first endpoints of shop differ from one Pod's.
func (e *envoy) lacks(ip string) error {
	hosts, err := e.Hosts(context.Background(), e.world.outbound("shop"))
	if err != nil {
		return err
	}
	for _, h := range hosts {
		if h.Priority == 0 && h.Address != fmt.Sprintf("%s:%d", ip, kube.Port) {
			return fmt.Errorf("%s holds %+v, not %s first", e.id, hosts, ip)
		}
	}
	if len(hosts) == 0 {
		return fmt.Errorf("%s holds no endpoint", e.id)
	}
	return nil
}

// holds waits until an Envoy sends its requests for shop to one Pod.
func (e *envoy) holds(ip string) {
	e.world.Helper()
	cluster.Eventually(e.world, patience, func() error { return e.lacks(ip) })
}

// stream is steady traffic for shop; end stops it, and none of its requests may have
// failed.
func (e *envoy) stream() (end func() traffic.Tally) {
	const rate = 100
	g := traffic.Start(e.flags.Proxy(), "shop."+e.world.namespace, 2, rate)
	e.world.Cleanup(g.Stop)
	phase := g.Begin(rate)
	return func() traffic.Tally {
		e.world.Helper()
		g.Stop()
		tally := phase.Tally()
		if len(tally.Failures) > 0 || tally.Requests == 0 {
			e.world.Errorf("%s: %d of %d requests failed: %v", e.id, len(tally.Failures), tally.Requests, tally.Failures[:min(3, len(tally.Failures))])
		}
		return tally
	}
}
