package snapshot

import (
	"slices"
	"time"

	"github.com/coastwise/coastwise/translate/model"
)

// DefaultLinger is how long a waypoint keeps the clusters of a service that it no longer
// has: Envoy's --drain-time-s, by when connections to its former chain are closed.
const DefaultLinger = 10 * time.Minute

// former is a waypoint that reached a service until lately.
type former struct {
	model.GatewayName
	until time.Time
}

// Linger says how long a waypoint keeps the clusters of a service that goes to another,
// or to none: requests on connections that are open meanwhile are served, and new ones
// find no chain. At 0, the default, they go at once. What has lingered longer goes with the
// service's next change. It must be called before Run.
func (h *Hub) Linger(d time.Duration) { h.lingers = d }

// linger notes the waypoints that have lost the services that were touched.
func (h *Hub) linger(old, next *Snapshot, touched map[model.Key]bool, now time.Time) {
	if h.lingers == 0 {
		return
	}
	for key := range touched {
		if was, is := old.Entries[key], next.Entries[key]; was != nil && is != nil {
			is.former = formers(was, is, now, h.lingers)
		}
	}
}

// formers are the waypoints that lost an entry now, or did lately, the first first.
func formers(was, is *Entry, now time.Time, stay time.Duration) []former {
	has := append([]model.GatewayName{is.Waypoint, {}}, is.fronts...)
	var out []former
	for _, f := range was.former {
		if f.until.After(now) && !slices.Contains(has, f.GatewayName) {
			out = append(out, f)
		}
	}
	for _, name := range append([]model.GatewayName{was.Waypoint}, was.fronts...) {
		lingers := slices.ContainsFunc(out, func(f former) bool { return f.GatewayName == name })
		if !lingers && !slices.Contains(has, name) {
			out = append(out, former{name, now.Add(stay)})
		}
	}
	return out
}

// reachedBy are the waypoints that have the entry's clusters, and no chain to it: those
// that it is a backend of, and those that it has left.
func (e *Entry) reachedBy() []model.GatewayName {
	if len(e.former) == 0 {
		return e.fronts
	}
	out := slices.Clone(e.fronts)
	for _, f := range e.former {
		out = append(out, f.GatewayName)
	}
	return out
}
