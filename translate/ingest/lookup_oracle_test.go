package ingest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// The lookup of semantics 3 and the fence of 4.1, read off the page for one whole
// proxy: slow, without classes of clients.

// rank is how specific the hosts of drawRule are; 0 is the most.
func rank(h string) int {
	return slices.Index([]string{"", "*.default.svc.cluster.local", "*.svc.cluster.local", "*"}, map[string]string{
		host: "", "reviews.default": "", "*.default": "*.default.svc.cluster.local",
		"*.default.svc.cluster.local": "*.default.svc.cluster.local", "*.svc.cluster.local": "*.svc.cluster.local", "*": "*",
	}[h])
}

func sees(p model.Proxy, dr *v1alpha1.DestinationRule) bool {
	exported := len(dr.Spec.ExportTo) == 0
	for _, to := range dr.Spec.ExportTo {
		exported = exported || to == "*" || to == p.Namespace || to == "." && p.Namespace == dr.Namespace
	}
	if w := dr.Spec.WorkloadSelector; w != nil {
		for k, v := range w.MatchLabels {
			exported = exported && p.Labels[k] == v
		}
		exported = exported && p.Namespace == dr.Namespace
	}
	return exported
}

func levelsOf(p model.Proxy) []string {
	if p.Kind == model.Waypoint {
		return []string{"default", "coastwise-system"}
	}
	return []string{p.Namespace, "default", "coastwise-system"}
}

// winners are the rules that decide, older first.
func winners(o ingest.Objects, p model.Proxy) []*v1alpha1.DestinationRule {
	for _, ns := range levelsOf(p) {
		best, selected, ours := 99, false, false
		for _, dr := range o.Rules {
			if dr.Namespace == ns && sees(p, dr) {
				best = min(best, rank(dr.Spec.Host))
			}
		}
		var out []*v1alpha1.DestinationRule
		for _, dr := range o.Rules {
			if dr.Namespace == ns && sees(p, dr) && rank(dr.Spec.Host) == best {
				out = append(out, dr)
				ours = ours || dr.APIVersion == ""
			}
		}
		out = slices.DeleteFunc(out, func(dr *v1alpha1.DestinationRule) bool { return ours && dr.APIVersion != "" })
		for _, dr := range out {
			selected = selected || dr.Spec.WorkloadSelector != nil
		}
		out = slices.DeleteFunc(out, func(dr *v1alpha1.DestinationRule) bool { return selected && dr.Spec.WorkloadSelector == nil })
		slices.SortFunc(out, func(a, b *v1alpha1.DestinationRule) int {
			if c := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); c != 0 {
				return c
			}
			return strings.Compare(a.Name, b.Name)
		})
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// simpleOf is loadBalancer.simple of policies from the outermost in.
func simpleOf(port uint32, policies ...*v1alpha1.TrafficPolicy) string {
	simple := "LEAST_REQUEST"
	for _, tp := range policies {
		if tp == nil {
			continue
		}
		if tp.LoadBalancer != nil {
			simple = tp.LoadBalancer.Simple
		}
		for _, e := range tp.PortLevelSettings {
			if uint32(e.Port.Number) == port {
				simple = "LEAST_REQUEST"
				if e.LoadBalancer != nil {
					simple = e.LoadBalancer.Simple
				}
			}
		}
	}
	return simple
}

func regionsOf(tp *v1alpha1.TrafficPolicy, port uint32) [][]string {
	var out [][]string
	add := func(lb *v1alpha1.LoadBalancer) {
		if lb != nil && lb.LocalityLbSetting != nil && lb.LocalityLbSetting.AllowedRegions != nil {
			out = append(out, lb.LocalityLbSetting.AllowedRegions)
		}
	}
	if tp == nil {
		return nil
	}
	add(tp.LoadBalancer)
	for _, e := range tp.PortLevelSettings {
		if uint32(e.Port.Number) == port {
			add(e.LoadBalancer)
		}
	}
	return out
}

// forbidden says whether some fence that a proxy sees leaves a region out.
func forbidden(o ingest.Objects, p model.Proxy, port uint32, subset, region string) bool {
	var lists [][]string
	if o.Mesh.Config != nil {
		lists = append(lists, regionsOf(&v1alpha1.TrafficPolicy{LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: o.Mesh.Config.Spec.LocalityLbSetting}}, 0)...)
	}
	for _, f := range o.Fences {
		if slices.Contains(levelsOf(p), f.Object.Namespace) {
			lists = append(lists, f.AllowedRegions)
		}
	}
	for _, dr := range o.Rules {
		if !slices.Contains(levelsOf(p), dr.Namespace) || !sees(p, dr) {
			continue
		}
		lists = append(lists, regionsOf(dr.Spec.TrafficPolicy, port)...)
		for _, s := range dr.Spec.Subsets {
			if s.Name == subset {
				lists = append(lists, regionsOf(s.TrafficPolicy, port)...)
			}
		}
	}
	return slices.ContainsFunc(lists, func(l []string) bool { return !slices.Contains(l, region) })
}

func drawClient(t *rapid.T) model.Proxy {
	return model.Proxy{
		Kind:      rapid.SampledFrom([]model.Kind{model.Sidecar, model.Sidecar, model.Gateway, model.Waypoint}).Draw(t, "kind"),
		Namespace: rapid.SampledFrom([]string{"default", "client", "coastwise-system", "far", "elsewhere"}).Draw(t, "client"),
		Labels:    drawLabels(t),
	}
}

func TestLawLookup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawObjects(t)
		s, _ := ingest.Service(o)
		p := drawClient(t)
		group := winners(o, p)
		var policy *v1alpha1.TrafficPolicy
		subsets := map[string]*v1alpha1.Subset{}
		for _, dr := range group {
			if policy == nil {
				policy = dr.Spec.TrafficPolicy
			}
			for i := range dr.Spec.Subsets {
				if sub := &dr.Spec.Subsets[i]; subsets[sub.Name] == nil {
					subsets[sub.Name] = sub
				}
			}
		}
		got := s.SubsetsOf(p.Kind, p.Namespace, func(sel model.Selector) bool { return sel.Matches(p.Labels) })
		if !slices.Equal(got, slices.Sorted(maps.Keys(subsets))) {
			t.Fatalf("subsets %v, want %v", got, subsets)
		}
		for _, port := range []uint32{80, 90} {
			for _, name := range append([]string{""}, "v1", "v2", "v3") {
				v := s.Select(p, port, name)
				sub := subsets[name]
				if has := name == "" || sub != nil; has != (v.PolicyID != model.NoPolicy) || has != s.HasSubset(p, name) {
					t.Fatalf("subset %q: policy %d", name, v.PolicyID)
				} else if !has {
					continue
				}
				inner, labels := (*v1alpha1.TrafficPolicy)(nil), map[string]string(nil)
				if sub != nil {
					inner, labels = sub.TrafficPolicy, sub.Labels
				}
				is := s.Policies[v.PolicyID]
				if want := simpleOf(port, policy, inner); string(is.Algorithm) != want {
					t.Fatalf("%+v: %s, want %s", v, is.Algorithm, want)
				}
				if !maps.Equal(is.SubsetLabels, labels) {
					t.Fatalf("%+v: labels %v", v, is.SubsetLabels)
				}
				for _, region := range []string{"eu", "us", "ap"} {
					if is.Allowed.Has(region) == forbidden(o, p, port, name, region) {
						t.Fatalf("%+v: %s is allowed: %v", v, region, is.Allowed.Has(region))
					}
				}
			}
		}
	})
}

// A service that is held back allows nobody what the objects of now forbid, and
// keeps the subsets that it had.
func TestLawFenced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawObjects(t)
		former, _ := ingest.Service(o)
		now := drawObjects(t)
		s := ingest.Fenced(former, now)
		p := drawClient(t)
		for _, name := range []string{"", "v1", "v2"} {
			if s.HasSubset(p, name) != former.HasSubset(p, name) {
				t.Fatalf("subset %q is kept: %v", name, s.HasSubset(p, name))
			}
			if !s.HasSubset(p, name) {
				continue
			}
			for _, port := range []uint32{80, 90} {
				was, is := former.Policies[former.Select(p, port, name).PolicyID], s.Policies[s.Select(p, port, name).PolicyID]
				if was.Algorithm != is.Algorithm || was.Mode != is.Mode {
					t.Fatalf("policy %+v became %+v", was, is)
				}
				for _, region := range []string{"eu", "us", "ap"} {
					if is.Allowed.Has(region) && (!was.Allowed.Has(region) || forbidden(now, p, port, name, region)) {
						t.Fatalf("subset %q port %d allows %s", name, port, region)
					}
				}
			}
		}
	})
}
