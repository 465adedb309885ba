package snapshot

import (
	"context"
	"slices"
	"time"

	"github.com/coastwise/coastwise/translate/model"
)

// sweepEvery is how often the variants of departed proxies are dropped.
const sweepEvery = 5 * time.Second

// Run publishes what the store marks until ctx ends: at once when idle, and not
// before floor has passed since the last publish when busy.
func (h *Hub) Run(ctx context.Context) error {
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	retry := time.NewTimer(settle)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-sweep.C:
			h.sweep()
			h.beat.Store(time.Now().UnixNano())
			continue
		case <-retry.C:
			if !h.overdue(time.Now()) {
				continue
			}
		case <-h.store.Wake():
		case <-h.bulk.more:
		}
		h.Publish(time.Now())
		if h.anyWaiting() {
			retry.Reset(settle)
		}
		if !pause(ctx, h.floor) {
			return nil
		}
	}
}

// Publish takes what is dirty, and what has waited long enough, and publishes it, with
// a slice of the bulk work that there is (store.Dirty.Bulk).
func (h *Hub) Publish(now time.Time) {
	h.taking.Add(1)
	defer h.taking.Add(-1)
	d := h.store.Take()
	d.Keys = h.withWaiting(d.Keys)
	if d.Empty() && h.synced.Load() && !h.unfinished() {
		return
	}
	h.publish(d, now)
}

// waits says that a change would empty a service that had ready endpoints and
// nothing forbids them now: it may be half of a move between slices, so it waits
// up to settle for the other half. A fence never waits.
func (h *Hub) waits(key model.Key, was, is *Entry, now time.Time) bool {
	if was == nil || is == nil || !emptied(was.Service, is.Service) || tightened(was.Service, is.Service) {
		delete(h.emptying, key)
		return false
	}
	since, waiting := h.emptying[key]
	if !waiting {
		h.emptying[key] = now
		return true
	}
	if now.Sub(since) < settle {
		return true
	}
	delete(h.emptying, key)
	return false
}

// emptied says that some port lost its last ready endpoint.
func emptied(was, is *model.Service) bool {
	for _, port := range was.Ports {
		now, ok := is.Port(port.Number)
		if ok && len(port.Endpoints) > 0 && len(now.Endpoints) == 0 {
			return true
		}
	}
	return false
}

// tightened says that the fences of two forms differ.
func tightened(was, is *model.Service) bool {
	for key, id := range is.Lookup {
		before, ok := was.Lookup[key]
		if !ok || !was.Policies[before].Allowed.Equal(is.Policies[id].Allowed) {
			return true
		}
	}
	return len(was.Lookup) != len(is.Lookup)
}

func (h *Hub) withWaiting(keys []model.Key) []model.Key {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.emptying {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, model.Key.Compare)
	return slices.Compact(keys)
}

func (h *Hub) anyWaiting() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.emptying) > 0
}

func (h *Hub) overdue(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, since := range h.emptying {
		if now.Sub(since) >= settle {
			return true
		}
	}
	return false
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Alive says that the loop has moved within six sweeps: it is not deadlocked.
func (h *Hub) Alive() bool {
	last := h.beat.Load()
	return last == 0 || time.Since(time.Unix(0, last)) < 6*sweepEvery
}
