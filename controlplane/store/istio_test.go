package store

import (
	"slices"
	"testing"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// istio makes of a change of ours the same of Istio's kind.
func istio(c Change) Change {
	c.Ref.Kind = v1alpha1.KindOf(v1alpha1.IstioAPIVersion, c.Ref.Kind)
	switch object := c.Object.(type) {
	case *v1alpha1.DestinationRule:
		object.APIVersion = v1alpha1.IstioAPIVersion
	case *v1alpha1.ServiceEntry:
		object.APIVersion = v1alpha1.IstioAPIVersion
	case *v1alpha1.WorkloadEntry:
		object.APIVersion = v1alpha1.IstioAPIVersion
	}
	return c
}

// TestTwoGroups: an object of ours and one of Istio's may have the same name; each
// comes and goes alone, and what is admitted is what was applied.
func TestTwoGroups(t *testing.T) {
	ours := []Change{
		rule("a", "x", api.Host), entry("a", "x", "v", api.Host), workload("a", "x", "v", "v"),
	}
	theirs := []Change{
		istio(rule("a", "x", api.Host)), istio(entry("a", "x", "v", api.Host)), istio(workload("a", "x", "v", "v")),
	}
	s := New()
	s.Apply(slices.Concat(theirs, ours))
	if o := s.Objects(api); len(o.Rules) != 2 || len(o.Entries) != 2 || len(o.Workloads) != 2 || v1alpha1.IsIstio(o.Entries[0].APIVersion) {
		t.Errorf("%d rules, %d entries, %d workloads; ours must be the first", len(o.Rules), len(o.Entries), len(o.Workloads))
	}
	want := refs(slices.Concat(theirs, ours))
	if got := refs(s.Admitted()); !slices.Equal(got, want) {
		t.Errorf("admitted %v, want %v", got, want)
	}
	for i, c := range ours {
		s.Apply([]Change{gone(c)})
		if got, want := refs(s.Admitted()), refs(slices.Concat(theirs, ours[i+1:])); !slices.Equal(got, want) {
			t.Errorf("without %s: %v, want %v", c.Ref, got, want)
		}
	}
	if o := s.Objects(api); len(o.Rules) != 1 || len(o.Entries) != 1 || len(o.Workloads) != 1 {
		t.Errorf("%d rules, %d entries, %d workloads are left", len(o.Rules), len(o.Entries), len(o.Workloads))
	}
	for _, c := range theirs {
		s.Apply([]Change{gone(c)})
	}
	if len(s.Admitted()) > 0 || len(s.Keys()) > 0 || len(s.workloads) > 0 {
		t.Errorf("something is left: %v", s.Admitted())
	}
}

// TestAdmitted lists the other kinds that lint looks at, and no fence.
func TestAdmitted(t *testing.T) {
	mesh := Change{Ref: model.ObjectRef{Kind: v1alpha1.KindMeshConfig, Name: "default"}, Object: &v1alpha1.MeshConfig{ObjectMeta: meta("", "default")}}
	all := []Change{service("a", "s"), slice("a", "s-1", "s"), mesh, rule("a", "r", "s")}
	s := New()
	s.Apply(append(slices.Clone(all), fence("a", "f", "s", "eu")))
	if got, want := refs(s.Admitted()), refs(all); !slices.Equal(got, want) {
		t.Errorf("admitted %v, want %v", got, want)
	}
}

// refs are sorted.
func refs(cs []Change) []model.ObjectRef {
	var out []model.ObjectRef
	for _, c := range cs {
		out = append(out, c.Ref)
	}
	slices.SortFunc(out, model.ObjectRef.Compare)
	return out
}
