package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/translate/model"
)

// TestBulk says which marks may come in parts: those of a lone change by the API
// server to what many services hang on.
func TestBulk(t *testing.T) {
	base := []Change{
		service("a", "x"), service("b", "y"), node("n1", "r1", "z1"),
		slice("a", "x", "x", at("n1", "", "p1")),
	}
	x, y := model.ServiceKey("a", "x"), model.ServiceKey("b", "y")
	moved := node("n1", "r1", "z2")
	for _, tc := range []struct {
		name       string
		change     []Change
		keys, bulk []model.Key
	}{
		{"a MeshConfig", []Change{mesh("root")}, nil, []model.Key{x, y}},
		{"a Node", []Change{moved}, nil, []model.Key{x}},
		{"a Namespace", []Change{namespaceOf("b", map[string]string{"k": "v"})}, nil, []model.Key{y}},
		{"a rule with a wildcard", []Change{rule("a", "r", "*")}, nil, []model.Key{x, y}},
		{"a fence with a wildcard", []Change{fence("a", "r", "*.b.svc.cluster.local", "r1")}, nil, []model.Key{y}},
		{"a rule of one host", []Change{rule("a", "r", "x")}, []model.Key{x}, nil},
		{"a slice", []Change{gone(slice("a", "x", "x"))}, []model.Key{x}, nil},
		{"a full read", []Change{mesh("root"), moved}, []model.Key{x, y}, nil},
	} {
		s := New()
		s.ApplyAPI(base)
		s.Take()
		s.ApplyAPI(tc.change)
		if d := s.Take(); !cmp.Equal(tc.keys, d.Keys) || !cmp.Equal(tc.bulk, d.Bulk) {
			t.Errorf("%s marks %v, in bulk %v", tc.name, d.Keys, d.Bulk)
		}
		s = New()
		s.Apply(base)
		s.Take()
		s.Apply(tc.change)
		if d := s.Take(); !cmp.Equal(append(tc.keys, tc.bulk...), d.Keys) || len(d.Bulk) > 0 {
			t.Errorf("%s, from files, marks %v, in bulk %v", tc.name, d.Keys, d.Bulk)
		}
	}
}

// TestBulkIsNotTwice: a key that a change of its own marks too is not in bulk, by
// whatever way they meet.
func TestBulkIsNotTwice(t *testing.T) {
	x, y := model.ServiceKey("a", "x"), model.ServiceKey("b", "y")
	s := New()
	s.ApplyAPI([]Change{service("a", "x"), service("b", "y")})
	s.Take()
	s.ApplyAPI([]Change{mesh("root")})
	s.ApplyAPI([]Change{rule("a", "r", "x")})
	d := s.Take()
	if !cmp.Equal([]model.Key{x}, d.Keys) || !cmp.Equal([]model.Key{y}, d.Bulk) || !d.Mesh {
		t.Errorf("marks %+v", d)
	}
	both := d.Join(Dirty{Keys: []model.Key{y}, Bulk: []model.Key{x}})
	if !cmp.Equal([]model.Key{x, y}, both.Keys) || len(both.Bulk) > 0 {
		t.Errorf("joined: %+v", both)
	}
}

// TestEntryOfAnotherNamespaceTakesNoRule is what the scan of TestObjects got wrong once:
// a rule for a short form, which an entry has as its host, is for the Service too
// unless the entry is of the rule's own namespace.
func TestEntryOfAnotherNamespaceTakesNoRule(t *testing.T) {
	for namespace, want := range map[string][2]int{"a": {1, 0}, "b": {0, 1}} {
		s := New()
		s.Apply([]Change{entry(namespace, "x", "", "y.b"), rule("b", "x", "y.b"), service("b", "y")})
		o := s.Objects(model.ServiceKey("b", "y"))
		if got := [2]int{len(o.Rules), len(o.Shadowed)}; got != want {
			t.Errorf("an entry of %s: rules and shadowed rules of the Service are %v, want %v", namespace, got, want)
		}
	}
}
