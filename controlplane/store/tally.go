package store

import (
	"iter"
	"maps"

	"github.com/coastwise/coastwise/translate/model"
)

// tally says which services use a thing, and how often, so that uses can be taken
// back one by one. No count in it is zero, and no inner map is empty.
type tally[T comparable] map[T]map[model.Key]int

// add counts n more uses of the thing by the service; n may be negative.
func (t tally[T]) add(thing T, key model.Key, n int) {
	keys := t[thing]
	if keys == nil {
		keys = map[model.Key]int{}
		t[thing] = keys
	}
	keys[key] += n
	if keys[key] == 0 {
		delete(keys, key)
	}
	if len(keys) == 0 {
		delete(t, thing)
	}
}

// keys are the services that use the thing, in no order.
func (t tally[T]) keys(thing T) iter.Seq[model.Key] { return maps.Keys(t[thing]) }

// all are the services that use anything, in no order, perhaps repeated.
func (t tally[T]) all() iter.Seq[model.Key] {
	return func(yield func(model.Key) bool) {
		for _, keys := range t {
			for key := range keys {
				if !yield(key) {
					return
				}
			}
		}
	}
}
