package store

import (
	"iter"
	"maps"
	"reflect"
)

// put makes now the thing of a name, nil for none, and returns what it was. Where both
// are equal nothing is done, and changed is false.
func put[N comparable, T any](things map[N]*T, name N, now *T) (was *T, changed bool) {
	was = things[name]
	if reflect.DeepEqual(was, now) {
		return was, false
	}
	delete(things, name)
	if now != nil {
		things[name] = now
	}
	return was, true
}

// members says who hangs on a thing. No thing in it is without any.
type members[T, M comparable] map[T]map[M]struct{}

func (m members[T, M]) add(thing T, member M) {
	if m[thing] == nil {
		m[thing] = map[M]struct{}{}
	}
	m[thing][member] = struct{}{}
}

func (m members[T, M]) drop(thing T, member M) {
	if delete(m[thing], member); len(m[thing]) == 0 {
		delete(m, thing)
	}
}

// set is add or drop.
func (m members[T, M]) set(thing T, member M, there bool) {
	if there {
		m.add(thing, member)
		return
	}
	m.drop(thing, member)
}

// of are the members of a thing, in no order.
func (m members[T, M]) of(thing T) iter.Seq[M] { return maps.Keys(m[thing]) }
