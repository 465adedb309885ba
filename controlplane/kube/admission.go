package kube

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/model"
)

// observed is one object as the API server has it now, and what admission says.
type observed struct {
	ref             model.ObjectRef
	uid             types.UID
	generation      int64
	resourceVersion string
	status          v1alpha1.Status // ours only
	whole           any             // of the Gateway API only; see Written
	result          admit.Result
	problems        []model.Problem
}

// refused says that the object may not be used as written.
func (o observed) refused() bool { return o.result.Object == nil }

// record is what is remembered of an object that the API server has.
type record struct {
	now    observed // without its result, which form is
	form   form
	unfit  bool  // refused as it is now
	acting int64 // the generation of form.object; 0 if there is none
}

// form is an object as the store holds it: admitted, or a fence in its place.
type form struct {
	object any
	fence  *model.Fence
}

// admissions is what the API server has of the kinds that are CRDs, and what was
// admitted last of each object (semantics 8.1). It is pure: what the store should
// hold is a function of the sequence of calls.
type admissions struct {
	records map[string]map[model.ObjectRef]*record // by kind
}

func newAdmissions() *admissions {
	return &admissions{records: map[string]map[model.ObjectRef]*record{}}
}

// put takes objects that came or changed.
func (a *admissions) put(objects ...observed) (verdicts []verdict, changes []store.Change) {
	for _, o := range objects {
		v, c := a.settle(o)
		verdicts, changes = append(verdicts, v), append(changes, c...)
	}
	return verdicts, changes
}

// gone takes an object that went. A later one of its name begins anew.
func (a *admissions) gone(ref model.ObjectRef) (verdicts []verdict, changes []store.Change) {
	old := a.records[ref.Kind][ref]
	if old == nil {
		return nil, nil
	}
	delete(a.records[ref.Kind], ref)
	if old.form != (form{}) {
		changes = append(changes, store.Change{Ref: ref})
	}
	return []verdict{{ref: ref}}, changes
}

// replace takes all that there is of a kind: what is not among it is gone.
func (a *admissions) replace(kind string, objects []observed) (verdicts []verdict, changes []store.Change) {
	there := make(map[model.ObjectRef]bool, len(objects))
	for _, o := range objects {
		there[o.ref] = true
	}
	verdicts, changes = a.put(objects...)
	var left []model.ObjectRef
	for ref := range a.records[kind] {
		if !there[ref] {
			left = append(left, ref)
		}
	}
	slices.SortFunc(left, model.ObjectRef.Compare)
	for _, ref := range left {
		v, c := a.gone(ref)
		verdicts, changes = append(verdicts, v...), append(changes, c...)
	}
	return verdicts, changes
}

// settle decides what the store holds of one object: as it is now if admitted, else
// the form admitted last of this very object, else its fence. One that was deleted
// and made again is another, though the API server may not have said so.
func (a *admissions) settle(o observed) (verdict, []store.Change) {
	old := a.records[o.ref.Kind][o.ref]
	if old == nil {
		old = &record{}
	}
	r := &record{form: form{object: o.result.Object}, unfit: o.refused(), acting: o.generation}
	if o.refused() {
		r.form, r.acting = form{fence: o.result.Fence}, 0
		if old.form.object != nil && old.now.uid == o.uid {
			r.form, r.acting = form{object: old.form.object}, old.acting
		}
	}
	problems := o.problems
	o.result, o.problems = admit.Result{}, nil
	r.now = o
	if a.records[o.ref.Kind] == nil {
		a.records[o.ref.Kind] = map[model.ObjectRef]*record{}
	}
	a.records[o.ref.Kind][o.ref] = r
	v := verdict{ref: o.ref, problems: problems, refused: r.unfit, held: r.unfit && r.form.object != nil}
	if reflect.DeepEqual(r.form, old.form) {
		r.form = old.form // hold it once
		return v, nil
	}
	return v, []store.Change{{Ref: o.ref, Object: r.form.object, Fence: r.form.fence}}
}
