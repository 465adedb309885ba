package parity

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/endpointslice/topologycache"
	"k8s.io/klog/v2"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// refusal is what the controller says, and what we call it.
type refusal struct {
	theirs string
	ours   model.Safeguard
}

// refusals are the controller's words for why it gives no hints, and ours.
var refusals = []refusal{
	{topologycache.InsufficientNodeInfo, model.NodeInfo},
	{topologycache.InsufficientNumberOfEndpoints, model.TooFewEndpoints},
	{topologycache.MinAllocationExceedsOverloadThreshold, model.Overload},
	{topologycache.NoZoneSpecified, model.EndpointWithoutZone},
	{topologycache.TopologyAwareHintsEnabled, model.NoHints},
}

// drawAuto is a Service that asks for topology-mode: Auto, its one slice without
// hints, and Nodes of all sorts.
func drawAuto(t *rapid.T) mesh {
	m := mesh{service: &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "reviews", Annotations: map[string]string{corev1.AnnotationTopologyMode: "Auto"}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP}}},
	}}
	zones := rapid.IntRange(1, 5).Draw(t, "zones")
	for i := range rapid.IntRange(0, 8).Draw(t, "nodes") {
		m.nodes = append(m.nodes, drawNode(t, fmt.Sprint("n", i), zones))
	}
	http, port, tcp := "http", int32(8080), corev1.ProtocolTCP
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: "reviews-1", Labels: map[string]string{discoveryv1.LabelServiceName: "reviews"}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &http, Port: &port, Protocol: &tcp}},
	}
	for i := range rapid.IntRange(1, 30).Draw(t, "endpoints") {
		ready := rapid.IntRange(0, 9).Draw(t, "ready") > 0
		e := discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("10.0.0.%d", i)}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}
		if zone := fmt.Sprint("z", rapid.IntRange(0, zones-1).Draw(t, "zone")); rapid.IntRange(0, 99).Draw(t, "bare") > 0 {
			e.Zone = &zone
		}
		s.Endpoints = append(s.Endpoints, e)
	}
	m.slices = append(m.slices, s)
	return m
}

func drawNode(t *rapid.T, name string, zones int) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}}}
	if rapid.IntRange(0, 19).Draw(t, "zoned") > 0 {
		n.Labels[corev1.LabelTopologyZone] = fmt.Sprint("z", rapid.IntRange(0, zones-1).Draw(t, "zone"))
	}
	if rapid.IntRange(0, 9).Draw(t, "control plane") == 0 {
		n.Labels["node-role.kubernetes.io/control-plane"] = ""
	}
	if cpu := rapid.IntRange(0, 20).Draw(t, "cpu"); cpu > 0 {
		n.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(int64(cpu*500), resource.DecimalSI)}
	}
	state := corev1.ConditionTrue
	if rapid.IntRange(0, 9).Draw(t, "ready") == 0 {
		state = corev1.ConditionFalse
	}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: state}}
	return n
}

// controller is what the EndpointSlice controller's own code says of the mesh.
func (m mesh) controller() string {
	cache := topologycache.NewTopologyCache()
	var copies []*corev1.Node // it adds to the quantities in place
	for _, n := range m.nodes {
		copies = append(copies, n.DeepCopy())
	}
	cache.SetNodes(klog.Background(), copies)
	_, _, events := cache.AddHints(klog.Background(), &topologycache.SliceInfo{
		ServiceKey: "default/reviews", AddressType: discoveryv1.AddressTypeIPv4, ToCreate: []*discoveryv1.EndpointSlice{m.slices[0].DeepCopy()},
	})
	if len(events) == 0 {
		return ""
	}
	return events[0].Message
}

// TestAutoRefusals: what we tell of a Service without hints is what the controller
// says of it (semantics 5.3, reference/kubernetes.md 6.2).
func TestAutoRefusals(t *testing.T) {
	klog.LogToStderr(false)
	klog.SetOutput(nowhere{})
	seen := map[model.Safeguard]int{}
	all := func() bool {
		return !slices.ContainsFunc(refusals, func(r refusal) bool { return seen[r.ours] == 0 })
	}
	for round := 0; round == 0 || round < 40 && !all(); round++ { // some are rare among a hundred
		checkRefusals(t, seen)
	}
	for _, r := range refusals {
		if seen[r.ours] == 0 {
			t.Errorf("%s was never drawn: %v", r.ours, seen)
		}
	}
}

func checkRefusals(t *testing.T, seen map[model.Safeguard]int) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawAuto(t)
		theirs := m.controller()
		got := m.told()
		if got.Safeguard == "" { // nothing is ready
			return
		}
		seen[got.Safeguard]++
		for _, r := range refusals {
			if strings.HasPrefix(theirs, r.theirs) {
				if got.Safeguard != r.ours {
					t.Fatalf("the controller says %q, we say %s: %s", theirs, got.Safeguard, got.Message)
				}
				return
			}
		}
		t.Fatalf("the controller says %q", theirs)
	})
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// told is the Problem of the Service's missing hints.
func (m mesh) told() model.Problem {
	_, problems := ingest.Service(m.store().Objects(model.ServiceKey("default", "reviews")))
	for _, p := range problems {
		if p.Reason == model.HintsDropped {
			return p
		}
	}
	return model.Problem{}
}

func (m mesh) store() *store.Store {
	st := store.New()
	changes := []store.Change{{Ref: model.ObjectRef{Kind: "Service", Namespace: "default", Name: "reviews"}, Object: m.service}}
	for _, s := range m.slices {
		changes = append(changes, store.Change{Ref: model.ObjectRef{Kind: "EndpointSlice", Namespace: "default", Name: s.Name}, Object: s})
	}
	for _, n := range m.nodes {
		changes = append(changes, store.Change{Ref: model.ObjectRef{Kind: "Node", Name: n.Name}, Object: n})
	}
	st.Apply(changes)
	return st
}
