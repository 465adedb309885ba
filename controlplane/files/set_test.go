package files

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

var (
	a = fileID{0, "a.yaml"}
	b = fileID{0, "b.yaml"}
	z = fileID{1, "0.yaml"} // a later argument, whatever its name
)

func ref(name string) model.ObjectRef { return model.ObjectRef{Kind: "DestinationRule", Name: name} }

func admitted(name, form string) object { return object{ref: ref(name), object: form} }

// refused has a fence if regions are given.
func refused(name string, regions ...string) object {
	o := object{ref: ref(name), problems: []model.Problem{{Object: ref(name), Severity: model.Error, Reason: model.Invalid}}}
	if len(regions) > 0 {
		o.fence = &model.Fence{Object: ref(name), AllowedRegions: regions}
	}
	return o
}

func whole(objects ...object) *contents { return &contents{objects: objects} }

func broken(objects ...object) *contents { return &contents{objects: objects, partial: true} }

type edits = map[fileID]*contents

// TestSet says for one object x what each step writes to the store.
func TestSet(t *testing.T) {
	put := func(form string) []store.Change { return []store.Change{{Ref: ref("x"), Object: form}} }
	fenced := func(regions ...string) []store.Change {
		return []store.Change{{Ref: ref("x"), Fence: &model.Fence{Object: ref("x"), AllowedRegions: regions}}}
	}
	gone := []store.Change{{Ref: ref("x")}}
	type step struct {
		edits edits
		want  []store.Change
	}
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"comes, changes, goes", []step{
			{edits{a: whole(admitted("x", "1"))}, put("1")},
			{edits{a: whole(admitted("x", "2"))}, put("2")},
			{edits{a: whole()}, gone},
			{edits{a: whole()}, nil},
		}},
		{"goes with its file", []step{
			{edits{a: whole(admitted("x", "1"))}, put("1")},
			{edits{a: nil}, gone},
		}},
		{"a refused edit changes nothing", []step{
			{edits{a: whole(admitted("x", "1"))}, put("1")},
			{edits{a: whole(refused("x", "eu"))}, nil},
			{edits{a: whole(refused("x"))}, nil},
			{edits{a: whole(admitted("x", "2"))}, put("2")},
		}},
		{"a refused object goes when its document goes", []step{
			{edits{a: whole(admitted("x", "1"))}, put("1")},
			{edits{a: whole(refused("x"))}, nil},
			{edits{a: whole()}, gone},
			{edits{a: whole(refused("x"))}, nil}, // forgotten
		}},
		{"never admitted: its fence", []step{
			{edits{a: whole(refused("x", "eu"))}, fenced("eu")},
			{edits{a: whole(refused("x", "eu"))}, nil},
			{edits{a: whole(refused("x", "us"))}, fenced("us")},
			{edits{a: whole(refused("x"))}, gone},
			{edits{a: whole(refused("x", "eu"))}, fenced("eu")},
			{edits{a: whole(admitted("x", "1"))}, put("1")},
		}},
		{"a half-written save deletes nothing", []step{
			{edits{a: whole(admitted("x", "1"))}, put("1")},
			{edits{a: broken()}, nil},
			{edits{a: broken()}, nil},
			{edits{a: whole()}, gone},
		}},
		{"what parses beside it counts", []step{
			{edits{a: whole(admitted("x", "1"))}, put("1")},
			{edits{a: broken(admitted("x", "2"))}, put("2")},
		}},
		{"the first path wins and the other takes over", []step{
			{edits{b: whole(admitted("x", "b"))}, put("b")},
			{edits{a: whole(admitted("x", "a"))}, put("a")},
			{edits{z: whole(admitted("x", "z"))}, nil},
			{edits{b: whole(admitted("x", "b2"))}, nil},
			{edits{a: nil}, put("b2")},
			{edits{b: nil}, put("z")},
		}},
		{"the first document wins", []step{
			{edits{a: whole(admitted("x", "1"), admitted("x", "2"))}, put("1")},
			{edits{a: whole(admitted("x", "2"))}, put("2")},
		}},
		{"a refused winner still wins", []step{
			{edits{a: whole(refused("x", "eu")), b: whole(admitted("x", "b"))}, fenced("eu")},
			{edits{a: nil}, put("b")},
		}},
		{"a move between files is one step", []step{
			{edits{a: whole(admitted("x", "1"))}, put("1")},
			{edits{a: whole(), b: whole(refused("x"))}, nil},
			{edits{a: whole(refused("x")), b: nil}, nil},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSet()
			for i, step := range tc.steps {
				if d := cmp.Diff(step.want, s.update(step.edits)); d != "" {
					t.Fatalf("step %d (-want +got):\n%s", i, d)
				}
			}
		})
	}
}

// TestSetProblems: a shadowed object has one problem, where it stands, and its
// own come back with it.
func TestSetProblems(t *testing.T) {
	second := refused("x")
	second.document, second.problems[0].File = 3, b.name
	s := newSet()
	s.update(edits{a: whole(admitted("x", "1")), b: whole(second)})
	want := []model.Problem{{
		Object: ref("x"), Field: "metadata.name", Severity: model.Error, Reason: model.DuplicateObject,
		Message: "a.yaml document 0 gives this object too, and counts", File: "b.yaml", Document: 3,
	}}
	if d := cmp.Diff(want, s.problems()); d != "" {
		t.Error(d)
	}
	s.update(edits{a: nil})
	if d := cmp.Diff(second.problems, s.problems()); d != "" {
		t.Error(d)
	}
	if st := s.stats(); !slices.Equal(st.Held, []model.ObjectRef{ref("x")}) || st.Unadmitted != nil || st.Objects != 1 {
		t.Errorf("%+v", st)
	}
}

func someContents(t *rapid.T) *contents {
	objects := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) object {
		name := rapid.SampledFrom([]string{"x", "y", "w"}).Draw(t, "name")
		switch value := rapid.SampledFrom([]string{"1", "2"}).Draw(t, "value"); rapid.IntRange(0, 3).Draw(t, "form") {
		case 0:
			return refused(name)
		case 1:
			return refused(name, value)
		default:
			return admitted(name, value)
		}
	}), 0, 4).Draw(t, "objects")
	return &contents{objects: objects, partial: rapid.IntRange(0, 3).Draw(t, "partial") == 0}
}

// oracle is semantics 8.1 and 8.2 the slow way: everything anew at each step.
type oracle struct {
	files map[fileID][]object
	last  map[model.ObjectRef]any // admitted last, while the object is given at all
}

// step returns what the store should hold.
func (o *oracle) step(e edits) map[model.ObjectRef]form {
	for id, c := range e {
		switch {
		case c == nil:
			delete(o.files, id)
		case c.partial:
			kept := slices.DeleteFunc(slices.Clone(o.files[id]), func(old object) bool {
				return slices.ContainsFunc(c.objects, func(n object) bool { return n.ref == old.ref })
			})
			o.files[id] = slices.Concat(c.objects, kept)
		default:
			o.files[id] = c.objects
		}
	}
	want, last := map[model.ObjectRef]form{}, map[model.ObjectRef]any{}
	given := map[model.ObjectRef]bool{}
	for _, id := range []fileID{a, b, z} {
		for _, obj := range o.files[id] {
			if given[obj.ref] {
				continue
			}
			given[obj.ref] = true
			if last[obj.ref] = o.last[obj.ref]; obj.object != nil {
				last[obj.ref] = obj.object
			}
			switch {
			case last[obj.ref] != nil:
				want[obj.ref] = form{object: last[obj.ref]}
			case obj.fence != nil:
				want[obj.ref] = form{fence: obj.fence}
			}
		}
	}
	o.last = last
	return want
}

// TestSetOracle: after any sequence of edits the store holds what the oracle says.
func TestSetOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, o := newSet(), &oracle{files: map[fileID][]object{}}
		got := map[model.ObjectRef]form{}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			e := edits{}
			for _, id := range []fileID{a, b, z} {
				switch rapid.IntRange(0, 3).Draw(t, id.name) {
				case 0:
					e[id] = nil
				case 1, 2:
					e[id] = someContents(t)
				}
			}
			play(got, s.update(e))
			if d := cmp.Diff(o.step(e), got, cmp.AllowUnexported(form{})); d != "" {
				t.Fatalf("after %v (-oracle +store):\n%s", slices.Collect(maps.Keys(e)), d)
			}
		}
	})
}

// TestSetHasNoHistory: where nothing was refused or broken, any sequence ends like
// a fresh load of the last contents.
func TestSetHasNoHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clean := func(c *contents) *contents {
			c.partial = false
			c.objects = slices.DeleteFunc(c.objects, func(o object) bool { return o.object == nil })
			return c
		}
		lived, final := newSet(), edits{}
		got := map[model.ObjectRef]form{}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			id := rapid.SampledFrom([]fileID{a, b, z}).Draw(t, "file")
			final[id] = clean(someContents(t))
			play(got, lived.update(edits{id: final[id]}))
		}
		fresh, want := newSet(), map[model.ObjectRef]form{}
		play(want, fresh.update(final))
		if d := cmp.Diff(want, got, cmp.AllowUnexported(form{})); d != "" {
			t.Fatalf("(-fresh +lived):\n%s", d)
		}
		if d := cmp.Diff(fresh.problems(), lived.problems()); d != "" {
			t.Fatalf("problems (-fresh +lived):\n%s", d)
		}
	})
}

// play applies changes as the store does.
func play(world map[model.ObjectRef]form, changes []store.Change) {
	for _, c := range changes {
		delete(world, c.Ref)
		if c.Object != nil || c.Fence != nil {
			world[c.Ref] = form{c.Object, c.Fence}
		}
	}
}

// TestFileOrder: by argument, then by name.
func TestFileOrder(t *testing.T) {
	ids := []fileID{z, b, a}
	slices.SortFunc(ids, fileID.compare)
	var names []string
	for _, id := range ids {
		names = append(names, id.name)
	}
	if got := strings.Join(names, " "); got != "a.yaml b.yaml 0.yaml" {
		t.Error(got)
	}
}
