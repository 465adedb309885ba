package status

import (
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// state is what a status says, of whatever kind: our conditions by what they are
// about, and what we say beside them. Conditions of others are in none.
type state struct {
	generation int64 // status.observedGeneration, which our own kinds have
	said       []statement
	rest       any // compared as a whole
}

// statement is one condition.
type statement struct {
	// about is "" for the object as a whole, else a listener or a parent of it.
	about string
	metav1.Condition
}

// find is the condition of a type of what it is about, or nil.
func (s state) find(about, kind string) *metav1.Condition {
	for i := range s.said {
		if s.said[i].about == about && s.said[i].Type == kind {
			return &s.said[i].Condition
		}
	}
	return nil
}

// conditions are those about one thing.
func (s state) conditions(about string) []metav1.Condition {
	var out []metav1.Condition
	for _, said := range s.said {
		if said.about == about {
			out = append(out, said.Condition)
		}
	}
	return out
}

// say adds conditions about something.
func (s *state) say(about string, conditions ...metav1.Condition) {
	for _, c := range conditions {
		s.said = append(s.said, statement{about, c})
	}
}

// stamp gives every condition the generation that it speaks of, and the time of its
// last change of status.
func (s *state) stamp(was state, generation int64, now metav1.Time) {
	for i := range s.said {
		c := &s.said[i].Condition
		c.ObservedGeneration, c.LastTransitionTime = generation, now
		c.Message = clip(c.Message, maxMessage)
		if before := was.find(s.said[i].about, c.Type); before != nil && before.Status == c.Status {
			c.LastTransitionTime = before.LastTransitionTime
		}
	}
}

// same says whether what we wish stands there, whenever it came, and nothing else of
// ours.
func same(stands, wish state) bool {
	if stands.generation != wish.generation || len(stands.said) != len(wish.said) || !equality.Semantic.DeepEqual(stands.rest, wish.rest) {
		return false
	}
	for _, w := range wish.said {
		s := stands.find(w.about, w.Type)
		if s == nil || s.Status != w.Status || s.Reason != w.Reason || s.Message != w.Message || s.ObservedGeneration != w.ObservedGeneration {
			return false
		}
	}
	return true
}

// equal says whether two states are one.
func equal(a, b state) bool {
	if !same(a, b) {
		return false
	}
	for _, c := range a.said {
		if d := b.find(c.about, c.Type); !c.LastTransitionTime.Equal(&d.LastTransitionTime) {
			return false
		}
	}
	return true
}

// change is a condition that is new, or whose status, reason or generation changes:
// more than its words. was is nil if it is new.
type change struct{ was, is *metav1.Condition }

func changes(base, wish state) []change {
	var out []change
	for i := range wish.said {
		is := &wish.said[i].Condition
		was := base.find(wish.said[i].about, is.Type)
		if was == nil || was.Status != is.Status || was.Reason != is.Reason || was.ObservedGeneration != is.ObservedGeneration {
			out = append(out, change{was, is})
		}
	}
	return out
}

// grave says whether more than words change.
func grave(base, wish state) bool {
	return len(changes(base, wish)) > 0 || len(base.said) != len(wish.said) || !equality.Semantic.DeepEqual(base.rest, wish.rest)
}

// form is how the status of one object is read, made and sent.
type form interface {
	// resource is the object's kind, as the API server names it.
	resource() schema.GroupVersionResource
	// stands is what the object's status says now.
	stands() state
	// wish is what it should say, without the rest; was says since when.
	wish(was state, r Report, now metav1.Time) state
	// rest is what belongs beside conditions.
	rest(said state) any
	// patch is how the API server is told: as the apply of a field manager, or as a merge.
	patch(s state) (types.PatchType, any)
}

// formOf is the form of an object; nil if its status is not ours to write.
func formOf(o Object, m mesh) form {
	if resource := resources[o.Ref.Kind]; resource != "" {
		return own{o, resource}
	}
	return m.form(o)
}

// own is the form of our own kinds.
type own struct {
	Object
	name string
}

func (f own) resource() schema.GroupVersionResource {
	return v1alpha1.GroupVersion().WithResource(f.name)
}

func (f own) stands() state { return f.state(f.Status) }

func (f own) wish(was state, r Report, now metav1.Time) state {
	known := f.Object
	known.Status = v1alpha1.Status{Conditions: was.conditions("")}
	return f.state(Wish(known, r, now))
}

func (f own) state(s v1alpha1.Status) state {
	out := state{generation: s.ObservedGeneration}
	for _, kind := range Conditions(f.Ref.Kind) {
		if c := find(s.Conditions, kind); c != nil {
			out.say("", *c)
		}
	}
	return out
}

func (own) rest(state) any { return nil }

func (own) patch(s state) (types.PatchType, any) {
	return types.ApplyPatchType, v1alpha1.Status{ObservedGeneration: s.generation, Conditions: s.conditions("")}
}
