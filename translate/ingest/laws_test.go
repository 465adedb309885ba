package ingest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

func drawEndpoint(t *rapid.T) discoveryv1.Endpoint {
	e := ep(fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 5).Draw(t, "address")),
		conditions(rapid.SampledFrom([]string{"   ", "-  ", "-++", "--+"}).Draw(t, "conditions")))
	pick := func(what string, from []string, use func(string) epOption) {
		if v := rapid.SampledFrom(from).Draw(t, what); v != "" {
			use(v)(&e)
		}
	}
	pick("node", []string{"", "n1", "n2", "n3", "bare", "odd", "gone"}, onNode)
	pick("zone", []string{"", "eu-1", "us-1", "split"}, inZone)
	pick("pod", []string{"", "p1", "p2", "gone"}, ofPod)
	if rapid.IntRange(0, 4).Draw(t, "hinted") == 0 {
		forZones(rapid.SampledFrom([]string{"eu-1", "us-1"}).Draw(t, "hint"), "eu-2")(&e)
	}
	return e
}

func drawSlice(t *rapid.T, i int) *discoveryv1.EndpointSlice {
	s := slice(fmt.Sprintf("s%d", i), rapid.SliceOfN(rapid.Custom(drawEndpoint), 0, 5).Draw(t, "endpoints")...)
	s.Ports = append(s.Ports, discoveryv1.EndpointPort{Name: ptr("b"), Port: ptr(int32(rapid.IntRange(1, 2).Draw(t, "number")))})
	if rapid.IntRange(0, 2).Draw(t, "IPv6") == 0 {
		s.AddressType = discoveryv1.AddressTypeIPv6
		for i := range s.Endpoints {
			s.Endpoints[i].Addresses[0] = fmt.Sprintf("fd00::%d", rapid.IntRange(1, 5).Draw(t, "address"))
		}
	}
	return s
}

func drawSetting(t *rapid.T) *v1alpha1.LocalityLbSetting {
	return rapid.SampledFrom([]*locality{
		nil,
		{},
		on(), off(), allow("eu"), allow("us", "eu"),
		{Failover: eu2us},
		{Distribute: share, AllowedRegions: []string{"us"}},
		{FailoverPriority: []string{"istio-locality", model.LabelNetwork}, Distribute: share},
	}).Draw(t, "setting")
}

func drawRule(t *rapid.T, i int) *v1alpha1.DestinationRule {
	ns := rapid.SampledFrom([]string{"default", "client", "coastwise-system"}).Draw(t, "namespace")
	dr := rule(fmt.Sprintf("%s/r%d", ns, i), drawSetting(t))
	dr.Spec.Host = rapid.SampledFrom([]string{host, "*.default.svc.cluster.local", "reviews.default", "*.default", "*.svc.cluster.local", "*"}).Draw(t, "host")
	dr.Spec.TrafficPolicy = drawPolicy(t)
	dr.CreationTimestamp.Time = time.Unix(int64(rapid.IntRange(1, 3).Draw(t, "born")), 0)
	for _, name := range []string{"v1", "v2"} {
		if rapid.IntRange(0, 3).Draw(t, "subset") == 0 {
			dr.Spec.Subsets = append(dr.Spec.Subsets, v1alpha1.Subset{Name: name, Labels: map[string]string{"version": name}, TrafficPolicy: drawPolicy(t)})
		}
	}
	dr.Spec.ExportTo = rapid.SampledFrom([][]string{nil, nil, nil, {"*"}, {"."}, {"client"}, {"default", "far"}}).Draw(t, "exportTo")
	if rapid.IntRange(0, 3).Draw(t, "selector") == 0 {
		dr.Spec.WorkloadSelector = &v1alpha1.WorkloadSelector{MatchLabels: drawLabels(t)}
	}
	if rapid.IntRange(0, 2).Draw(t, "istio") == 0 { // its kind has no fence
		dr.APIVersion = v1alpha1.IstioAPIVersion
		withoutFence(dr)
	}
	return dr
}

// withoutFence takes away what Istio's kind does not have.
func withoutFence(dr *v1alpha1.DestinationRule) {
	policies := []*v1alpha1.TrafficPolicy{dr.Spec.TrafficPolicy}
	for i := range dr.Spec.Subsets {
		policies = append(policies, dr.Spec.Subsets[i].TrafficPolicy)
	}
	for _, p := range policies {
		if p == nil {
			continue
		}
		balancers := []*v1alpha1.LoadBalancer{p.LoadBalancer}
		for _, e := range p.PortLevelSettings {
			balancers = append(balancers, e.LoadBalancer)
		}
		for _, lb := range balancers {
			if lb != nil && lb.LocalityLbSetting != nil {
				lb.LocalityLbSetting.AllowedRegions = nil
			}
		}
	}
}

func drawPolicy(t *rapid.T) *v1alpha1.TrafficPolicy {
	lb := func() *v1alpha1.LoadBalancer {
		if rapid.IntRange(0, 3).Draw(t, "no load balancer") == 0 {
			return nil
		}
		return &v1alpha1.LoadBalancer{
			Simple:            rapid.SampledFrom([]string{"ROUND_ROBIN", "RANDOM", "LEAST_REQUEST"}).Draw(t, "simple"),
			LocalityLbSetting: drawSetting(t),
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "bare") == 0 {
		return nil
	}
	p := &v1alpha1.TrafficPolicy{LoadBalancer: lb()}
	if rapid.Bool().Draw(t, "port") {
		p.PortLevelSettings = []v1alpha1.PortTrafficPolicy{{Port: &v1alpha1.PortSelector{Number: 90}, LoadBalancer: lb()}}
	}
	return p
}

func drawLabels(t *rapid.T) map[string]string {
	return rapid.SampledFrom([]map[string]string{
		nil, {"app": "x"}, {"app": "y"}, {"tier": "1"}, {"app": "x", "tier": "1"}, {"zone": "z"},
	}).Draw(t, "labels")
}

func drawObjects(t *rapid.T) ingest.Objects {
	o := world()
	for i := range rapid.IntRange(0, 4).Draw(t, "slices") {
		o.Slices = append(o.Slices, drawSlice(t, i))
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "rules") {
		o.Rules = append(o.Rules, drawRule(t, i))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "fences") {
		o.Fences = append(o.Fences, fence(fmt.Sprint("f", i), rapid.SampledFrom([]string{"default", "client"}).Draw(t, "of"), host, "eu", "us"))
	}
	if rapid.Bool().Draw(t, "mesh") {
		o.Mesh.Config = mesh(drawSetting(t))
	}
	o.Service.Spec.Ports = append(o.Service.Spec.Ports, corev1.ServicePort{Name: "b", Port: 90})
	o.Service.Spec.TrafficDistribution = rapid.SampledFrom([]*string{nil, ptr("PreferClose"), ptr("PreferSameNode")}).Draw(t, "wish")
	return withPods(o, pod("p1", "n1", map[string]string{"istio-locality": "ap.ap-1"}), pod("p2", "n2", nil))
}

// The same objects in any order give an equal Service and equal problems, and
// are not modified.
func TestLawOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawObjects(t)
		before := fmt.Sprint(o.Slices, o.Rules, o.Fences)
		s, ps := ingest.Service(o)
		if after := fmt.Sprint(o.Slices, o.Rules, o.Fences); after != before {
			t.Fatalf("objects were modified:\n%s\n%s", before, after)
		}
		o.Slices = rapid.Permutation(o.Slices).Draw(t, "slices again")
		o.Rules = rapid.Permutation(o.Rules).Draw(t, "rules again")
		o.Fences = rapid.Permutation(o.Fences).Draw(t, "fences again")
		s2, ps2 := ingest.Service(o)
		if d := cmp.Diff(s, s2); d != "" {
			t.Fatal(d)
		}
		if d := cmp.Diff(ps, ps2); d != "" {
			t.Fatal(d)
		}
	})
}

// What model promises of every Service: sorted ports and endpoints, no address
// and port twice, every policy reachable, and a policy for every client.
func TestLawServiceIsWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := ingest.Service(drawObjects(t))
		used := map[model.PolicyID]bool{}
		for _, id := range s.Lookup {
			used[id] = true
		}
		if len(used) != len(s.Policies) {
			t.Fatalf("%d policies, %d used", len(s.Policies), len(used))
		}
		for i, p := range s.Ports {
			if i > 0 && s.Ports[i-1].Number >= p.Number {
				t.Fatal("ports are not sorted")
			}
			if _, ok := s.Lookup[model.PolicyKey{Port: p.Number}]; !ok {
				t.Fatalf("port %d has no policy", p.Number)
			}
			for i := range p.Endpoints[:max(0, len(p.Endpoints)-1)] {
				a, b := p.Endpoints[i], p.Endpoints[i+1]
				if a.Address > b.Address || a.Address == b.Address && a.Port >= b.Port {
					t.Fatalf("%v before %v", a, b)
				}
			}
			for _, e := range p.Endpoints {
				if !slices.IsSorted(e.ZoneHints) || !slices.IsSorted(e.NodeHints) {
					t.Fatalf("hints of %v", e)
				}
			}
		}
	})
}

// A label never opens a fence: whatever labels pods carry, the region at the
// fence is the same.
func TestLawLabelsDoNotMoveTheFence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawObjects(t)
		regions := func() []string {
			var out []string
			s, _ := ingest.Service(o)
			for _, p := range s.Ports {
				for _, e := range p.Endpoints {
					out = append(out, e.Address+" "+e.Region)
				}
			}
			return out
		}
		before := regions()
		label := rapid.SampledFrom([]string{"eu", "eu.eu-1", "us.us-1.x", "x.split"}).Draw(t, "label")
		withPods(o, pod("p1", "n1", map[string]string{"topology.istio.io/locality": label}), pod("p2", "n2", map[string]string{"istio-locality": label}))
		if d := cmp.Diff(before, regions()); d != "" {
			t.Fatal(d)
		}
	})
}
