package files

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// fileID is one file. Of two that give one object the lesser wins: by the
// position of its argument, then by name.
type fileID struct {
	arg  int
	name string // as the user gave the path
}

func (a fileID) compare(b fileID) int {
	return cmp.Or(cmp.Compare(a.arg, b.arg), strings.Compare(a.name, b.name))
}

// set is what all files say, and what was admitted last of each object. It is
// pure: what the store should hold is a function of the sequence of updates.
type set struct {
	files  map[fileID]contents
	claims map[model.ObjectRef][]claim // sorted, the winner first; never empty
	held   map[model.ObjectRef]form    // what the store holds
}

// claim says that a file gives an object, as the index-th of its objects.
type claim struct {
	file  fileID
	index int
}

// form is an object as the store holds it: admitted, or a fence in its place.
type form struct {
	object any
	fence  *model.Fence
}

func newSet() *set {
	return &set{
		files:  map[fileID]contents{},
		claims: map[model.ObjectRef][]claim{},
		held:   map[model.ObjectRef]form{},
	}
}

// update takes the new contents of some files at once, nil for a file that is
// gone, and returns what the store must change, sorted. Since it is one step, an
// object that moves between files is not gone in between.
func (s *set) update(edits map[fileID]*contents) []store.Change {
	touched := map[model.ObjectRef]bool{}
	for id, c := range edits {
		s.replace(id, c, touched)
	}
	var changes []store.Change
	for _, ref := range slices.SortedFunc(maps.Keys(touched), model.ObjectRef.Compare) {
		if c, changed := s.settle(ref); changed {
			changes = append(changes, c)
		}
	}
	return changes
}

// replace swaps one file's claims.
func (s *set) replace(id fileID, c *contents, touched map[model.ObjectRef]bool) {
	old := s.files[id]
	for _, o := range old.objects {
		touched[o.ref] = true
		s.claims[o.ref] = slices.DeleteFunc(s.claims[o.ref], func(c claim) bool { return c.file == id })
		if len(s.claims[o.ref]) == 0 {
			delete(s.claims, o.ref)
		}
	}
	if c == nil {
		delete(s.files, id)
		return
	}
	now := *c
	if now.partial {
		now.objects = withKept(now.objects, old.objects)
	}
	s.files[id] = now
	for i, o := range now.objects {
		touched[o.ref] = true
		s.claims[o.ref] = append(s.claims[o.ref], claim{id, i})
	}
	for _, o := range now.objects {
		slices.SortFunc(s.claims[o.ref], func(a, b claim) int {
			return cmp.Or(a.file.compare(b.file), cmp.Compare(a.index, b.index))
		})
	}
}

// withKept adds the objects that a file gave before it came to hold a document
// that does not parse (semantics 8.2).
func withKept(now, before []object) []object {
	given := map[model.ObjectRef]bool{}
	for _, o := range now {
		given[o.ref] = true
	}
	all := slices.Clone(now)
	for _, o := range before {
		if !given[o.ref] {
			all = append(all, o)
		}
	}
	return all
}

// winner is the object that counts among those that are given under one name.
func (s *set) winner(ref model.ObjectRef) (object, bool) {
	claims := s.claims[ref]
	if len(claims) == 0 {
		return object{}, false
	}
	return s.files[claims[0].file].objects[claims[0].index], true
}

// refused says that admission found an error, and did not just skip a kind that
// is not served yet.
func (o object) refused() bool {
	return o.object == nil && slices.ContainsFunc(o.problems, func(p model.Problem) bool {
		return p.Severity == model.Error
	})
}

// settle decides what the store holds for one object: the winner if admitted,
// else what was admitted last, else the winner's fence (semantics 8.1).
func (s *set) settle(ref model.ObjectRef) (c store.Change, changed bool) {
	old := s.held[ref]
	var now form
	if w, given := s.winner(ref); given {
		now = form{object: w.object}
		if w.object == nil {
			now = form{object: old.object}
		}
		if now.object == nil {
			now.fence = w.fence
		}
	}
	delete(s.held, ref)
	if now != (form{}) {
		s.held[ref] = now
	}
	if now.object == old.object && reflect.DeepEqual(now.fence, old.fence) {
		return store.Change{}, false
	}
	return store.Change{Ref: ref, Object: now.object, Fence: now.fence}, true
}

// problems are those of all files and of the objects that count, and one for each
// object that another one shadows; sorted.
func (s *set) problems() []model.Problem {
	var all []model.Problem
	for id, c := range s.files {
		all = append(all, c.problems...)
		for i, o := range c.objects {
			if first := s.claims[o.ref][0]; first != (claim{id, i}) {
				all = append(all, s.duplicate(id, o, first))
				continue
			}
			all = append(all, o.problems...)
		}
	}
	return model.SortProblems(all)
}

func (s *set) duplicate(id fileID, o object, first claim) model.Problem {
	w := s.files[first.file].objects[first.index]
	return model.Problem{
		Object:   o.ref,
		Field:    "metadata.name",
		Severity: model.Error,
		Reason:   model.DuplicateObject,
		Message:  fmt.Sprintf("%s document %d gives this object too, and counts", first.file.name, w.document),
		File:     id.name,
		Document: o.document,
	}
}

// stats counts what is there.
func (s *set) stats() Stats {
	st := Stats{Files: len(s.files), Foreign: map[string]int{}}
	for _, c := range s.files {
		for _, f := range c.foreign {
			st.Foreign[f.Kind]++
		}
	}
	for _, f := range s.held {
		if f.object != nil {
			st.Objects++
		}
	}
	for ref := range s.claims {
		w, _ := s.winner(ref)
		switch {
		case !w.refused():
		case s.held[ref].object != nil:
			st.Held = append(st.Held, ref)
		default:
			st.Unadmitted = append(st.Unadmitted, ref)
		}
	}
	slices.SortFunc(st.Held, model.ObjectRef.Compare)
	slices.SortFunc(st.Unadmitted, model.ObjectRef.Compare)
	return st
}
