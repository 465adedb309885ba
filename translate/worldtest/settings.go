package worldtest

import (
	discoveryv1 "k8s.io/api/discovery/v1"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// drawDistribute draws what admission accepts: no from and no to twice, 100 in all.
func drawDistribute(t *rapid.T) []v1alpha1.Distribute {
	if rapid.IntRange(0, 2).Draw(t, "distributes") > 0 {
		return nil
	}
	var out []v1alpha1.Distribute
	from := []string{"r1", "r1/z1", "r2/*", "r3/z9", "*", "r1/z2/rack", "r1/z9"}
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

// withDistribution adds the annotation of semantics 5.4 to some.
func withDistribution(t *rapid.T, annotations map[string]string) map[string]string {
	if rapid.IntRange(0, 3).Draw(t, "annotated distribution") > 0 {
		return annotations
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	key := rapid.SampledFrom([]string{model.DistributionAnnotation, model.IstioDistributionAnnotation}).Draw(t, "spelling")
	annotations[key] = rapid.SampledFrom([]string{"PreferClose", "PreferSameNode", "prefersamezone", "Nearest"}).Draw(t, "annotation")
	return annotations
}

// DrawFocused makes a world around one Service whose rule has a setting: all that
// the setting looks at is there.
func DrawFocused(t *rapid.T) World {
	w := New()
	s := service(t, "a")
	w.Apply(s)
	for _, name := range []string{"-x", "-y"} {
		e := slice(t, "a").Object.(*discoveryv1.EndpointSlice)
		e.Name = s.Ref.Name + name
		e.Labels[discoveryv1.LabelServiceName] = s.Ref.Name
		w.Apply(Event{Ref: model.ObjectRef{Kind: "EndpointSlice", Namespace: "a", Name: e.Name}, Object: e})
	}
	for range 8 {
		w.Apply(node(t))
		w.Apply(event(t, "Pod"))
	}
	w.Apply(ruleWith(t, s.Ref.Name))
	return w
}

// ruleWith is a rule for a Service of namespace a, with a setting that is on.
func ruleWith(t *rapid.T, service string) Event {
	r := &v1alpha1.DestinationRule{}
	r.Namespace, r.Name = rapid.SampledFrom([]string{"a", "coastwise-system"}).Draw(t, "of"), "d1"
	r.Spec.Host = service + ".a.svc.cluster.local"
	l := &v1alpha1.LocalityLbSetting{Distribute: drawDistribute(t), FailoverPriority: drawFailoverPriority(t)}
	if rapid.Bool().Draw(t, "failover") {
		l.Failover = []v1alpha1.Failover{{From: "r1", To: "r2"}}
	}
	r.Spec.TrafficPolicy = &v1alpha1.TrafficPolicy{LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: l}}
	return Event{Ref: model.ObjectRef{Kind: v1alpha1.KindDestinationRule, Namespace: r.Namespace, Name: r.Name}, Object: r}
}
