package store

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// TestLayers: files count where both give an object, and what they shadow is told
// and comes back.
func TestLayers(t *testing.T) {
	mine, theirs := rule("a", "x", "of-the-file"), rule("a", "x", "of-the-server")
	byFence := fence("a", "x", "of-the-fence", "eu")
	type step struct {
		change Change
		api    bool
		want   string // host of what acts
		told   bool
	}
	for name, steps := range map[string][]step{
		"the file comes second": {
			{theirs, true, "of-the-server", false}, {mine, false, "of-the-file", true}, {gone(mine), false, "of-the-server", false},
		},
		"the file comes first": {
			{mine, false, "of-the-file", false}, {theirs, true, "of-the-file", true}, {gone(mine), false, "of-the-server", false},
		},
		"the server's goes meanwhile": {
			{theirs, true, "of-the-server", false},
			{mine, false, "of-the-file", true},
			{gone(theirs), true, "of-the-file", false},
			{gone(mine), false, "", false},
		},
		"a file that never gave it takes nothing": {
			{theirs, true, "of-the-server", false}, {gone(mine), false, "of-the-server", false},
		},
		"the server takes nothing of the file's": {
			{mine, false, "of-the-file", false}, {gone(theirs), true, "of-the-file", false},
		},
		"a fence counts as given": {
			{theirs, true, "of-the-server", false}, {byFence, false, "of-the-fence", true}, {gone(byFence), false, "of-the-server", false},
		},
		"a fence is shadowed and comes back": {
			{byFence, true, "of-the-fence", false}, {mine, false, "of-the-file", true}, {gone(mine), false, "of-the-fence", false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := New()
			for i, st := range steps {
				if st.api {
					s.ApplyAPI([]Change{st.change})
				} else {
					s.Apply([]Change{st.change})
				}
				got := ""
				if e := s.rules.byRef[mine.Ref]; e != nil {
					got = e.pattern
				}
				if told := len(s.Problems()) == 1; got != st.want || told != st.told || told != s.Shadowed(mine.Ref) {
					t.Fatalf("step %d: %q acts, told: %v; want %q, %v", i, got, told, st.want, st.told)
				}
			}
		})
	}
}

// TestDuplicateProblem: it stands on the object, and names what counts.
func TestDuplicateProblem(t *testing.T) {
	s := New()
	s.SetProblems("kube", []model.Problem{{Object: node("n1", "", "").Ref, Reason: model.NoRegion}})
	s.ApplyAPI([]Change{service("a", "x")})
	s.Apply([]Change{service("a", "x")})
	want := []model.Problem{
		{Object: node("n1", "", "").Ref, Reason: model.NoRegion},
		{
			Object: service("a", "x").Ref, Field: "metadata.name", Severity: model.Error, Reason: model.DuplicateObject,
			Message: "a file of --from gives this object too, and counts; the API server's is not in use",
		},
	}
	if d := cmp.Diff(want, s.Problems()); d != "" {
		t.Fatal(d)
	}
}

// layered is the oracle of two sources: what each gave last.
type layered struct{ files, api map[model.ObjectRef]Change }

// counts is what acts, and which objects are shadowed, found the slow way.
func (l layered) counts() (all []Change, shadowed []model.ObjectRef) {
	refs := maps.Clone(l.files)
	maps.Copy(refs, l.api)
	for _, ref := range slices.SortedFunc(maps.Keys(refs), model.ObjectRef.Compare) {
		file, api := l.files[ref], l.api[ref]
		switch {
		case file.gives():
			all = append(all, file)
			if api.gives() {
				shadowed = append(shadowed, ref)
			}
		case api.gives():
			all = append(all, api)
		}
	}
	return all, shadowed
}

// layeredChange draws a change by one of two sources, mostly of few objects, so that
// both often give one.
func layeredChange(t *rapid.T, few []Change) (c Change, api bool) {
	api = rapid.Bool().Draw(t, "by the API server")
	c = rapid.SampledFrom(few).Draw(t, "few")
	if rapid.IntRange(0, 3).Draw(t, "any") == 0 {
		c = someChange(t)
	}
	if rapid.IntRange(0, 2).Draw(t, "gone") == 0 {
		c = gone(c)
	}
	return c, api
}

// anyKind draws a change of any kind that is held, Istio's and fences among them.
func anyKind(t *rapid.T) Change {
	if rapid.Bool().Draw(t, "common") {
		return someChange(t)
	}
	return rapid.SampledFrom([]Change{
		istio(rule("a", "x", "y.b")), istio(entry("a", "x", "x", "y.b")), istio(workload("a", "x", "x", "y")),
		fence("a", "x", "y.b", "r1"), mesh("x"),
		{Ref: model.ObjectRef{Kind: "MeshConfig", Name: "default"}, Fence: &model.Fence{AllowedRegions: []string{"r1"}}},
	}).Draw(t, "seldom")
}

// TestLawOfLayers: the store holds what a fresh one would of which only what
// counts was given, tells of what is shadowed, marks what changed, and remembers no
// more than that.
func TestLawOfLayers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, oracle := New(), layered{map[model.ObjectRef]Change{}, map[model.ObjectRef]Change{}}
		s.Apply(populated(t))
		for _, c := range slices.Collect(maps.Values(heldOf(s))) {
			oracle.files[c.Ref] = c
		}
		s.Take()
		few := rapid.SliceOfN(rapid.Custom(anyKind), 1, 2).Draw(t, "few")
		for range rapid.IntRange(1, 25).Draw(t, "changes") {
			before := allReads(s)
			c, api := layeredChange(t, few)
			if api {
				oracle.api[c.Ref] = c
				s.ApplyAPI([]Change{c})
			} else {
				oracle.files[c.Ref] = c
				s.Apply([]Change{c})
			}
			checkMarked(t, s, before)
		}
		all, shadowed := oracle.counts()
		fresh := New()
		fresh.Apply(all)
		compareStores(t, fresh, s)
		if d := cmp.Diff(fresh.Nodes(), s.Nodes()); d != "" {
			t.Fatalf("nodes (-fresh +lived):\n%s", d)
		}
		checkMemory(t, s, oracle, shadowed)
	})
}

// heldOf is all that populated gave, as changes.
func heldOf(s *Store) map[model.ObjectRef]Change {
	all := map[model.ObjectRef]Change{}
	for _, c := range s.Admitted() {
		all[c.Ref] = c
	}
	for name := range s.nodes.byName {
		ref := model.ObjectRef{Kind: "Node", Name: name}
		all[ref] = s.held(ref)
	}
	return all
}

func checkMarked(t *rapid.T, s *Store, before map[model.Key]map[string]any) {
	after := allReads(s)
	d := s.Take()
	taken := append(d.Keys, d.Bulk...)
	for _, key := range union(before, after) {
		if d := cmp.Diff(before[key], after[key]); d != "" && !slices.Contains(taken, key) {
			t.Fatalf("%v changed without a mark:\n%s", key, d)
		}
	}
}

func checkMemory(t *rapid.T, s *Store, oracle layered, shadowed []model.ObjectRef) {
	var told []model.ObjectRef
	for _, p := range s.Problems() {
		told = append(told, p.Object)
	}
	if d := cmp.Diff(shadowed, told); d != "" {
		t.Fatalf("shadowed (-want +told):\n%s", d)
	}
	files := map[model.ObjectRef]struct{}{}
	for ref, c := range oracle.files {
		if c.gives() {
			files[ref] = struct{}{}
		}
	}
	if d := cmp.Diff(files, s.layers.files); d != "" {
		t.Fatalf("refs of the files (-want +kept):\n%s", d)
	}
}

// TestNodeLike: what stands for a Node has its place, CPU and readiness.
func TestNodeLike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := ingest.Node{
			Locality: model.Locality{Region: someRegions.Draw(t, "region"), Zone: someZones.Draw(t, "zone"), SubZone: someNames.Draw(t, "sub-zone")},
			MilliCPU: rapid.Int64Range(0, 64000).Draw(t, "CPU"), Counts: rapid.Bool().Draw(t, "counts"),
		}
		if got := nodeOf(nodeLike(n)); *got != n {
			t.Fatalf("%v, want %v", *got, n)
		}
	})
}
