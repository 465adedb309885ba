package ingest_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// Semantics 7 and reference/kubernetes.md 2: nil means ready, serving, not terminating.
func TestState(t *testing.T) {
	for in, want := range map[string]model.State{
		"   ": model.Ready, "+  ": model.Ready, "+-+": model.Ready,
		"-  ": model.Unready, "-+ ": model.Unready, "-+-": model.Unready,
		"-++": model.Serving, "- +": model.Serving, "--+": model.Terminating,
	} {
		if got := first(t, world(slice("s", ep("10.0.0.1", conditions(in))))).State; got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

// Semantics 7: a pod that was never ready, or that is ready while its slice is behind.
func TestNeverReady(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(d time.Duration) metav1.Time { return metav1.NewTime(start.Add(d)) }
	ready := func(s corev1.ConditionStatus, since metav1.Time) []corev1.PodCondition {
		return []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
			{Type: corev1.PodReady, Status: s, LastTransitionTime: since},
		}
	}
	for _, c := range []struct {
		name       string
		noStart    bool
		conditions []corev1.PodCondition
		slice      string
		want       model.State
	}{
		{"no Ready condition", false, nil, "-  ", model.NeverReady},
		{"since the start", false, ready("False", at(0)), "-  ", model.NeverReady},
		{"within 2 s", false, ready("False", at(2*time.Second)), "-  ", model.NeverReady},
		{"later than 2 s", false, ready("False", at(3*time.Second)), "-  ", model.Unready},
		{"no transition time", false, ready("Unknown", metav1.Time{}), "-  ", model.NeverReady},
		{"ready by now", false, ready("True", at(0)), "-  ", model.Behind},
		{"ready by now, of an unknown start", true, ready("True", at(0)), "-  ", model.Unready},
		{"start unknown", true, ready("False", at(0)), "-  ", model.Unready},
		{"the slice says ready", false, ready("False", at(0)), "+  ", model.Ready},
		{"terminating", false, ready("False", at(0)), "--+", model.Terminating},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := pod("p", "n1", nil)
			p.Status.Conditions = c.conditions
			if !c.noStart {
				p.Status.StartTime = ptr(metav1.NewTime(start))
			}
			o := withPods(world(slice("s", ep("10.0.0.1", ofPod("p"), conditions(c.slice)))), p)
			equal(t, first(t, o).State, c.want)
		})
	}
	equal(t, first(t, world(slice("s", ep("10.0.0.1", ofPod("unknown"), conditions("-  "))))).State, model.Unready)
}
