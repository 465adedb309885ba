package ingest_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

type locality = v1alpha1.LocalityLbSetting

var (
	eu2us = []v1alpha1.Failover{{From: "eu", To: "us"}}
	share = []v1alpha1.Distribute{{From: "eu", To: map[string]int32{"us": 100}}}
)

func on() *locality  { return &locality{Enabled: ptr(true)} }
func off() *locality { return &locality{Enabled: ptr(false)} }

// Semantics 3.1 to 3.5: the first setting that speaks is taken whole.
func TestWhichSettingRules(t *testing.T) {
	for _, c := range []struct {
		name             string
		rule             *locality // nil: a rule without a setting
		hints            bool
		mesh             *locality
		env              bool
		flag, suspend    bool
		mode             model.Mode
		setting          string
		overprovision    uint32
		failover, fenced bool
	}{
		{name: "3.1 the flag", rule: on(), hints: true, mesh: on(), flag: true, setting: "suspended"},
		{name: "3.1 the mesh's suspend", rule: on(), mesh: on(), suspend: true, setting: "suspended"},
		{name: "3.1 the fence still holds", rule: allow("eu"), flag: true, setting: "suspended", fenced: true},
		{name: "3.2 {} is on", rule: &locality{}, hints: true, mode: model.Levels, setting: "rule default/r"},
		{name: "3.2 failover alone is on", rule: &locality{Failover: eu2us}, mode: model.Levels, setting: "rule default/r", failover: true},
		{name: "3.2 false stops here", rule: off(), hints: true, mesh: on(), setting: "rule default/r"},
		{name: "3.2 a fence alone does not speak", rule: allow("eu"), hints: true, mode: model.Hints, setting: "hints", fenced: true},
		{name: "3.2 a threshold alone does not speak", rule: &locality{FailoverThreshold: ptr(int32(50))}, mesh: on(), mode: model.Levels, setting: "mesh"},
		{name: "3.2 a fence with enabled speaks", rule: &locality{Enabled: ptr(true), AllowedRegions: []string{"eu"}}, hints: true, mode: model.Levels, setting: "rule default/r", fenced: true},
		{name: "3.2 distribute with a fence speaks", rule: &locality{Distribute: share, AllowedRegions: []string{"eu"}}, hints: true, mode: model.Levels, setting: "rule default/r", fenced: true},
		{name: "3.2 failoverPriority with a fence speaks", rule: &locality{FailoverPriority: []string{"x"}, AllowedRegions: []string{"eu"}}, hints: true, mode: model.Levels, setting: "rule default/r", fenced: true},
		{name: "3.2 switched off, the rest changes nothing", rule: &locality{Enabled: ptr(false), FailoverPriority: []string{"x"}}, mesh: on(), setting: "rule default/r"},
		{name: "3.3 the Service beats the mesh", hints: true, mesh: on(), mode: model.Hints, setting: "hints"},
		{name: "3.3 levels never merge", rule: on(), mesh: &locality{Enabled: ptr(true), Failover: eu2us, FailoverThreshold: ptr(int32(50))}, mode: model.Levels, setting: "rule default/r"},
		{name: "3.4 the mesh, on", mesh: &locality{Enabled: ptr(true), Failover: eu2us, FailoverThreshold: ptr(int32(70))}, mode: model.Levels, setting: "mesh", overprovision: 143, failover: true},
		{name: "3.4 the mesh, off beats the variable", mesh: off(), env: true, setting: "none"},
		{name: "3.4 unset takes the variable", mesh: &locality{Failover: eu2us}, env: true, mode: model.Levels, setting: "mesh", failover: true},
		{name: "3.4 unset alone switches nothing on", mesh: &locality{Failover: eu2us, AllowedRegions: []string{"eu"}}, setting: "none", fenced: true},
		{name: "3.4 the variable without a MeshConfig", env: true, mode: model.Levels, setting: "mesh"},
		{name: "3.4 the mesh, on, with tiers", mesh: &locality{Enabled: ptr(true), FailoverPriority: []string{"x"}}, mode: model.Levels, setting: "mesh"},
		{name: "3.4 distribute alone switches nothing on", mesh: &locality{Distribute: share}, setting: "none"},
		{name: "3.4 distribute takes the variable", mesh: &locality{Distribute: share}, env: true, mode: model.Levels, setting: "mesh"},
		{name: "3.5 else flat", setting: "none"},
		{name: "6.4 threshold 100", rule: &locality{Enabled: ptr(true), FailoverThreshold: ptr(int32(100))}, mode: model.Levels, setting: "rule default/r", overprovision: 100},
		{name: "6.4 threshold 1", rule: &locality{Enabled: ptr(true), FailoverThreshold: ptr(int32(1))}, mode: model.Levels, setting: "rule default/r", overprovision: 10000},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
			if c.hints {
				o.Slices[0].Endpoints[0] = ep("10.0.0.1", onNode("n1"), forZones("eu-1"))
			}
			o.Rules = []*v1alpha1.DestinationRule{rule("default/r", c.rule)}
			if c.mesh != nil || c.suspend {
				o.Mesh.Config = mesh(c.mesh)
				o.Mesh.Config.Spec.Suspend = c.suspend
			}
			o.Mesh.LocalityDefault, o.Mesh.Suspend = c.env, c.flag
			p := policy(served(t, o), "x")
			if c.mode == "" {
				c.mode = model.Flat
			}
			if c.overprovision == 0 {
				c.overprovision = model.DefaultOverprovisioningFactor
			}
			equal(t, []any{p.Mode, p.Setting, p.OverprovisioningFactor, p.Failover != nil, p.Allowed != nil},
				[]any{c.mode, c.setting, c.overprovision, c.failover, c.fenced})
		})
	}
}

// Semantics 3, lookup: client namespace, service namespace, root namespace.
func TestLookup(t *testing.T) {
	bare := rule("client/no-policy", nil)
	bare.Spec.TrafficPolicy = nil
	wildcard := rule("client/wild", on())
	wildcard.Spec.Host = "*.default.svc.cluster.local"
	short := rule("default/short", on())
	short.Spec.Host = "reviews"
	foreign := rule("client/short", on())
	foreign.Spec.Host = "reviews" // completed with client
	two := rule("client/two", on())
	two.Spec.Host = "reviews.default"
	for _, c := range []struct {
		name   string
		client string
		rules  []*v1alpha1.DestinationRule
		want   string
	}{
		{"client namespace first", "client", []*v1alpha1.DestinationRule{rule("default/s", on()), rule("client/c", on()), rule("coastwise-system/m", on())}, "client/c"},
		{"then the service's", "client", []*v1alpha1.DestinationRule{rule("default/s", on()), rule("coastwise-system/m", on())}, "default/s"},
		{"then the root", "client", []*v1alpha1.DestinationRule{rule("other/x", on()), rule("coastwise-system/m", on())}, "coastwise-system/m"},
		{"nobody else's", "client", []*v1alpha1.DestinationRule{rule("other/x", on())}, "none"},
		{"a client of the service's namespace", "default", []*v1alpha1.DestinationRule{rule("default/s", on()), rule("coastwise-system/m", on())}, "default/s"},
		{"a client of the root namespace", "coastwise-system", []*v1alpha1.DestinationRule{rule("default/s", on()), rule("coastwise-system/m", on())}, "coastwise-system/m"},
		{"a short host", "client", []*v1alpha1.DestinationRule{short}, "default/short"},
		{"a short host means the rule's namespace", "client", []*v1alpha1.DestinationRule{foreign}, "none"},
		{"NAME.NAMESPACE", "client", []*v1alpha1.DestinationRule{two}, "client/two"},
		{"a wildcard ends the lookup too", "client", []*v1alpha1.DestinationRule{wildcard, rule("default/s", on())}, "client/wild"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := world(slice("a", ep("10.0.0.1")))
			o.Rules = c.rules
			p := policy(served(t, o), c.client)
			got := "none"
			if p.Rule.Name != "" {
				got = p.Rule.Namespace + "/" + p.Rule.Name
				equal(t, p.Setting, "rule "+got)
			}
			equal(t, got, c.want)
		})
	}
	t.Run("a rule without a trafficPolicy ends the lookup", func(t *testing.T) {
		o := world(slice("a", ep("10.0.0.1")))
		o.Rules = []*v1alpha1.DestinationRule{bare, rule("default/s", on())}
		s := served(t, o)
		equal(t, policy(s, "client").Setting, "none")
		equal(t, policy(s, "other").Setting, "rule default/s")
	})
	t.Run("a waypoint starts at the service's namespace", func(t *testing.T) {
		o := world(slice("a", ep("10.0.0.1")))
		o.Rules = []*v1alpha1.DestinationRule{rule("client/c", on()), rule("default/s", on())}
		s := served(t, o)
		v := s.Select(model.Proxy{Kind: model.Waypoint, Namespace: "client"}, 80, "")
		equal(t, s.Policies[v.PolicyID].Setting, "rule default/s")
	})
	t.Run("the root namespace is the mesh's", func(t *testing.T) {
		o := world(slice("a", ep("10.0.0.1")))
		o.Rules = []*v1alpha1.DestinationRule{rule("coastwise-system/m", on()), rule("root/m", off())}
		o.Mesh.Config = mesh(nil)
		o.Mesh.Config.Spec.RootNamespace = "root"
		equal(t, policy(served(t, o), "client").Setting, "rule root/m")
	})
}

// Semantics 3: two rules for one host and level.
func TestConflicts(t *testing.T) {
	born := func(dr *v1alpha1.DestinationRule, seconds int64) *v1alpha1.DestinationRule {
		if seconds > 0 {
			dr.CreationTimestamp = metav1.NewTime(time.Unix(seconds, 0))
		}
		return dr
	}
	without := func(name string) *v1alpha1.DestinationRule {
		dr := rule(name, nil)
		dr.Spec.TrafficPolicy = nil
		return dr
	}
	for _, c := range []struct {
		name  string
		rules []*v1alpha1.DestinationRule
		want  string
		loser []string
	}{
		{"the older", []*v1alpha1.DestinationRule{born(rule("default/a", on()), 20), born(rule("default/b", on()), 10)}, "b", []string{"a"}},
		{"absent is first", []*v1alpha1.DestinationRule{born(rule("default/a", on()), 20), rule("default/b", on())}, "b", []string{"a"}},
		{"then the name", []*v1alpha1.DestinationRule{rule("default/c", on()), rule("default/b", on()), rule("default/a", on())}, "a", []string{"b", "c"}},
		{"one without a trafficPolicy loses nothing", []*v1alpha1.DestinationRule{without("default/a"), rule("default/b", on())}, "b", nil},
		{"other levels do not meet", []*v1alpha1.DestinationRule{rule("default/a", on()), rule("client/a", on())}, "a", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := world(slice("s", ep("10.0.0.1", onNode("n1"))))
			o.Rules = c.rules
			s, ps := ingest.Service(o)
			equal(t, policy(s, "x").Rule.Name, c.want)
			var want []string
			for _, l := range c.loser {
				want = append(want, "DestinationRule default/"+l+" spec.host warning Conflicted")
			}
			equal(t, lines(ps), want)
		})
	}
}

// loadBalancer.simple, where the entry is another port's.
func TestAlgorithm(t *testing.T) {
	for in, want := range map[string]model.Algorithm{
		"": model.LeastRequest, "UNSPECIFIED": model.LeastRequest, "LEAST_CONN": model.LeastRequest, "LEAST_REQUEST": model.LeastRequest,
		"ROUND_ROBIN": model.RoundRobin, "RANDOM": model.Random, "PASSTHROUGH": model.Passthrough,
	} {
		dr := rule("default/r", nil)
		dr.Spec.TrafficPolicy.LoadBalancer.Simple = in
		dr.Spec.TrafficPolicy.PortLevelSettings = []v1alpha1.PortTrafficPolicy{
			{Port: &v1alpha1.PortSelector{Number: 81}, LoadBalancer: &v1alpha1.LoadBalancer{Simple: "RANDOM", LocalityLbSetting: on()}},
		}
		o := world()
		o.Rules = []*v1alpha1.DestinationRule{dr}
		p := policy(served(t, o), "x")
		if p.Algorithm != want || p.Mode != model.Flat {
			t.Errorf("%q: %s %s, want %s flat", in, p.Algorithm, p.Mode, want)
		}
	}
}

// Semantics 4.2 holds with every setting.
func TestLocal(t *testing.T) {
	o := world(slice("a", ep("10.0.0.1", onNode("n1"))))
	o.Service = reviews(localOnly)
	equal(t, policy(served(t, o), "x").Local, true)
	o.Mesh.Suspend = true
	equal(t, policy(served(t, o), "x").Local, true)
	o.Mesh.Suspend, o.Mesh.LocalityDefault = false, true
	p := policy(served(t, o), "x")
	equal(t, []any{p.Local, p.Mode}, []any{true, model.Levels})
}

// Equal policies are one, so that clients of many namespaces share encodings.
func TestPoliciesAreShared(t *testing.T) {
	o := world(slice("a", ep("10.0.0.1")))
	o.Service.Spec.Ports = append(o.Service.Spec.Ports, corev1.ServicePort{Name: "b", Port: 90}, corev1.ServicePort{Name: "c", Port: 91})
	far := rule("far/r", on())
	far.Spec.Host = "*.default.svc.cluster.local"
	o.Rules = []*v1alpha1.DestinationRule{far}
	equal(t, len(served(t, o).Policies), 2)
	o.Rules = append(o.Rules, rule("client/r", off()))
	equal(t, len(served(t, o).Policies), 3)
}
