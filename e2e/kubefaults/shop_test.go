package kubefaults_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/coastwise/coastwise/e2e/ads"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// ownZone is a trafficPolicy that says no more than that locality counts; allThere
// sends everything into the other zone.
const (
	ownZone  = "{loadBalancer: {localityLbSetting: {enabled: true}}}"
	allThere = `{loadBalancer: {localityLbSetting: {enabled: true, distribute: [{from: "eu/here/*", to: {"eu/there/*": 100}}]}}}`
)

// shop is a Service whose Pods are in two zones, and a rule of the same name.
type shop struct {
	*kube.Scene
	namespace, host string
	nodes           []string
	pods            [2][]string // addresses: in the client's zone, in the other
	zone            int         // where the rule sends the traffic to
}

func newShop(s *kube.Scene, prefix string) *shop {
	s.Helper()
	z := &shop{Scene: s, namespace: s.Cluster.Namespace(s, prefix)}
	z.host = "shop." + z.namespace
	z.nodes = s.Zones(z.namespace, "eu/here", "eu/there")
	for i := range z.pods {
		z.addPod(i)
	}
	s.Cluster.Apply(s, manifest.Join(z.service("shop"), z.rule()))
	return z
}

// addPod makes one more Pod in a zone.
func (z *shop) addPod(zone int) {
	z.Helper()
	z.pods[zone] = append(z.pods[zone], z.Pod(cluster.Pod{
		Namespace: z.namespace, Name: fmt.Sprintf("shop-%d-%d", zone, len(z.pods[zone])), Node: z.nodes[zone],
		Labels: map[string]string{"app": "shop"},
	}))
}

// service is a Service for the shop's Pods.
func (z *shop) service(name string) string {
	return manifest.Service(z.namespace, name, 80, fmt.Sprintf("    targetPort: %d\n  selector: {app: shop}\n", kube.Port))
}

// rule is the rule that sends the traffic to z.zone.
func (z *shop) rule() string {
	return manifest.Rule(z.namespace, "shop", "shop", z.policy())
}

func (z *shop) policy() string { return []string{ownZone, allThere}[z.zone] }

// turn makes the rule send the traffic into the other zone, and returns the new rule.
func (z *shop) turn() string {
	z.zone = 1 - z.zone
	return z.rule()
}

func (z *shop) cluster() string { return kube.Outbound(z.namespace, "shop") }

// lists are the priorities that an Envoy in the first zone should hold.
func (z *shop) lists() [][]string {
	if z.zone == 1 {
		return [][]string{slices.Clone(z.pods[1])}
	}
	return [][]string{slices.Clone(z.pods[0]), slices.Clone(z.pods[1])}
}

// client is an Envoy in the first zone that holds what it should.
func (z *shop) client() *kube.Client {
	z.Helper()
	c := z.Envoy(z.namespace, z.nodes[0])
	c.Holds(z.cluster(), z.lists()...)
	return c
}

// observer is a client that writes down what it hears.
type observer struct {
	*ads.Client
	scene *kube.Scene
}

// observe is an observer in the first zone that asks for all clusters and for the
// endpoints of these.
func (z *shop) observe(whole bool, endpoints ...string) *observer {
	z.Helper()
	o := &observer{Client: z.unheard(whole), scene: z.Scene}
	o.Subscribe(ads.Cluster, ads.Wildcard)
	o.Subscribe(ads.Endpoint, endpoints...)
	cluster.Eventually(z, kube.Patience, func() error {
		for _, name := range endpoints {
			if _, ok := o.Held(ads.Endpoint)[name]; !ok {
				return fmt.Errorf("the observer was not sent %s; %w", name, o.Err())
			}
		}
		return nil
	})
	return o
}

// unheard is a client that has connected and asked for nothing yet.
func (z *shop) unheard(whole bool) *ads.Client {
	z.Helper()
	c := &ads.Client{Node: z.node(fmt.Sprint("observer-", whole)), Whole: whole}
	z.connect(c)
	return c
}

// node is who a client in the first zone says it is.
func (z *shop) node(id string) *corev3.Node {
	z.Helper()
	bootstrap, err := tools.Coastwise.Bootstrap(z.Context(), coastwise.Client{
		ID: id, Namespace: z.namespace, Node: z.nodes[0], Bind: "127.0.0.1",
	}, z.Server.XDS)
	if err != nil {
		z.Fatal(err)
	}
	node, err := ads.ParseNode(bootstrap)
	if err != nil {
		z.Fatal(err)
	}
	return node
}

// connect opens a client's stream, on a connection of its own.
func (z *shop) connect(c *ads.Client) {
	z.Helper()
	conn, err := grpc.NewClient(z.Server.XDS, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		z.Fatal(err)
	}
	z.Cleanup(func() { conn.Close() })
	if err := c.Connect(conn); err != nil {
		z.Fatal(err)
	}
	z.Cleanup(c.Close)
}

// metric sums a metric of /metrics over those of its series that hold a text.
func metric(s *kube.Scene, name, text string) float64 {
	s.Helper()
	sum := 0.0
	for _, v := range series(s, name, text) {
		sum += v
	}
	return sum
}

// series are the series of a metric that hold a text.
func series(s *kube.Scene, name, text string) map[string]float64 {
	s.Helper()
	page, err := s.Admin("/metrics")
	if err != nil {
		s.Fatal(err)
	}
	out := map[string]float64{}
	for line := range strings.Lines(page) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		labels, mine := strings.CutPrefix(key, name)
		if !ok || !mine || labels != "" && labels[0] != '{' || !strings.Contains(labels, text) {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out[labels] = v
		}
	}
	return out
}

// took is how long it takes from since until ok gives nil, which fails the test
// after limit.
func took(t testing.TB, since time.Time, limit time.Duration, ok func() error) time.Duration {
	t.Helper()
	cluster.Eventually(t, kube.Patience, ok)
	d := time.Since(since).Round(time.Millisecond)
	if d > limit {
		t.Errorf("it took %v, more than %v", d, limit)
	}
	return d
}

// hasCluster says whether an Envoy has a cluster.
func hasCluster(c *kube.Client, name string) (bool, error) {
	page, err := c.Get(context.Background(), "/clusters")
	return strings.Contains(string(page), name+"::"), err
}
