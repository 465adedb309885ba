package snapshot

import (
	"maps"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/workload"
)

// tableShards is in how many parts a table is copied: a change copies its own part.
const tableShards = 256

// shard is a part of the resources of one type, by name.
type shard map[string]*envoy.Resource

// Workloads is all that ztunnels are served, at one revision: the same for each of them.
// It is never modified after publishing. A nil one is empty.
type Workloads struct {
	addresses, policies [tableShards]shard
}

func (w *Workloads) of(typeURL string) *[tableShards]shard {
	switch {
	case w == nil:
		return nil
	case typeURL == workload.AddressType:
		return &w.addresses
	case typeURL == workload.AuthorizationType:
		return &w.policies
	}
	return nil
}

func shardOf(name string) int { return int(xxh3.HashString(name) % tableShards) }

// Names is every name of a type, sorted.
func (w *Workloads) Names(typeURL string) []string {
	shards := w.of(typeURL)
	if shards == nil {
		return nil
	}
	var out []string
	for _, s := range shards {
		out = slices.AppendSeq(out, maps.Keys(s))
	}
	slices.Sort(out)
	return out
}

// Get is a resource by its name, nil for none.
func (w *Workloads) Get(typeURL, name string) *envoy.Resource {
	shards := w.of(typeURL)
	if shards == nil {
		return nil
	}
	return shards[shardOf(name)][name]
}

// edit is a table under construction: what differs from a published one.
type edit struct {
	base   *Workloads
	next   *Workloads // nil until something differs
	copied map[string]map[int]bool
	names  map[string]struct{} // of what differs
}

func newEdit(base *Workloads) *edit {
	return &edit{base: base, copied: map[string]map[int]bool{}, names: map[string]struct{}{}}
}

// table is the edited one, or the base where nothing differs.
func (e *edit) table() *Workloads {
	if e.next != nil {
		return e.next
	}
	return e.base
}

// set puts the resource of a name, nil for none.
func (e *edit) set(typeURL, name string, r *envoy.Resource) {
	was := e.table().Get(typeURL, name)
	if was == nil && r == nil || was != nil && r != nil && was.Version == r.Version {
		return
	}
	if e.next == nil {
		e.next = &Workloads{}
		if e.base != nil {
			*e.next = *e.base
		}
	}
	e.names[name] = struct{}{}
	shards, i := e.next.of(typeURL), shardOf(name)
	if e.copied[typeURL] == nil {
		e.copied[typeURL] = map[int]bool{}
	}
	if !e.copied[typeURL][i] {
		e.copied[typeURL][i] = true
		shards[i] = maps.Clone(shards[i])
	}
	if r == nil {
		delete(shards[i], name)
		return
	}
	if shards[i] == nil {
		shards[i] = shard{}
	}
	shards[i][name] = r
}
