package store

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

func hostOf(object any) (string, bool) {
	r, ok := object.(*v1alpha1.DestinationRule)
	if !ok {
		return "", false
	}
	return r.Spec.Host, true
}

func TestPlaceOf(t *testing.T) {
	for _, tc := range []struct {
		name   string
		labels map[string]string
		want   model.Locality
	}{
		{"none", nil, model.Locality{}},
		{"new", map[string]string{
			"topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "z", "topology.istio.io/subzone": "s",
		}, model.Locality{Region: "r", Zone: "z", SubZone: "s"}},
		{"old", map[string]string{
			"failure-domain.beta.kubernetes.io/region": "r", "failure-domain.beta.kubernetes.io/zone": "z",
		}, model.Locality{Region: "r", Zone: "z"}},
		{"new beats old", map[string]string{
			"topology.kubernetes.io/zone": "z", "failure-domain.beta.kubernetes.io/zone": "old",
			"failure-domain.beta.kubernetes.io/region": "r",
		}, model.Locality{Region: "r", Zone: "z"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := &corev1.Node{}
			n.Labels = tc.labels
			if got := placeOf(n); *got != tc.want {
				t.Errorf("got %v, want %v", *got, tc.want)
			}
		})
	}
}

// TestNodesFrozen: what was handed out never changes.
func TestNodesFrozen(t *testing.T) {
	s := New()
	s.Apply([]Change{node("n1", "r", "z")})
	old := s.Nodes()
	if s.Nodes() != old {
		t.Error("another view without a change")
	}
	s.Apply([]Change{heartbeat(node("n1", "r", "z"))})
	if s.Nodes() != old {
		t.Error("a heartbeat made another view")
	}
	s.Apply([]Change{node("n1", "r2", "z")})
	if old.ByName["n1"].Locality.Region != "r" || old.Regions["z"] != "r" {
		t.Errorf("the old view changed: %+v", old)
	}
	if got := s.Nodes(); got.ByName["n1"].Locality.Region != "r2" || got.Regions["z"] != "r2" {
		t.Errorf("the new view: %+v", got)
	}
}
