package ingest_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

func wish(v string) func(*corev1.Service) {
	return func(s *corev1.Service) { s.Spec.TrafficDistribution = &v }
}

func note(k, v string) func(*corev1.Service) {
	return func(s *corev1.Service) {
		if s.Annotations == nil {
			s.Annotations = map[string]string{}
		}
		s.Annotations[k] = v
	}
}

func localOnly(s *corev1.Service) {
	s.Spec.InternalTrafficPolicy = ptr(corev1.ServiceInternalTrafficPolicyLocal)
}

func managedBy(s *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	s.Labels = map[string]string{discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"}
	return s
}

const (
	topologyMode = "service.kubernetes.io/topology-mode"
	awareHints   = "service.kubernetes.io/topology-aware-hints"
)

// Semantics 3.3 and 5: what the Service says, above a mesh that is on.
func TestServiceSpeaks(t *testing.T) {
	type edits = []func(*corev1.Service)
	bare := func() []*discoveryv1.EndpointSlice {
		return []*discoveryv1.EndpointSlice{slice("a", ep("10.0.0.1", onNode("n1")))}
	}
	hinted := func() []*discoveryv1.EndpointSlice {
		return []*discoveryv1.EndpointSlice{slice("a", ep("10.0.0.1", onNode("n1")), ep("10.0.0.2", forZones("eu-2")))}
	}
	managed := func() []*discoveryv1.EndpointSlice {
		return []*discoveryv1.EndpointSlice{managedBy(slice("a", ep("10.0.0.1", onNode("n1"))))}
	}
	otherFamily := func() []*discoveryv1.EndpointSlice {
		return append(bare(), ipv6(slice("six", ep("fd00::1", forZones("eu-1")))))
	}
	unready := func() []*discoveryv1.EndpointSlice {
		return []*discoveryv1.EndpointSlice{managedBy(slice("a", ep("10.0.0.1", onNode("n1"), conditions("-  "))))}
	}
	const td, an = "spec.trafficDistribution", "metadata.annotations"
	for _, c := range []struct {
		name    string
		edits   edits
		slices  func() []*discoveryv1.EndpointSlice
		mode    model.Mode
		setting string
		field   string
		dropped bool
	}{
		{"says nothing", nil, bare, model.Levels, "mesh", td, false},
		{"hints", nil, hinted, model.Hints, "hints", td, false},
		{"hints by Auto", edits{note(topologyMode, "Auto")}, hinted, model.Hints, "hints", an, false},
		{"5.2 field, unmanaged", edits{wish("PreferClose")}, bare, model.Hints, td, td, false},
		{"5.2 hints as written beat the field", edits{wish("PreferSameNode")}, hinted, model.Hints, "hints", td, false},
		{"5.2 a hint in the other family: the controller writes", edits{wish("PreferClose")}, otherFamily, model.Flat, td, td, true},
		{"5.3 field on managed slices without hints", edits{wish("PreferSameZone")}, managed, model.Flat, td, td, true},
		{"5.3 nothing ready: nothing to be hinted", edits{wish("PreferSameZone")}, unready, model.Flat, td, td, false},
		{"5.3 Auto without hints, unmanaged", edits{note(topologyMode, "auto")}, bare, model.Flat, "topology-mode", an, true},
		{"5.3 Auto without hints, managed", edits{note(topologyMode, "Auto")}, managed, model.Flat, "topology-mode", an, true},
		{"5.3 Auto beats the field", edits{note(topologyMode, "Auto"), wish("PreferClose")}, bare, model.Flat, "topology-mode", an, true},
		{"older annotation wins", edits{note(topologyMode, "Auto"), note(awareHints, "Disabled")}, bare, model.Levels, "mesh", td, false},
		{"older annotation alone", edits{note(awareHints, "Auto")}, bare, model.Flat, "topology-mode", an, true},
		{"other topology-mode is off", edits{note(topologyMode, "Disabled")}, bare, model.Levels, "mesh", td, false},
		{"a value that Kubernetes does not know", edits{wish("Nearest")}, bare, model.Levels, "mesh", td, false},
		{"4.2 hints play no part under Local", edits{localOnly}, hinted, model.Flat, "hints", td, false},
		{"4.2 nor does their absence", edits{localOnly, wish("PreferClose")}, managed, model.Flat, td, td, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := world(c.slices()...)
			o.Service = reviews(c.edits...)
			o.Mesh.LocalityDefault = true
			s, ps := ingest.Service(o)
			p := policy(s, "client")
			equal(t, []string{string(p.Mode), p.Setting, p.HintField}, []string{string(c.mode), c.setting, c.field})
			dropped := false
			for _, p := range ps {
				if p.Reason == model.HintsDropped {
					dropped = true
					equal(t, lines([]model.Problem{p}), []string{"Service default/reviews " + c.field + " info HintsDropped"})
				}
			}
			equal(t, dropped, c.dropped)
		})
	}
}

// HintsDropped is not told where no client reaches the Service's own wish.
func TestHintsDroppedOnlyIfItMatters(t *testing.T) {
	o := world(managedBy(slice("a", ep("10.0.0.1", onNode("n1")))))
	o.Service = reviews(wish("PreferClose"))
	o.Rules = []*v1alpha1.DestinationRule{rule("default/r", &v1alpha1.LocalityLbSetting{})}
	if _, ps := ingest.Service(o); ps != nil {
		t.Errorf("%v", ps)
	}
}

// Semantics 5.2 and reference/kubernetes.md 6.1: what the controller would have written.
func TestDistributionHints(t *testing.T) {
	eps := []discoveryv1.Endpoint{
		ep("10.0.0.1", onNode("n1")), ep("10.0.0.2", onNode("n2"), conditions("-  ")), ep("10.0.0.3"),
		ep("10.0.0.4", onNode("n3"), inZone("eu-9")),
	}
	for _, c := range []struct {
		wish  string
		zones [][]string
		nodes [][]string
	}{
		{"PreferClose", [][]string{{"eu-1"}, nil, nil, {"eu-9"}}, [][]string{nil, nil, nil, nil}},
		{"PreferSameZone", [][]string{{"eu-1"}, nil, nil, {"eu-9"}}, [][]string{nil, nil, nil, nil}},
		{"PreferSameNode", [][]string{{"eu-1"}, nil, nil, {"eu-9"}}, [][]string{{"n1"}, nil, nil, {"n3"}}},
	} {
		o := world(slice("a", eps...))
		o.Service = reviews(wish(c.wish))
		var zones, nodes [][]string
		for _, e := range served(t, o).Ports[0].Endpoints {
			zones, nodes = append(zones, e.ZoneHints), append(nodes, e.NodeHints)
		}
		equal(t, zones, c.zones)
		equal(t, nodes, c.nodes)
	}
}

// Hints are kept as written, apart from the endpoint's own zone, sorted.
func TestHintsAsWritten(t *testing.T) {
	e := ep("10.0.0.1", onNode("n1"), forZones("eu-2", "eu-1", "eu-2"))
	e.Hints.ForNodes = []discoveryv1.ForNode{{Name: "n9"}, {Name: "n2"}}
	o := world(slice("a", e))
	o.Service = reviews(wish("PreferClose"))
	got := first(t, o)
	equal(t, got.ZoneHints, []string{"eu-1", "eu-2"})
	equal(t, got.NodeHints, []string{"n2", "n9"})
	equal(t, served(t, o).Places, model.Places{
		Regions: map[string]bool{"eu": true}, SubZones: map[string]bool{"rack": true},
		Zones: map[string]bool{"eu-1": true, "eu-2": true},
		Nodes: map[string]bool{"n1": true}, HintedNodes: map[string]bool{"n2": true, "n9": true}, Networks: map[string]bool{},
	})
}

// Semantics 5.1: below the hinted set, the mesh's failover orders regions, even
// of a mesh that switches nothing on.
func TestHintsFailover(t *testing.T) {
	o := world(slice("a", ep("10.0.0.1", forZones("eu-1"))))
	o.Mesh.Config = mesh(&v1alpha1.LocalityLbSetting{
		Failover:          []v1alpha1.Failover{{From: "eu", To: "us"}, {From: "eu", To: "ap"}},
		FailoverThreshold: ptr(int32(50)),
	})
	p := policy(served(t, o), "x")
	equal(t, p.Failover, map[string]string{"eu": "us"})
	equal(t, p.OverprovisioningFactor, uint32(model.DefaultOverprovisioningFactor))
	equal(t, served(t, o).Places.Regions, map[string]bool{"eu": true, "us": true})
}
