package store

import (
	"slices"
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
			if got := nodeOf(n); got.Locality != tc.want {
				t.Errorf("got %v, want %v", got.Locality, tc.want)
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

// TestAutoHangsOnNodes: what topology-mode: Auto was refused for is told anew when a
// Node's readiness or CPU changes; nobody's place does.
func TestAutoHangsOnNodes(t *testing.T) {
	auto := service("a", "auto")
	auto.Object.(*corev1.Service).Annotations = map[string]string{corev1.AnnotationTopologyMode: "Auto"}
	up := func() Change {
		c := node("n1", "r", "z")
		c.Object.(*corev1.Node).Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		return c
	}
	s := New()
	s.Apply([]Change{auto, service("a", "plain"), node("n1", "r", "z")})
	s.Take()
	s.Apply([]Change{up()})
	d := s.Take()
	if want := []model.Key{model.ServiceKey("a", "auto")}; !slices.Equal(d.Keys, want) || d.Nodes {
		t.Errorf("a Node that becomes ready: %v, clients move: %v; want %v", d.Keys, d.Nodes, want)
	}
	if !s.Nodes().ByName["n1"].Counts {
		t.Error("the Node does not count")
	}
	s.Apply([]Change{up()})
	if d := s.Take(); !d.Empty() {
		t.Errorf("the same again marks %v", d.Keys)
	}
	s.Apply([]Change{gone(auto)})
	s.Take()
	s.Apply([]Change{node("n1", "r", "z")})
	if d := s.Take(); !d.Empty() {
		t.Errorf("without the Service: %v", d.Keys)
	}
}
