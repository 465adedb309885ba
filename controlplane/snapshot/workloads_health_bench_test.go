package snapshot

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// BenchmarkZtunnelHealth is one pod's health change among many workloads, ten to a
// service: from the store's change to what a ztunnel's stream is told. Ten times the
// workloads must not cost ten times as much.
func BenchmarkZtunnelHealth(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			st := store.New()
			h := New(st, 0, slog.New(slog.NewTextHandler(io.Discard, nil)))
			st.Apply(manyWorkloads(n))
			h.Publish(time.Now())
			z := h.JoinZtunnel(model.Proxy{ID: "a/z", Kind: model.Ztunnel})
			z.Take()
			b.ResetTimer()
			for i := range b.N {
				st.Apply([]store.Change{manyPod(7, i%2 == 1)})
				h.Publish(time.Now())
				if u := z.Take(); len(u.Names) != 1 {
					b.Fatalf("%d names for one pod", len(u.Names))
				}
			}
		})
	}
}

func manyPod(i int, ready bool) store.Change {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	name := fmt.Sprint("p", i)
	return ambient("Pod", "a", name, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "a"},
		Status: corev1.PodStatus{
			PodIP:      fmt.Sprintf("10.%d.%d.%d", i/65536, i/256%256, i%256),
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status}},
		},
	})
}

func manyWorkloads(n int) []store.Change {
	var out []store.Change
	port := int32(8080)
	for s := range n / 10 {
		name := fmt.Sprint("s", s)
		out = append(out, ambient("Service", "a", name, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "a"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		}))
		slice := &discoveryv1.EndpointSlice{
			ObjectMeta:  metav1.ObjectMeta{Name: name, Namespace: "a", Labels: map[string]string{discoveryv1.LabelServiceName: name}},
			AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: &port}},
		}
		for i := 10 * s; i < 10*s+10; i++ {
			pod := manyPod(i, true)
			out = append(out, pod)
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
				Addresses: []string{pod.Object.(*corev1.Pod).Status.PodIP},
				TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: "a", Name: pod.Ref.Name},
			})
		}
		out = append(out, ambient("EndpointSlice", "a", name, slice))
	}
	return out
}
