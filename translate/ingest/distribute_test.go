package ingest_test

import (
	"testing"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Semantics 6.2, D5: the order of entries and destinations does not count.
func TestDistribute(t *testing.T) {
	entries := []v1alpha1.Distribute{
		{From: "us/us-1/*", To: map[string]int32{"us": 100}},
		{From: "*", To: map[string]int32{"eu/eu-1": 20, "*": 30, "eu/*": 50}},
		{From: "eu/eu-1/rack", To: map[string]int32{"eu": 100}},
	}
	want := []model.Distribute{
		{To: []model.Share{{Percent: 30}, {To: model.Pattern{Region: "eu"}, Percent: 50}, {To: model.Pattern{Region: "eu", Zone: "eu-1"}, Percent: 20}}},
		{From: model.Pattern{Region: "eu", Zone: "eu-1", SubZone: "rack"}, To: []model.Share{{To: model.Pattern{Region: "eu"}, Percent: 100}}},
		{From: model.Pattern{Region: "us", Zone: "us-1"}, To: []model.Share{{To: model.Pattern{Region: "us"}, Percent: 100}}},
	}
	const field = "localityLbSetting.distribute"
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		l := &locality{}
		for _, i := range order {
			l.Distribute = append(l.Distribute, entries[i])
		}
		o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
		o.Rules = []*v1alpha1.DestinationRule{rule("default/r", l)}
		p := policy(served(t, o), "x")
		equal(t, p.Distribute, want)
		equal(t, p.DistributeAt, model.Place{
			Object: model.ObjectRef{Kind: "DestinationRule", Namespace: "default", Name: "r"}, Field: "spec.trafficPolicy.loadBalancer." + field,
		})
		l.Enabled = ptr(true)
		o.Rules, o.Mesh.Config = nil, mesh(l)
		p = policy(served(t, o), "x")
		equal(t, p.Distribute, want)
		equal(t, p.DistributeAt, model.Place{Object: model.ObjectRef{Kind: "MeshConfig", Name: "default"}, Field: "spec." + field})
	}
}

func TestFailoverPriority(t *testing.T) {
	o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
	o.Rules = []*v1alpha1.DestinationRule{rule("default/r", &locality{FailoverPriority: []string{"version", "track=", "app=shop"}})}
	p := policy(served(t, o), "x")
	equal(t, p.FailoverPriority, []model.PriorityLabel{{Key: "version"}, {Key: "track", Fixed: true}, {Key: "app", Fixed: true, Value: "shop"}})
	equal(t, []any{p.Distribute == nil, p.DistributeAt, p.Failover == nil}, []any{true, model.Place{}, true})
}

// What a View keeps: the places that from names, networks, and the values of
// the labels that are compared.
func TestPlacesOfSettings(t *testing.T) {
	o := world(slice("a", ep("10.0.0.1", onNode("n1"), ofPod("p1")), ep("10.0.0.2", onNode("n2"), ofPod("p2"))))
	o = withPods(o, pod("p1", "n1", map[string]string{"version": "1", "app": "x", "topology.istio.io/network": "net1"}), pod("p2", "n2", map[string]string{"track": ""}))
	o.Rules = []*v1alpha1.DestinationRule{
		rule("default/r", &locality{FailoverPriority: []string{"version", "track", "app=x", model.LabelZone}}),
		rule("client/r", &locality{Distribute: []v1alpha1.Distribute{{From: "ap/ap-1/rack-9", To: map[string]int32{"nowhere": 100}}}}),
	}
	s, _ := ingest.Service(o)
	equal(t, s.Places, model.Places{
		Regions: map[string]bool{"eu": true, "ap": true}, Zones: map[string]bool{"eu-1": true, "eu-2": true, "ap-1": true},
		SubZones: map[string]bool{"rack": true, "rack-9": true}, Nodes: map[string]bool{"n1": true, "n2": true},
		HintedNodes: map[string]bool{}, Networks: map[string]bool{"net1": true},
		Labels: map[string]map[string]bool{"version": {"1": true}, "track": {}},
	})
}
