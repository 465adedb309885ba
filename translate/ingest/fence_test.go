package ingest_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

const topField = "spec.trafficPolicy.loadBalancer.localityLbSetting.allowedRegions"

func fence(name, ns, host string, regions ...string) model.Fence {
	return model.Fence{
		Object: model.ObjectRef{Kind: "DestinationRule", Namespace: ns, Name: name},
		Host:   host, Field: topField, AllowedRegions: regions,
	}
}

func hosted(dr *v1alpha1.DestinationRule, host string) *v1alpha1.DestinationRule {
	dr.Spec.Host = host
	return dr
}

// Semantics 4.1: the intersection over all that a client sees.
func TestFence(t *testing.T) {
	both := &locality{Enabled: ptr(false), AllowedRegions: []string{"us", "eu"}}
	port := func(number int32, regions ...string) *v1alpha1.DestinationRule {
		dr := rule("default/p", nil)
		dr.Spec.TrafficPolicy.PortLevelSettings = []v1alpha1.PortTrafficPolicy{{
			Port: &v1alpha1.PortSelector{Number: number}, LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: allow(regions...)},
		}}
		return dr
	}
	subset := rule("default/s", nil)
	subset.Spec.Subsets = []v1alpha1.Subset{{Name: "v1", TrafficPolicy: &v1alpha1.TrafficPolicy{LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: allow("eu")}}}}
	type rules = []*v1alpha1.DestinationRule
	for _, c := range []struct {
		name   string
		rules  rules
		fences []model.Fence
		mesh   ingest.Mesh
		client string
		want   []string // nil: no fence
	}{
		{name: "none"},
		{name: "enabled: false", rules: rules{rule("default/r", both)}, want: []string{"eu", "us"}},
		{name: "rules that did not win", rules: rules{rule("default/r", both), rule("client/r", on()), rule("coastwise-system/r", allow("us", "ap"))}, client: "client", want: []string{"us"}},
		{name: "the loser of a conflict", rules: rules{rule("default/a", both), rule("default/b", allow("eu"))}, want: []string{"eu"}},
		{name: "the client's own", rules: rules{rule("client/r", allow("eu"))}, client: "client", want: []string{"eu"}},
		{name: "not another client's", rules: rules{rule("client/r", allow("eu"))}, client: "other"},
		{name: "wildcard hosts", rules: rules{hosted(rule("default/r", allow("eu")), "*.default.svc.cluster.local"), hosted(rule("coastwise-system/r", allow("eu", "us")), "*")}, want: []string{"eu"}},
		{name: "a wildcard that does not cover", rules: rules{hosted(rule("default/r", allow("eu")), "*.other.svc.cluster.local")}},
		{name: "this port's entry", rules: rules{port(80, "eu")}, want: []string{"eu"}},
		{name: "another port's entry", rules: rules{port(81, "eu")}},
		{name: "a subset's is not the default's", rules: rules{subset}},
		{name: "nothing left", rules: rules{rule("default/a", allow("eu")), rule("default/b", allow("us"))}, want: []string{}},
		{name: "not honoured otherwise", rules: rules{rule("default/a", &locality{Distribute: share, AllowedRegions: []string{"eu"}})}, want: []string{"eu"}},
		{name: "MeshConfig, off", mesh: ingest.Mesh{Config: mesh(both)}, want: []string{"eu", "us"}},
		{name: "MeshConfig, not honoured", mesh: ingest.Mesh{Config: mesh(&locality{FailoverPriority: []string{"x"}, AllowedRegions: []string{"eu"}})}, want: []string{"eu"}},
		{name: "suspended", rules: rules{rule("default/r", both)}, mesh: ingest.Mesh{Suspend: true}, want: []string{"eu", "us"}},
		{name: "a refused MeshConfig", mesh: ingest.Mesh{Fence: &model.Fence{Object: model.ObjectRef{Kind: "MeshConfig", Name: "default"}, Field: "spec", AllowedRegions: []string{"eu"}}}, want: []string{"eu"}},
		{name: "a refused rule", fences: []model.Fence{fence("f", "default", "reviews", "eu")}, want: []string{"eu"}},
		{name: "a refused rule that allows nothing", fences: []model.Fence{fence("f", "default", "reviews")}, rules: rules{rule("default/r", both)}, want: []string{}},
		{name: "a refused rule of the client", fences: []model.Fence{fence("f", "client", host, "eu")}, client: "client", want: []string{"eu"}},
		{name: "a refused rule of another client", fences: []model.Fence{fence("f", "client", host, "eu")}, client: "other"},
		{name: "a refused wildcard that does not cover", fences: []model.Fence{fence("f", "coastwise-system", "*.other.svc.cluster.local", "eu")}},
		{name: "a refused wildcard", fences: []model.Fence{fence("f", "coastwise-system", "*", "eu")}, want: []string{"eu"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
			o.Rules, o.Fences, o.Mesh = c.rules, c.fences, c.mesh
			a := policy(served(t, o), c.client).Allowed
			if (a == nil) != (c.want == nil) {
				t.Fatalf("fence %+v, want %v", a, c.want)
			}
			if a != nil && len(c.want)+len(a.Regions) > 0 {
				equal(t, a.Regions, c.want)
			}
			for _, region := range []string{"eu", "us", "ap"} {
				allowed := c.want == nil
				for _, r := range c.want {
					allowed = allowed || r == region
				}
				equal(t, a.Has(region), allowed)
			}
			equal(t, a.Has(""), c.want == nil)
		})
	}
}

// Every object that took part is named with its field, for NothingAllowed.
func TestFenceNamesItsSources(t *testing.T) {
	o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
	o.Service.Spec.Ports = append(o.Service.Spec.Ports, corev1.ServicePort{Name: "other", Port: 81})
	dr := rule("default/r", allow("us", "eu"))
	dr.Spec.TrafficPolicy.PortLevelSettings = []v1alpha1.PortTrafficPolicy{
		{LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: allow("ap")}},
		{Port: &v1alpha1.PortSelector{Number: 80}, LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: allow("eu")}},
	}
	o.Rules = []*v1alpha1.DestinationRule{dr}
	o.Mesh.Config = mesh(allow("eu"))
	s := served(t, o)
	ref := model.ObjectRef{Kind: "DestinationRule", Namespace: "default", Name: "r"}
	equal(t, policy(s, "x").Allowed.From, []model.AllowedFrom{
		{Object: ref, Field: topField, Regions: []string{"us", "eu"}},
		{Object: ref, Field: "spec.trafficPolicy.portLevelSettings[1].loadBalancer.localityLbSetting.allowedRegions", Regions: []string{"eu"}},
		{Object: model.ObjectRef{Kind: "MeshConfig", Name: "default"}, Field: "spec.localityLbSetting.allowedRegions", Regions: []string{"eu"}},
	})
	other := s.Policies[s.Select(model.Proxy{Namespace: "x"}, 81, "").PolicyID]
	equal(t, len(other.Allowed.From), 2)
}
