package store

import (
	"iter"

	"github.com/coastwise/coastwise/translate/model"
)

// tally says which services use a thing, and how often, so that uses can be taken
// back one by one. No thing in it is without uses.
type tally[T comparable] map[T]uses

// uses are those of one thing, none of which is zero. Most Pods are behind one
// service, and a map for each would be larger than the endpoint: so the uses by one
// service alone are here, and those by several in many.
type uses struct {
	key  model.Key
	n    int
	many map[model.Key]int // nil, or all, and then at least two
}

// add counts n more uses of the thing by the service; n may be negative.
func (t tally[T]) add(thing T, key model.Key, n int) {
	u := t[thing].plus(key, n)
	if u.n == 0 && u.many == nil {
		delete(t, thing)
		return
	}
	t[thing] = u
}

func (u uses) plus(key model.Key, n int) uses {
	if u.many == nil {
		if u.n == 0 || u.key == key {
			return uses{key: key, n: u.n + n}
		}
		u = uses{many: map[model.Key]int{u.key: u.n}}
	}
	if u.many[key] += n; u.many[key] == 0 {
		delete(u.many, key)
	}
	if len(u.many) == 1 {
		for key, n := range u.many {
			return uses{key: key, n: n}
		}
	}
	return u
}

// keys are the services that use the thing, in no order.
func (t tally[T]) keys(thing T) iter.Seq[model.Key] {
	u, ok := t[thing]
	return func(yield func(model.Key) bool) {
		if ok {
			u.each(yield)
		}
	}
}

// each yields the services until told to stop, and says whether it was not.
func (u uses) each(yield func(model.Key) bool) bool {
	if u.many == nil {
		return yield(u.key)
	}
	for key := range u.many {
		if !yield(key) {
			return false
		}
	}
	return true
}

// all are the services that use anything, in no order, perhaps repeated.
func (t tally[T]) all() iter.Seq[model.Key] {
	return func(yield func(model.Key) bool) {
		for _, u := range t {
			if !u.each(yield) {
				return
			}
		}
	}
}
