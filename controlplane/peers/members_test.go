package peers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func pod(name, app, ip string, ready bool, edits ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}}}
	if app != "" {
		p.Labels["app.kubernetes.io/name"] = app
	}
	p.Status.PodIP = ip
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.ContainersReady, Status: corev1.ConditionTrue}}
	if ready {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue})
	}
	for _, edit := range edits {
		edit(p)
	}
	return p
}

func ending(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }

func in(phase corev1.PodPhase) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Phase = phase }
}

func TestOthers(t *testing.T) {
	pods := []*corev1.Pod{
		pod("z", "coastwise", "10.0.0.9", true),
		pod("self", "coastwise", "10.0.0.1", true),
		pod("six", "coastwise", "fd00::1", false),
		pod("another", "nginx", "10.0.0.2", true),
		pod("unlabelled", "", "10.0.0.3", true),
		pod("no-address", "coastwise", "", false),
		pod("ending", "coastwise", "10.0.0.4", true, ending),
		pod("ended", "coastwise", "10.0.0.5", false, ending),
		pod("failed", "coastwise", "10.0.0.6", false, in(corev1.PodFailed)),
		pod("evicted", "coastwise", "10.0.0.7", true, in(corev1.PodSucceeded)),
	}
	want := []Member{
		{Name: "ending", Address: "10.0.0.4:15016", Ready: true},
		{Name: "six", Address: "[fd00::1]:15016"},
		{Name: "z", Address: "10.0.0.9:15016", Ready: true},
	}
	if diff := cmp.Diff(want, Others(pods, "self", "15016")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, self := range []string{"elsewhere", "unlabelled"} {
		if got := Others(pods, self, "15016"); got != nil {
			t.Errorf("%s has the others %v", self, got)
		}
	}
}
