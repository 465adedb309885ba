package snapshot

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// BenchmarkPodEvent changes the address of one Pod among 10,000 of a namespace with
// 5,000 entries, of which one selects that Pod and another.
func BenchmarkPodEvent(b *testing.B) {
	_, st := newHub(b)
	var all []store.Change
	for i := range 5000 {
		all = append(all, selecting(i))
	}
	for i := range 10_000 {
		all = append(all, labelledPod(i, 0))
	}
	st.Apply(all)
	st.Take()
	turn := 0
	b.ReportAllocs()
	for b.Loop() {
		turn++
		st.Apply([]store.Change{labelledPod(7, turn%2)})
		if d := st.Take(); len(d.Keys) != 1 {
			b.Fatalf("%d services are marked", len(d.Keys))
		}
	}
}

func selecting(i int) store.Change {
	e := &v1alpha1.ServiceEntry{}
	e.Namespace, e.Name = "default", fmt.Sprint("e", i)
	e.Spec.Hosts, e.Spec.Resolution = []string{fmt.Sprintf("e%d.example.com", i)}, "STATIC"
	e.Spec.Ports = []v1alpha1.ServicePort{{Number: 80, Name: "http"}}
	e.Spec.WorkloadSelector = &v1alpha1.LabelSelector{Labels: map[string]string{"app": fmt.Sprint("a", i)}}
	return store.Change{Ref: model.ObjectRef{Kind: v1alpha1.KindServiceEntry, Namespace: e.Namespace, Name: e.Name}, Object: e}
}

func labelledPod(i, turn int) store.Change {
	p := &corev1.Pod{}
	p.Namespace, p.Name = "default", fmt.Sprint("p", i)
	p.Labels = map[string]string{"app": fmt.Sprint("a", i%5000)}
	p.Status.PodIP = fmt.Sprintf("10.%d.%d.%d", turn, i>>8, i&255)
	return store.Change{Ref: model.ObjectRef{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}, Object: p}
}
