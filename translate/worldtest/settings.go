package worldtest

import (
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// drawDistribute draws what admission accepts: no from and no to twice, 100 in all.
func drawDistribute(t *rapid.T) []v1alpha1.Distribute {
	if rapid.IntRange(0, 2).Draw(t, "distributes") > 0 {
		return nil
	}
	var out []v1alpha1.Distribute
	from := []string{"r1", "r1/z1", "r2/*", "r3/z9", "*", "r1/z2/rack"}
	for _, pattern := range rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, 3, rapid.ID).Draw(t, "from") {
		out = append(out, v1alpha1.Distribute{From: pattern, To: rapid.SampledFrom([]map[string]int32{
			{"r1": 100}, {"*": 100}, {"r1/z1": 70, "r2": 30}, {"r1/*": 1, "r1/z1": 33, "r2/z2": 33, "r3": 33}, {"r9": 50, "r3/z3": 50},
		}).Draw(t, "to")})
	}
	return out
}

func drawFailoverPriority(t *rapid.T) []string {
	if rapid.IntRange(0, 2).Draw(t, "tiers") > 0 {
		return nil
	}
	return rapid.SampledFrom([][]string{
		{"version"},
		{"track=a", "version"},
		{"topology.istio.io/network", "topology.kubernetes.io/zone"},
		{"kubernetes.io/hostname", "version"},
		{"topology.istio.io/subzone"},
		{"topology.kubernetes.io/region=r1", "track"},
		{"version", "topology.istio.io/network", "topology.kubernetes.io/region"},
	}).Draw(t, "failoverPriority")
}

// withLabels adds those that tiers compare, of clients and of Pods: a value of
// the one is often unknown to the other.
func withLabels(t *rapid.T, labels map[string]string) map[string]string {
	for _, key := range []string{"version", "track", "topology.istio.io/network"} {
		if v := rapid.SampledFrom([]string{"", "", "a", "b", "lone"}).Draw(t, key); v != "" {
			if labels == nil {
				labels = map[string]string{}
			}
			labels[key] = v
		}
	}
	return labels
}
