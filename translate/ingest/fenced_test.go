package ingest_test

import (
	"slices"
	"testing"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Semantics 4.1: PASSTHROUGH would let the client go past a fence.
func TestPassthroughYieldsToAFence(t *testing.T) {
	dr := rule("default/r", allow("eu"))
	dr.Spec.TrafficPolicy.LoadBalancer.Simple = "PASSTHROUGH"
	o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
	o.Rules = []*v1alpha1.DestinationRule{dr}
	s, problems := ingest.Service(o)
	if got := s.Policies[0].Algorithm; got != model.LeastRequest {
		t.Errorf("algorithm %s", got)
	}
	if !slices.ContainsFunc(problems, func(p model.Problem) bool {
		return p.Reason == model.NotHonoured && p.Field == "spec.trafficPolicy.loadBalancer.simple"
	}) {
		t.Errorf("nobody is told: %+v", problems)
	}
}

// A service that is held back keeps all but what the fences of now forbid.
func TestFencedKeepsTheFormerFormUnderNewFences(t *testing.T) {
	o := world(slice("a", ep("10.0.0.1", onNode("n1")), ep("10.0.0.2", onNode("n3"))))
	o.Rules = []*v1alpha1.DestinationRule{rule("default/r", on())}
	former, _ := ingest.Service(o)
	o.Slices = nil
	o.Fences = []model.Fence{fence("x", "client", "reviews.default", "eu")}
	s := ingest.Fenced(former, o)
	if len(s.Ports[0].Endpoints) != 2 {
		t.Errorf("%d endpoints, want those of the former form", len(s.Ports[0].Endpoints))
	}
	for namespace, want := range map[string]bool{"client": false, "other": true} {
		policy := s.Policies[s.Select(model.Proxy{Kind: model.Sidecar, Namespace: namespace}, 80, "").PolicyID]
		if policy.Allowed.Has("us") != want || policy.Mode != model.Levels {
			t.Errorf("clients of %s: mode %s, us allowed: %v, want %v", namespace, policy.Mode, policy.Allowed.Has("us"), want)
		}
	}
	if len(former.Policies) != 1 || former.Policies[0].Allowed != nil {
		t.Error("the former form was modified")
	}
}

// PASSTHROUGH yields to a fence that comes while a service is held back.
func TestFencedPassthrough(t *testing.T) {
	dr := rule("default/r", nil)
	dr.Spec.TrafficPolicy.LoadBalancer.Simple = "PASSTHROUGH"
	o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
	o.Rules = []*v1alpha1.DestinationRule{dr}
	former, _ := ingest.Service(o)
	equal(t, former.Policies[0].Algorithm, model.Passthrough)
	equal(t, ingest.Fenced(former, o).Policies[0].Algorithm, model.Passthrough)
	o.Mesh.Config = mesh(allow("eu"))
	equal(t, ingest.Fenced(former, o).Policies[0].Algorithm, model.LeastRequest)
}

// What a namespace's own rule said stays, and a former fence stays beside a new one.
func TestFencedKeepsNamespacesApart(t *testing.T) {
	o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
	o.Rules = []*v1alpha1.DestinationRule{rule("default/r", on()), rule("client/r", allow("eu", "us"))}
	former, _ := ingest.Service(o)
	o.Mesh.Config = mesh(allow("us", "ap"))
	s := ingest.Fenced(former, o)
	equal(t, policy(s, "client").Mode, model.Flat)
	equal(t, policy(s, "client").Allowed.Regions, []string{"us"})
	equal(t, policy(s, "other").Mode, model.Levels)
	equal(t, policy(s, "other").Allowed.Regions, []string{"ap", "us"})
}
