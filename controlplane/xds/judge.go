package xds

// verdict is what a slot needs now.
type verdict uint8

const (
	nothing verdict = iota
	body
	gone
)

// judge compares what the client holds with what the source has. It changes
// nothing that a second call would miss.
func (s *Stream) judge(t *typeState, sl *slot) (item, verdict) {
	sl.dirty = false
	r := s.source.Get(t.url, sl.name)
	sl.exists = r != nil
	if r == nil {
		t.setStuck(sl, false)
		if s.whole { // a set without it says so; no other response can
			if t.fullSet && sl.held != "" {
				return item{slot: sl}, gone
			}
			return item{}, nothing
		}
		if sl.held != "" || sl.answer || sl.named && !sl.told {
			return item{slot: sl}, gone
		}
		return item{}, nothing
	}
	t.setGhost(sl, false)
	stuck := sl.refused != nil && sl.refused.version == r.Version
	t.setStuck(sl, stuck && sl.held != r.Version)
	switch {
	case sl.stuck && sl.forced && sl.acked != nil:
		return item{slot: sl, resource: sl.acked, fallback: true}, body
	case sl.stuck, sl.held == r.Version && !sl.answer && !sl.forced:
		if sl.held == r.Version {
			sl.acked = r
		}
		return item{}, nothing
	}
	return item{slot: sl, resource: r}, body
}

// done is what a slot becomes when judged to need nothing.
func (s *Stream) done(t *typeState, sl *slot) {
	sl.forced, sl.alone, sl.since = false, false, 0
	if t == s.clusters {
		delete(s.order.clusters, sl.name)
	}
	if t == s.clusters && !sl.exists || t == s.endpoints && (!sl.exists || sl.stuck) {
		delete(s.order.endpoints, sl.name)
	}
	if !sl.exists && !sl.named {
		s.drop(t, sl)
	}
}
