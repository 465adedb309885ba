package kube

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// State says what acts of an object that the API server has (semantics 8.1).
type State string

// The states of an object.
const (
	// Admitted: as it is written now.
	Admitted State = "admitted"
	// Held: its edit is refused, the form of an earlier generation acts.
	Held State = "held"
	// Absent: it is refused and this process never admitted it; only its
	// allowedRegions act, if it has any.
	Absent State = "absent"
)

// Written is one object of our kinds as the API server has it now.
type Written struct {
	Ref model.ObjectRef
	// UID tells it from another one of its name.
	UID types.UID
	// Generation and ResourceVersion are those of what is written now.
	Generation      int64
	ResourceVersion string
	// Status is the one on the API server; zero if there is none, or it cannot be read.
	Status v1alpha1.Status
	State  State
	// Acting is the generation that acts: Generation if admitted, an earlier one if
	// held, 0 if absent.
	Acting int64
	// Shadowed says that a file gives the object too, and that nothing of this one acts.
	Shadowed bool
}

// written lists the objects of our kinds, sorted by Ref.
func (c *custom) written() []Written {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Written
	for _, k := range crds() {
		if !k.ours() {
			continue
		}
		for ref, r := range c.memory.records[k.refKind()] {
			all = append(all, Written{
				Ref: ref, UID: r.now.uid, Generation: r.now.generation, ResourceVersion: r.now.resourceVersion,
				Status: r.now.status, State: r.state(), Acting: r.acting, Shadowed: c.store.Shadowed(ref),
			})
		}
	}
	slices.SortFunc(all, func(a, b Written) int { return a.Ref.Compare(b.Ref) })
	return all
}

func (r *record) state() State {
	switch {
	case !r.unfit:
		return Admitted
	case r.form.object != nil:
		return Held
	}
	return Absent
}

// generations are those of the API server's objects that are in the store.
func (c *custom) generations() map[model.ObjectRef]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[model.ObjectRef]int64{}
	for _, records := range c.memory.records {
		for ref, r := range records {
			if r.form.object != nil && !c.store.Shadowed(ref) {
				all[ref] = r.acting
			}
		}
	}
	return all
}

// customStats is what was read.
type customStats struct {
	// objects that the API server has, by kind, for those that are read.
	objects map[string]int
	// denied are the kinds that are there and may not be read. Sorted.
	denied []string
}

func (c *custom) stats() customStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := customStats{objects: map[string]int{}}
	for k, s := range c.kinds {
		switch {
		case s.version == "":
		case s.denied:
			st.denied = append(st.denied, k.String())
		default:
			st.objects[k.String()] = len(c.memory.records[k.refKind()])
		}
	}
	slices.Sort(st.denied)
	return st
}
