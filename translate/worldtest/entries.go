package worldtest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// serviceEntry draws an entry whose hosts clash with those of others, of the other
// namespace, of Services and of their short forms.
func serviceEntry(t *rapid.T, ns string) Event {
	e := &v1alpha1.ServiceEntry{}
	e.Namespace, e.Name = ns, rapid.SampledFrom([]string{"e1", "e2"}).Draw(t, "entry")
	e.APIVersion = apiVersion(t)
	e.CreationTimestamp = metav1.Unix(int64(rapid.IntRange(1, 2).Draw(t, "age")), 0)
	e.Spec.Hosts = rapid.SampledFrom([][]string{
		{"db.example.com"}, {"db.example.com", "*.example.com"}, {"s1.a"}, {"s2.b.svc.cluster.local", "db.example.com"},
	}).Draw(t, "hosts")
	e.Spec.Resolution = rapid.SampledFrom([]string{"STATIC", "STATIC", "STATIC", "DNS", "DNS_ROUND_ROBIN", "NONE", "NONE"}).Draw(t, "resolution")
	e.Spec.Ports = []v1alpha1.ServicePort{{Number: 80, Name: "http", Protocol: rapid.SampledFrom([]string{"", "HTTP", "HTTP", "GRPC", "TCP"}).Draw(t, "word")}}
	if rapid.Bool().Draw(t, "second port") {
		e.Spec.Ports = append(e.Spec.Ports, secondPort(t, e.Spec.Resolution == "NONE"))
	}
	e.Spec.Addresses = addresses(t, e.Spec.Resolution == "NONE" || e.Spec.Resolution == "STATIC")
	e.Spec.ExportTo = rapid.SampledFrom([][]string{nil, nil, {"."}, {"a"}}).Draw(t, "exportTo")
	e.Spec.SubjectAltNames = rapid.SampledFrom([][]string{nil, {"db.example.com"}}).Draw(t, "subjectAltNames")
	e.Annotations = withDistribution(t, nil)
	switch most := map[string]int{"STATIC": 4, "DNS": 3, "DNS_ROUND_ROBIN": 1}[e.Spec.Resolution]; {
	case most > 1 && rapid.Bool().Draw(t, "selects"):
		e.Spec.WorkloadSelector = &v1alpha1.LabelSelector{Labels: rapid.SampledFrom([]map[string]string{
			nil, {"version": "v1"}, {"version": "v2"}, {"track": "a"},
		}).Draw(t, "selector")}
	default:
		for i := range rapid.IntRange(0, most).Draw(t, "endpoints") {
			e.Spec.Endpoints = append(e.Spec.Endpoints, workloadSpec(t, fmt.Sprintf("10.1.0.%d", i)))
		}
		if e.Spec.Hosts[len(e.Spec.Hosts)-1] == "*.example.com" { // which has no address
			e.Spec.Hosts = e.Spec.Hosts[:1]
		}
	}
	return Event{Ref: model.ObjectRef{Kind: v1alpha1.KindOf(e.APIVersion, v1alpha1.KindServiceEntry), Namespace: ns, Name: e.Name}, Object: e}
}

// secondPort is now and then one of a captured sidecar's own.
func secondPort(t *rapid.T, none bool) v1alpha1.ServicePort {
	out := v1alpha1.ServicePort{Number: rapid.SampledFrom([]int64{90, 90, 15001}).Draw(t, "number"), Name: "grpc"}
	if !none {
		out.TargetPort = 9090
	}
	return out
}

// addresses are none, or virtual IPs and blocks that those of others overlap.
func addresses(t *rapid.T, blocks bool) []string {
	of := [][]string{nil, nil, {"10.9.0.1"}, {"10.9.0.1", "10.9.0.2"}}
	if blocks {
		of = append(of, []string{"10.9.0.0/24"}, []string{"10.9.0.0/16", "10.9.0.2"}, []string{"10.9.0.1/24", "fd00::/8"}, []string{"0.0.0.0/0"})
	}
	return rapid.SampledFrom(of).Draw(t, "addresses")
}

func workloadSpec(t *rapid.T, address string) v1alpha1.WorkloadEntrySpec {
	w := v1alpha1.WorkloadEntrySpec{
		Address:  address,
		Locality: rapid.SampledFrom([]string{"", "r1", "r1/z1", "r2/z2", "r3/z3/rack"}).Draw(t, "locality"),
		Network:  rapid.SampledFrom([]string{"", "", "a"}).Draw(t, "network"),
		Labels:   withLabels(t, versioned(t, nil)),
	}
	if rapid.IntRange(0, 3).Draw(t, "weighs") == 0 {
		w.Weight = ptr(int64(rapid.SampledFrom([]int{0, 1, 3, 1_000_000}).Draw(t, "weight")))
	}
	if rapid.IntRange(0, 3).Draw(t, "own port") == 0 {
		w.Ports = map[string]int64{"http": 8081}
	}
	return w
}

// workloadEntry draws one whose address may be another's too, or a name.
func workloadEntry(t *rapid.T, ns string) Event {
	w := &v1alpha1.WorkloadEntry{}
	w.Namespace, w.Name = ns, rapid.SampledFrom([]string{"w1", "w2", "w3"}).Draw(t, "workload")
	w.APIVersion, w.Labels = apiVersion(t), versioned(t, nil)
	w.Spec = workloadSpec(t, rapid.SampledFrom([]string{"10.2.0.1", "10.2.0.2", "vm.example.net"}).Draw(t, "address"))
	return Event{Ref: model.ObjectRef{Kind: v1alpha1.KindOf(w.APIVersion, v1alpha1.KindWorkloadEntry), Namespace: ns, Name: w.Name}, Object: w}
}

// versioned adds the label that subsets and selectors look at, or not.
func versioned(t *rapid.T, labels map[string]string) map[string]string {
	if !rapid.Bool().Draw(t, "versioned") {
		return labels
	}
	if labels == nil {
		labels = map[string]string{}
	}
	labels["version"] = rapid.SampledFrom([]string{"v1", "v2"}).Draw(t, "version")
	return labels
}

// running gives a Pod its status, as far as entries that select it read it.
func running(t *rapid.T, p *corev1.Pod) {
	p.Status.PodIP = rapid.SampledFrom([]string{"", "10.3.0.1", "10.3.0.2"}).Draw(t, "pod IP")
	p.Status.Conditions = []corev1.PodCondition{{
		Type:   corev1.PodReady,
		Status: rapid.SampledFrom([]corev1.ConditionStatus{corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionFalse}).Draw(t, "ready"),
	}}
	if rapid.IntRange(0, 5).Draw(t, "leaves") == 0 {
		p.DeletionTimestamp = ptr(metav1.Unix(1, 0))
	}
}

// external makes a Service an alias of a name, now and then.
func external(t *rapid.T, s *corev1.Service) {
	if rapid.IntRange(0, 9).Draw(t, "external") == 0 {
		s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "alias.example.net"
	}
}
