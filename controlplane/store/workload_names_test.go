package store

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// Whatever differs of a Pod or WorkloadEntry marks it, and nothing else does.
func TestMarksOfWorkloads(t *testing.T) {
	s := New()
	pod := func(ip string) Change {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "a"}, Status: corev1.PodStatus{PodIP: ip}}
		return Change{Ref: model.ObjectRef{Kind: "Pod", Namespace: "a", Name: "p"}, Object: p}
	}
	entry := func(group, address string) Change {
		e := &v1alpha1.WorkloadEntry{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "a"}, Spec: v1alpha1.WorkloadEntrySpec{Address: address}}
		return Change{Ref: model.ObjectRef{Kind: v1alpha1.KindWorkloadEntry + group, Namespace: "a", Name: "p"}, Object: e}
	}
	thePod := model.WorkloadName{Kind: model.PodWorkload, Namespace: "a", Name: "p"}
	ours := model.WorkloadName{Kind: model.WorkloadEntryWorkload, Namespace: "a", Name: "p"}
	istios := ours
	istios.Istio = true
	for i, tc := range []struct {
		change Change
		want   []model.WorkloadName
	}{
		{pod("10.0.0.1"), []model.WorkloadName{thePod}},
		{pod("10.0.0.1"), nil},
		{pod("10.0.0.2"), []model.WorkloadName{thePod}},
		{entry("", "10.0.0.3"), []model.WorkloadName{ours}},
		{entry("."+v1alpha1.IstioGroup, "10.0.0.4"), []model.WorkloadName{istios}},
		{entry("", "10.0.0.3"), nil},
	} {
		s.Apply([]Change{tc.change})
		if got := s.Take().Workloads; !slices.Equal(got, tc.want) {
			t.Errorf("%d: %v, want %v", i, got, tc.want)
		}
	}
	if got := s.Workloads(); !slices.Equal(got, []model.WorkloadName{thePod, ours, istios}) || !slices.Equal(got, s.WorkloadsIn("a")) {
		t.Errorf("all: %v", got)
	}
	if p, e := s.Workload(thePod); p == nil || e != nil || p.Status.PodIP != "10.0.0.2" {
		t.Errorf("the pod: %v %v", p, e)
	}
	if p, e := s.Workload(istios); p != nil || e == nil || e.Spec.Address != "10.0.0.4" {
		t.Errorf("Istio's entry: %v %v", p, e)
	}
	s.Apply([]Change{{Ref: pod("").Ref}})
	if got := s.Take().Workloads; !slices.Equal(got, []model.WorkloadName{thePod}) || len(s.Workloads()) != 2 {
		t.Errorf("gone: %v", got)
	}
}
