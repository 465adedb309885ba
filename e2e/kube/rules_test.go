package kube_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// twoZones is a Service with a Pod in each of two zones, a rule named shop that keeps
// traffic in its zone, and a client in the first.
type twoZones struct {
	*kube.Scene
	namespace, host string
	here, there     string // the Pods' addresses
	client          *kube.Client
}

func newTwoZones(t *testing.T, name string) twoZones {
	s := newScene(t)
	z := twoZones{Scene: s, namespace: s.Cluster.Namespace(t, name)}
	z.host = "shop." + z.namespace
	nodes := s.Zones(z.namespace, "eu/here", "eu/there")
	ips := s.Pods(z.namespace, "shop", nodes...)
	z.here, z.there = ips[0], ips[1]
	s.Cluster.Apply(t, manifest.Join(service(z.namespace, "shop", ""), z.rule(ownZone)))
	z.client = s.Envoy(z.namespace, nodes[0])
	z.client.Holds(kube.Outbound(z.namespace, "shop"), []string{z.here}, []string{z.there})
	return z
}

// rule is the rule with a trafficPolicy.
func (z twoZones) rule(policy string) string {
	return manifest.Rule(z.namespace, "shop", "shop", policy)
}

// allThere sends all requests into the other zone.
func (z twoZones) allThere() string { return z.rule(allTo("eu/here/*", "eu/there/*")) }

// A rule edited by kubectl moves the traffic within a second of kubectl's return, and
// no request fails.
func TestRuleEdited(t *testing.T) {
	z := newTwoZones(t, "edited")
	stream := z.client.Stream(z.host)
	var moves []time.Duration
	for i := range 6 {
		rule, from, to, below := z.allThere(), z.here, z.there, []string(nil)
		if i%2 == 1 {
			rule, from, to, below = z.rule(ownZone), z.there, z.here, []string{z.there}
		}
		stream.Next()
		if r := z.Cluster.TryKubectl(t, rule, "apply", "-f", "-"); r.Code != 0 {
			t.Fatal(r.Stderr)
		}
		returned := time.Now()
		z.client.Holds(kube.Outbound(z.namespace, "shop"), []string{to}, below)
		time.Sleep(200 * time.Millisecond)
		tally := stream.Next()
		first := tally.First[endpoint(to)].Sub(returned)
		last := tally.Last[endpoint(from)].Sub(returned)
		t.Logf("edit %d: after kubectl's return the first request in the new zone at %v, the last in the old one at %v", i, first, last)
		moves = append(moves, max(first, last))
	}
	time.Sleep(500 * time.Millisecond)
	z.Only(stream.Next(), z.here)
	slices.Sort(moves) // a machine that stands still makes one of them slow, not half
	median := moves[len(moves)/2]
	t.Logf("change to traffic moved: %v after kubectl's return, at most %v", median, moves[len(moves)-1])
	z.patched(t, stream)
	stream.End()
	if median > time.Second {
		t.Errorf("traffic moved %v after kubectl's return, not within 1 s: %v", median, moves)
	}
}

// patched measures from the moment at which a program begins to write a rule, thrice if
// something else keeps the machine from moving traffic within 1 s.
func (z twoZones) patched(t *testing.T, stream *kube.Stream) {
	t.Helper()
	rules := z.Cluster.Dynamic().Resource(schema.GroupVersionResource{
		Group: "networking.coastwise.dev", Version: "v1alpha1", Resource: "destinationrules",
	}).Namespace(z.namespace)
	const policy = `{"spec":{"trafficPolicy":{"loadBalancer":{"localityLbSetting":{"distribute":[{"from":"eu/here/*","to":{"eu/%s/*":100}}]}}}}}`
	for range 3 {
		if took := z.patch(t, rules, stream, fmt.Sprintf(policy, "there"), z.here, z.there); took <= time.Second {
			return
		}
		z.patch(t, rules, stream, fmt.Sprintf(policy, "here"), z.there, z.here)
	}
	t.Error("that is more than 1 s, three times")
}

// patch moves traffic by a patch and says how long that took.
func (z twoZones) patch(t *testing.T, rules dynamic.ResourceInterface, stream *kube.Stream, there, from, to string) time.Duration {
	t.Helper()
	begin := time.Now()
	if _, err := rules.Patch(t.Context(), "shop", types.MergePatchType, []byte(there), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	z.client.Holds(kube.Outbound(z.namespace, "shop"), []string{to})
	time.Sleep(200 * time.Millisecond)
	tally := stream.Next()
	first, last := tally.First[endpoint(to)].Sub(begin), tally.Last[endpoint(from)].Sub(begin)
	t.Logf("from the begin of a write by a program: the first request in the new zone after %v, the last in the old one after %v", first, last)
	return max(first, last)
}

func endpoint(ip string) string { return fmt.Sprintf("%s:%d", ip, kube.Port) }

// A bad rule is refused by kubectl with the field's name. Written straight into etcd
// it is refused admission, which is told, and hurts nobody: the rule that was there
// before goes on, and others can be edited.
func TestBadRule(t *testing.T) {
	z := newTwoZones(t, "bad")
	stream := z.client.Stream(z.host)
	const field = "spec.trafficPolicy.outlierDetection.interval"
	bad := manifest.Rule(z.namespace, "bad", "shop", "{outlierDetection: {interval: sometimes}}")
	r := z.Cluster.TryKubectl(t, bad, "apply", "-f", "-")
	if r.Code == 0 || !strings.Contains(r.Stderr, field) {
		t.Errorf("kubectl's exit code is %d, and it does not name %s: %s", r.Code, field, r.Stderr)
	}

	z.Cluster.WriteRaw(t, "destinationrules", bad)
	z.Told(z.namespace, "Invalid on the rule bad at "+field, func(p kube.Problem) bool {
		return p.Object == "DestinationRule "+z.namespace+"/bad" && p.Field == field && p.Reason == "Invalid" && p.Severity == "error"
	})
	z.Says("/readyz?verbose", fmt.Sprintf("[!]DestinationRule %s/bad %s: Invalid", z.namespace, field))
	z.Says("/readyz?verbose", fmt.Sprintf("[!]DestinationRule %s/bad: absent", z.namespace))
	z.Says("/readyz?verbose", "readyz check passed")
	z.Says("/metrics", `coastwise_refused_objects{state="absent"} 1`)

	z.breakRule(t)
	z.Says("/readyz?verbose", fmt.Sprintf("[!]DestinationRule %s/shop: its edit is refused", z.namespace))
	z.Says("/metrics", `coastwise_refused_objects{state="held"} 1`)
	if err := z.client.Lacks(kube.Outbound(z.namespace, "shop"), []string{z.here}, []string{z.there}); err != nil {
		t.Errorf("the form admitted before does not act: %v", err)
	}
	z.Only(stream.Next(), z.here)

	z.Cluster.Kubectl(t, "delete", "dr", "bad", "-n", z.namespace)
	z.Cluster.Apply(t, z.allThere())
	z.client.Holds(kube.Outbound(z.namespace, "shop"), []string{z.there})
	z.Says("/metrics", `coastwise_refused_objects{state="absent"} 0`)
	z.Says("/metrics", `coastwise_refused_objects{state="held"} 0`)
	stream.Next()
	z.Only(stream.End(), z.there)
}

// breakRule edits the rule shop in etcd into one that is not valid, and that would
// send all requests into the other zone if it were.
func (z twoZones) breakRule(t *testing.T) {
	t.Helper()
	uid := z.Cluster.Kubectl(t, "get", "dr", "shop", "-n", z.namespace, "-o", "jsonpath={.metadata.uid}")
	created := z.Cluster.Kubectl(t, "get", "dr", "shop", "-n", z.namespace, "-o", "jsonpath={.metadata.creationTimestamp}")
	rule := strings.Replace(z.allThere(), "  name: shop\n", fmt.Sprintf("  name: shop\n  uid: %s\n  creationTimestamp: %q\n  generation: 2\n", uid, created), 1)
	z.Cluster.WriteRaw(t, "destinationrules", strings.Replace(rule, ": 100", ": 101", 1))
	cluster.Eventually(t, kube.Patience, func() error {
		if got := z.Cluster.Kubectl(t, "get", "dr", "shop", "-n", z.namespace, "-o", "yaml"); !strings.Contains(got, "101") {
			return fmt.Errorf("etcd does not have the broken rule: %s", got)
		}
		return nil
	})
}
