package snapshot

import (
	"time"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// slice is how long one publish rebuilds what is marked in bulk.
const slice = 20 * time.Millisecond

// bulk is what a MeshConfig, a Node and the like have touched and no publish has
// rebuilt yet: there the change has not arrived, and each service is whole in its
// former form.
type bulk struct {
	keys  []model.Key   // sorted
	since time.Time     // when the oldest mark of keys was set
	rest  time.Duration // what the last publish took besides rebuilding
	more  chan struct{} // has a value while there are keys
}

// whole puts bulk marks among the others before the first publish, which nobody may
// see a part of, and otherwise aside. What is rebuilt anyhow waits no longer.
func (h *Hub) whole(d store.Dirty) store.Dirty {
	if !h.synced.Load() {
		d.Keys = d.Join(store.Dirty{Keys: d.Bulk}).Keys
		d.Bulk = nil
		return d
	}
	b := &h.bulk
	if len(d.Bulk) > 0 && (len(b.keys) == 0 || d.Since.Before(b.since)) {
		b.since = d.Since
	}
	b.keys = store.Dirty{Keys: b.keys}.Join(store.Dirty{Keys: d.Bulk}).Keys
	b.keys = store.Without(b.keys, d.Keys)
	d.Bulk = nil
	return d
}

// rebuildBulk rebuilds one slice of the bulk work, at least one service, and says
// since when the oldest change in the publish has waited. All that a publish does
// besides, such as new routes of every scope, is done again with each slice: so a
// slice is no shorter than that was the last time, and the whole at most twice as dear.
func (h *Hub) rebuildBulk(d store.Dirty, old, next *Snapshot, touched map[model.Key]bool, now time.Time) time.Time {
	b := &h.bulk
	if len(b.keys) == 0 {
		return d.Since
	}
	since := d.Join(store.Dirty{Since: b.since}).Since
	done, end := 0, time.Now().Add(max(h.slice, b.rest))
	for done == 0 || done < len(b.keys) && time.Now().Before(end) {
		h.rebuildAll(b.keys[done:done+1], old, next, touched, now)
		done++
	}
	b.keys = b.keys[done:]
	return since
}

// after notes what a publish took besides rebuilding, and asks for another if there
// are keys left.
func (b *bulk) after(rest time.Duration) {
	b.rest = rest
	if len(b.keys) == 0 {
		return
	}
	select {
	case b.more <- struct{}{}:
	default:
	}
}

// unfinished says that there is bulk work left.
func (h *Hub) unfinished() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.bulk.keys) > 0
}
