package ingest_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Semantics 2.1 and the last sentences of 4.1: where an endpoint is, and which
// region decides at the fence.
func TestPlace(t *testing.T) {
	const label, old = "topology.istio.io/locality", "istio-locality"
	for _, c := range []struct {
		name       string
		zone, node string
		labels     map[string]string
		want       string // locality
		fence      string
		noRegion   bool
	}{
		{name: "label first", zone: "eu-1", node: "n1", labels: map[string]string{label: "ap.ap-1.x", old: "sa"}, want: "ap/ap-1/x", fence: "eu"},
		{name: "old label", zone: "eu-1", node: "n1", labels: map[string]string{old: "ap.ap-1"}, want: "ap/ap-1", fence: "eu"},
		{name: "label with a region only", node: "n1", labels: map[string]string{label: "ap"}, want: "ap", fence: "eu"},
		{name: "unreadable label", node: "n1", labels: map[string]string{label: "a..b"}, want: "eu/eu-1/rack", fence: "eu"},
		{name: "label of four parts", node: "n1", labels: map[string]string{label: "a.b.c.d"}, want: "eu/eu-1/rack", fence: "eu"},
		{name: "slice zone, node region and sub-zone", zone: "eu-1", node: "n1", want: "eu/eu-1/rack", fence: "eu"},
		{name: "slice zone differs from node's: no sub-zone", zone: "eu-9", node: "n1", want: "eu/eu-9", fence: "eu"},
		{name: "no slice zone: the node's labels", node: "n1", want: "eu/eu-1/rack", fence: "eu"},
		{name: "node unknown: agreement", zone: "us-1", node: "gone", want: "us/us-1", fence: "us"},
		{name: "no node: agreement", zone: "us-1", want: "us/us-1", fence: "us"},
		{name: "node without region: agreement", node: "zoned", want: "eu/eu-1", fence: "eu"},
		{name: "node without labels: the slice places it, not at the fence", zone: "us-1", node: "bare", want: "us/us-1"},
		{name: "node without region, zones differ: the node's at the fence", zone: "us-1", node: "zoned", want: "us/us-1", fence: "eu"},
		{name: "no agreement", zone: "split", node: "odd", want: "/split", noRegion: true},
		{name: "nothing known", noRegion: true},
		{name: "a label is a claim", labels: map[string]string{label: "eu"}, want: "eu"},
		{name: "a label's zone opens no fence", labels: map[string]string{label: "eu.eu-1"}, want: "eu/eu-1"},
		{name: "a label beside the zone of an unknown node", zone: "us-1", labels: map[string]string{label: "eu.eu-1"}, want: "eu/eu-1", fence: "us"},
		{name: "the reserved name is no zone", zone: model.Other, node: "n3", want: "us/us-1", fence: "us"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := ep("10.0.0.1", ofPod("p"))
			if c.zone != "" {
				e.Zone = &c.zone
			}
			if c.node != "" {
				e.NodeName = &c.node
			}
			o := withPods(world(slice("s", e)), pod("p", "", c.labels))
			got := first(t, o)
			equal(t, got.Locality.String(), c.want)
			equal(t, got.Region, c.fence)
			equal(t, got.Node, c.node)
		})
	}
}

// The pod's node counts where the slice names none.
func TestPlaceOfPodsNode(t *testing.T) {
	o := withPods(world(slice("s", ep("10.0.0.1", ofPod("p")))), pod("p", "n2", nil))
	got := first(t, o)
	equal(t, got.Node, "n2")
	equal(t, got.Locality, model.Locality{Region: "eu", Zone: "eu-2"})
	o.Slices[0].Endpoints[0].NodeName = ptr("n3")
	equal(t, first(t, o).Node, "n3")
}

func TestUnreadableLabelIsTold(t *testing.T) {
	o := withPods(world(slice("s", ep("10.0.0.1", ofPod("p"), onNode("n1")))),
		pod("p", "n1", map[string]string{"topology.istio.io/locality": "eu..x"}))
	_, ps := ingest.Service(o)
	equal(t, lines(ps), []string{"Pod default/p metadata.labels info NoEffect"})
}

// Semantics 2.1: NoRegion is told once for a slice; a warning where a fence drops it.
func TestNoRegion(t *testing.T) {
	o := world(slice("s", ep("10.0.0.1"), ep("10.0.0.2"), ep("10.0.0.3", onNode("n1"))))
	_, ps := ingest.Service(o)
	equal(t, lines(ps), []string{"EndpointSlice default/s endpoints info NoRegion"})
	o.Rules = append(o.Rules, rule("other/r", allow("eu")))
	_, ps = ingest.Service(o)
	equal(t, lines(ps), []string{"EndpointSlice default/s endpoints warning NoRegion"})

	claimed := withPods(world(slice("s", ep("10.0.0.1", ofPod("p")))), pod("p", "", map[string]string{"istio-locality": "eu"}))
	_, ps = ingest.Service(claimed)
	equal(t, lines(ps), []string(nil))
	claimed.Mesh.Config = mesh(allow("eu"))
	_, ps = ingest.Service(claimed)
	equal(t, lines(ps), []string{"EndpointSlice default/s endpoints warning NoRegion"})
}

// Semantics 2.4: the pod's label, else the Namespace's.
func TestNetwork(t *testing.T) {
	o := withPods(world(slice("s", ep("10.0.0.1", ofPod("p")))), pod("p", "n1", nil))
	equal(t, first(t, o).Network, "")
	o.Namespace = &corev1.Namespace{}
	o.Namespace.Labels = map[string]string{"topology.istio.io/network": "net-a"}
	equal(t, first(t, o).Network, "net-a")
	withPods(o, pod("p", "n1", map[string]string{"topology.istio.io/network": "net-b"}))
	equal(t, first(t, o).Network, "net-b")
	equal(t, first(t, o).Labels, map[string]string{"topology.istio.io/network": "net-b"})
}
