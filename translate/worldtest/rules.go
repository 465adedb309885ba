package worldtest

import (
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// policy is nil, or has settings for single ports too.
func policy(t *rapid.T) *v1alpha1.TrafficPolicy {
	if rapid.IntRange(0, 4).Draw(t, "no policy") == 0 {
		return nil
	}
	p := &v1alpha1.TrafficPolicy{LoadBalancer: balancer(t)}
	if rapid.IntRange(0, 3).Draw(t, "port settings") == 0 {
		p.PortLevelSettings = []v1alpha1.PortTrafficPolicy{{
			Port:         &v1alpha1.PortSelector{Number: rapid.SampledFrom([]int32{80, 90}).Draw(t, "port")},
			LoadBalancer: balancer(t),
		}}
	}
	return p
}

func balancer(t *rapid.T) *v1alpha1.LoadBalancer {
	return &v1alpha1.LoadBalancer{
		Simple:            rapid.SampledFrom([]string{"", "ROUND_ROBIN", "RANDOM"}).Draw(t, "simple"),
		LocalityLbSetting: setting(t),
	}
}

func subsets(t *rapid.T) []v1alpha1.Subset {
	var out []v1alpha1.Subset
	for _, name := range []string{"v1", "v2"} {
		if rapid.IntRange(0, 2).Draw(t, "subset") == 0 {
			out = append(out, v1alpha1.Subset{Name: name, Labels: map[string]string{"version": name}, TrafficPolicy: policy(t)})
		}
	}
	return out
}

// forSome narrows a rule to some clients, or not.
func forSome(t *rapid.T, r *v1alpha1.DestinationRule) {
	switch rapid.IntRange(0, 7).Draw(t, "for some") {
	case 0:
		r.Spec.ExportTo = rapid.SampledFrom([][]string{{"."}, {"a"}, {"b"}, {"a", "."}}).Draw(t, "exportTo")
	case 1, 2:
		r.Spec.WorkloadSelector = &v1alpha1.WorkloadSelector{MatchLabels: workload(t)}
	}
}

// workload is labels of a client, or those that a rule picks clients by.
func workload(t *rapid.T) map[string]string {
	return rapid.SampledFrom([]map[string]string{
		nil, {"app": "x"}, {"app": "y"}, {"tier": "1"}, {"app": "x", "tier": "1"},
	}).Draw(t, "labels")
}
