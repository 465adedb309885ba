package kube

import (
	"sync"
	"weak"
)

// interner gives equal values one pointer for as long as somebody holds it. It is
// safe for concurrent use.
type interner[V any] struct {
	mu   sync.Mutex
	live map[string]weak.Pointer[V]
	next int // the size at which dead entries are swept
}

const leastSweep = 1024

// get is the one value of a key, made if nobody holds it.
func (t *interner[V]) get(key string, make func() V) *V {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live == nil {
		t.live, t.next = map[string]weak.Pointer[V]{}, leastSweep
	}
	if p := t.live[key].Value(); p != nil {
		return p
	}
	if len(t.live) >= t.next {
		for k, p := range t.live {
			if p.Value() == nil {
				delete(t.live, k)
			}
		}
		t.next = max(leastSweep, 2*len(t.live))
	}
	v := make()
	t.live[key] = weak.Make(&v)
	return &v
}
