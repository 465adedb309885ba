package parity

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
	"github.com/coastwise/coastwise/e2e/traffic"
)

// live is a cluster of three zones with two Nodes each, an Envoy on each Node, and
// Pods of one Service.
type live struct {
	*kube.Scene
	namespace string
	nodes     []string
	envoys    map[string]*kube.Client
}

func newLive(t *testing.T) *live {
	dir := t.TempDir()
	tools, err := kube.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := cluster.Start(t, cluster.Options{})
	kube.Prepare(t, c)
	l := &live{Scene: kube.New(t, c, tools), envoys: map[string]*kube.Client{}}
	l.namespace = c.Namespace(t, "live")
	for _, zone := range []string{"a", "b", "c"} {
		for i := range 2 {
			node := fmt.Sprintf("%s-%d", zone, i)
			c.Node(t, node, "eu", zone, "4")
			l.nodes = append(l.nodes, node)
		}
	}
	for _, node := range l.nodes {
		l.envoys[node] = l.Envoy(l.namespace, node)
	}
	return l
}

// serve makes the Service reviews; metadata and spec are YAML, indented by two.
func (l *live) serve(metadata, spec string) {
	l.Helper()
	s := manifest.Service(l.namespace, "reviews", 80, "    targetPort: 8080\n  selector: {app: reviews}\n"+spec)
	l.Cluster.Apply(l, strings.Replace(s, "spec:\n", metadata+"spec:\n", 1))
}

// mesh is the Service, its slices and the Nodes as the API server has them.
func (l *live) mesh() (m mesh, err error) {
	ctx, client := context.Background(), l.Cluster.Client()
	if m.service, err = client.CoreV1().Services(l.namespace).Get(ctx, "reviews", metav1.GetOptions{}); err != nil {
		return m, err
	}
	list, err := client.DiscoveryV1().EndpointSlices(l.namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=reviews"})
	if err != nil {
		return m, err
	}
	for i := range list.Items {
		m.slices = append(m.slices, &list.Items[i])
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return m, err
	}
	for i := range nodes.Items {
		m.nodes = append(m.nodes, &nodes.Items[i])
	}
	return m, nil
}

// hints says how many ready endpoints have a hint for zones, and for nodes.
func (m mesh) hints() (ready, zones, nodes int) {
	for _, s := range m.slices {
		for _, e := range s.Endpoints {
			if !*e.Conditions.Ready {
				continue
			}
			ready++
			if e.Hints != nil && len(e.Hints.ForZones) > 0 {
				zones++
			}
			if e.Hints != nil && len(e.Hints.ForNodes) > 0 {
				nodes++
			}
		}
	}
	return ready, zones, nodes
}

// agrees waits until the slices are as ok wants them, and until each Envoy's priority 0
// is what kube-proxy uses on its Node; then it sends requests, which all of that and
// nothing else must answer. Where kube-proxy uses something else by then, since the Pods
// change one by one, it asks again.
func (l *live) agrees(what string, ok func(ready, zones, nodes int) bool) {
	l.Helper()
	sets, tallies := map[string][]string{}, map[string]traffic.Tally{}
	for settled := false; !settled; {
		sets = l.settled(what, ok)
		for node, set := range sets {
			tallies[node] = l.envoys[node].Send("reviews."+l.namespace, 40*len(set))
		}
		settled = reflect.DeepEqual(sets, l.settled(what, ok))
	}
	sizes := []string{}
	for _, node := range l.nodes {
		var ips []string
		for _, e := range sets[node] {
			ips = append(ips, strings.TrimSuffix(e, ":8080"))
		}
		l.Only(tallies[node], ips...)
		sizes = append(sizes, fmt.Sprintf("%s %d", node, len(ips)))
	}
	if l.Failed() {
		l.Fatalf("%s: the requests went elsewhere", what)
	}
	l.Logf("%s: as kube-proxy, endpoints by node: %s", what, strings.Join(sizes, ", "))
}

// settled are the sets of kube-proxy by Node, once the slices are as ok wants them and
// each Envoy has the same.
func (l *live) settled(what string, ok func(ready, zones, nodes int) bool) map[string][]string {
	l.Helper()
	var sets map[string][]string
	cluster.Eventually(l, kube.Patience, func() error {
		m, err := l.mesh()
		if err != nil {
			return err
		}
		if ready, zones, nodes := m.hints(); !ok(ready, zones, nodes) {
			return fmt.Errorf("%s: of %d ready endpoints %d are hinted for zones, %d for nodes", what, ready, zones, nodes)
		}
		sets = map[string][]string{}
		for _, node := range m.nodes {
			sets[node.Name] = m.kubeProxy(node, "http")
			if err := l.same(node.Name, sets[node.Name]); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		return nil
	})
	return sets
}

// same compares an Envoy's priority 0 with the set of kube-proxy.
func (l *live) same(node string, want []string) error {
	hosts, err := l.envoys[node].Hosts(context.Background(), kube.Outbound(l.namespace, "reviews"))
	if err != nil {
		return err
	}
	got := []string{}
	for _, h := range hosts {
		if h.Priority == 0 && h.Healthy {
			got = append(got, h.Address)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("on %s kube-proxy uses\n%s\nand Envoy\n%s", node, strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	return nil
}

// unhinted wants the Service's Problem and the metric to name a safeguard.
func (l *live) unhinted(safeguard string) {
	l.Helper()
	l.Told(l.namespace, "HintsDropped by "+safeguard, func(p kube.Problem) bool {
		return p.Object == "Service "+l.namespace+"/reviews" && p.Reason == "HintsDropped" && p.Safeguard == safeguard
	})
	l.Says("/metrics", fmt.Sprintf("coastwise_hints_dropped{safeguard=%q} 1\n", safeguard))
}

func none(_, zones, nodes int) bool { return zones == 0 && nodes == 0 }

func byZone(ready, zones, nodes int) bool { return ready > 0 && zones == ready && nodes == 0 }

func byNode(ready, zones, nodes int) bool { return ready > 0 && zones == ready && nodes == ready }

const auto = "  annotations: {service.kubernetes.io/topology-mode: Auto}\n"

// TestLive: with hints of the real controller, for every value of trafficDistribution
// and for topology-mode Auto, the Envoy on each Node reaches all and only the endpoints
// that kube-proxy would use there; where a safeguard switches hints off, too, and it
// is told which (semantics 5).
func TestLive(t *testing.T) {
	l := newLive(t)
	l.Pods(l.namespace, "reviews", "a-0", "a-0", "a-1", "b-0", "b-1", "c-0", "c-1")
	l.serve("", "")
	l.agrees("no topology", none)
	for _, value := range []string{"PreferSameZone", "PreferClose"} {
		l.serve("", "  trafficDistribution: "+value+"\n")
		l.agrees(value, byZone)
	}
	l.serve("", "  trafficDistribution: PreferSameNode\n")
	l.agrees("PreferSameNode", byNode)
	// The controller leaves node hints where Auto comes on top: it looks at zones alone.
	l.serve(auto, "  trafficDistribution: PreferSameNode\n")
	l.agrees("Auto after PreferSameNode", byNode)
	l.serve("", "")
	l.agrees("no topology again", none)
	l.serve(auto, "  trafficDistribution: PreferSameNode\n")
	l.agrees("Auto beats PreferSameNode", byZone)
	l.serve(auto, "")
	l.agrees("Auto", byZone)
	l.safeguards(t)
}

func (l *live) safeguards(t *testing.T) {
	ns := l.namespace
	l.serve("", "  trafficDistribution: PreferSameZone\n")
	l.SetReadyAll("c", false)
	l.agrees("no endpoint in zone c", byZone)
	l.unhinted("ZoneWithoutHint")
	l.SetReadyAll("c", true)
	l.agrees("zone c is back", byZone)

	// A slice of somebody else's, without hints.
	ip := l.Pod(cluster.Pod{Namespace: ns, Name: "foreign", Node: "b-0"})
	l.Cluster.Apply(t, manifest.Slice(ns, "reviews", "foreign", kube.Port, []manifest.Endpoint{{Address: ip, Zone: "b", Node: "b-0", Pod: "foreign"}}))
	l.agrees("an endpoint without a hint", func(ready, zones, _ int) bool { return ready == 8 && zones == 7 })
	l.unhinted("EndpointWithoutHint")
	l.Cluster.Kubectl(t, "delete", "endpointslice", "foreign", "-n", ns)

	l.serve(auto, "")
	l.agrees("Auto again", byZone)
	l.Cluster.Node(t, "bare", "", "", "4")
	l.envoys["bare"] = l.Envoy(ns, "bare")
	l.nodes = append(l.nodes, "bare")
	l.agrees("Auto with a Node without a zone", none)
	l.unhinted("NodeInfo")
	l.Cluster.Kubectl(t, "delete", "node", "bare")
	l.nodes = l.nodes[:len(l.nodes)-1]

	for _, pod := range []string{"reviews-1", "reviews-2", "reviews-3", "reviews-4", "reviews-5"} {
		l.Cluster.SetReady(t, ns, pod, false)
	}
	l.agrees("Auto with two endpoints for three zones", none)
	l.unhinted("TooFewEndpoints")
}

// SetReadyAll makes the Pods of a zone ready, or unready.
func (l *live) SetReadyAll(zone string, ready bool) {
	l.Helper()
	list, err := l.Cluster.Client().CoreV1().Pods(l.namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		l.Fatal(err)
	}
	for _, p := range list.Items {
		if strings.HasPrefix(p.Spec.NodeName, zone+"-") {
			l.Cluster.SetReady(l, l.namespace, p.Name, ready)
		}
	}
}
