package kube

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// Written lists the objects of our own kinds, and of those of the Gateway API whose
// status we write, as the API server has them, sorted by
// Ref: for whoever writes their status.
func (s *Source) Written() []Written { return s.custom.written() }

// Generations are those of the API server's objects, other than of built-in kinds, that
// the store holds: for a refused edit that of the form that acts.
func (s *Source) Generations() map[model.ObjectRef]int64 { return s.custom.generations() }

// Changed has a value when Written may say something new. Its depth is 1.
func (s *Source) Changed() <-chan struct{} { return s.custom.changed }

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

// Written is one object of our kinds or the Gateway API's as the API server has it now.
type Written struct {
	Ref model.ObjectRef
	// UID tells it from another one of its name.
	UID types.UID
	// Generation and ResourceVersion are those of what is written now.
	Generation      int64
	ResourceVersion string
	// Status is the one on the API server; zero if there is none, or it cannot be read.
	Status v1alpha1.Status
	// Whole is an object of the Gateway API with its status, as the server has it: a
	// *gatewayv1.GatewayClass, Gateway, HTTPRoute or GRPCRoute; nil for our kinds. Fields
	// that these types have not are not in it. Nobody writes into it.
	Whole any
	State State
	// Acting is the generation that acts: Generation if admitted, an earlier one if
	// held, 0 if absent.
	Acting int64
	// Shadowed says that a file gives the object too, and that nothing of this one acts.
	Shadowed bool
}

// written is Written.
func (c *custom) written() []Written {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Written
	for _, k := range crds() {
		if !k.hasStatus() {
			continue
		}
		for ref, r := range c.memory.records[k.refKind()] {
			all = append(all, Written{
				Ref: ref, UID: r.now.uid, Generation: r.now.generation, ResourceVersion: r.now.resourceVersion,
				Status: r.now.status, Whole: r.now.whole, State: r.state(), Acting: r.acting, Shadowed: c.store.Shadowed(ref),
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

// forbidden are the kinds that are there and may not be read, sorted.
func (c *custom) forbidden() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for k, st := range c.kinds {
		if st.denied {
			all = append(all, k.String())
		}
	}
	slices.Sort(all)
	return all
}
