package ingest_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

const (
	spread      = "networking.coastwise.dev/traffic-distribution"
	istioSpread = "networking.istio.io/traffic-distribution"
)

// Semantics 5.4: when the annotation counts, above a mesh that is on, and whose.
func TestAnnotationSpeaks(t *testing.T) {
	zone := []string{model.LabelNetwork, model.LabelRegion, model.LabelZone}
	node := append(zone[:3:3], model.LabelNode)
	bare := slice("a", ep("10.0.0.1", onNode("n1")))
	hinted := slice("a", ep("10.0.0.1", onNode("n1")), ep("10.0.0.2", forZones("eu-2")))
	otherFamily := ipv6(slice("six", ep("fd00::1", forZones("eu-1"))))
	for _, c := range []struct {
		name      string
		edits     []func(*corev1.Service)
		namespace map[string]string
		slices    []*discoveryv1.EndpointSlice
		mode      model.Mode
		setting   string
		tiers     []string
	}{
		{"the Service's", []func(*corev1.Service){note(spread, "PreferClose")}, nil, nil, model.Levels, "traffic-distribution annotation", zone},
		{"in Istio's spelling", []func(*corev1.Service){note(istioSpread, "prefersamenode")}, nil, nil, model.Levels, "traffic-distribution annotation", node},
		{"the Namespace's", nil, map[string]string{spread: "PreferSameNode"}, nil, model.Levels, "traffic-distribution annotation", node},
		{"the Service's first", []func(*corev1.Service){note(istioSpread, "PreferSameZone")}, map[string]string{spread: "PreferSameNode"}, nil, model.Levels, "traffic-distribution annotation", zone},
		{"an empty one says nothing", []func(*corev1.Service){note(spread, "")}, map[string]string{istioSpread: "PreferSameZone"}, nil, model.Levels, "traffic-distribution annotation", zone},
		{"an unknown value is no preference", []func(*corev1.Service){note(spread, "near")}, map[string]string{spread: "PreferSameZone"}, nil, model.Levels, "mesh", nil},
		{"the field first", []func(*corev1.Service){note(spread, "PreferSameNode"), wish("PreferClose")}, nil, nil, model.Hints, "spec.trafficDistribution", nil},
		{"an empty field is absent", []func(*corev1.Service){note(spread, "PreferClose"), wish("")}, nil, nil, model.Levels, "traffic-distribution annotation", zone},
		{"hints first", []func(*corev1.Service){note(spread, "PreferClose")}, nil, []*discoveryv1.EndpointSlice{hinted}, model.Hints, "hints", nil},
		{"hints of the other family too", []func(*corev1.Service){note(spread, "PreferClose")}, nil, []*discoveryv1.EndpointSlice{bare, otherFamily}, model.Levels, "mesh", nil},
		{"Auto first", []func(*corev1.Service){note(spread, "PreferClose"), note(topologyMode, "Auto")}, nil, nil, model.Flat, "topology-mode", nil},
		{"managed slices", []func(*corev1.Service){note(spread, "PreferClose")}, nil, []*discoveryv1.EndpointSlice{managedBy(slice("a", ep("10.0.0.1")))}, model.Levels, "traffic-distribution annotation", zone},
		{"4.2 no part under Local", []func(*corev1.Service){note(spread, "PreferClose"), localOnly}, nil, nil, model.Flat, "traffic-distribution annotation", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.slices == nil {
				c.slices = []*discoveryv1.EndpointSlice{bare}
			}
			o := world(c.slices...)
			o.Service = reviews(c.edits...)
			o.Namespace = &corev1.Namespace{}
			o.Namespace.Annotations = c.namespace
			o.Mesh.LocalityDefault = true
			p := policy(served(t, o), "client")
			var tiers []string
			for _, l := range p.FailoverPriority {
				tiers = append(tiers, l.Key)
			}
			equal(t, []string{string(p.Mode), p.Setting}, []string{string(c.mode), c.setting})
			equal(t, tiers, c.tiers)
		})
	}
}

// The mesh's failover is that of other settings: tiers alone order the rest.
func TestAnnotationHasNoFailover(t *testing.T) {
	o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
	o.Service = reviews(note(spread, "PreferClose"))
	o.Mesh.Config = mesh(&locality{Failover: eu2us})
	if p := policy(served(t, o), "x"); p.Failover != nil || p.Weighted() {
		t.Errorf("%+v", p)
	}
}

// It is not the Service's fault where a Namespace is not known.
func TestAnnotationWithoutNamespace(t *testing.T) {
	o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
	s, ps := ingest.Service(o)
	if p := policy(s, "x"); p.Setting != "none" || ps != nil {
		t.Errorf("%+v, %v", p, ps)
	}
}
