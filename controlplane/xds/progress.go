package xds

import "github.com/coastwise/coastwise/translate/envoy"

// Progress is how far the client is, by the source that the stream has. Where all
// is settled it looks at no slot; else its cost is that of what is not.
func (s *Stream) Progress() Progress {
	var p Progress
	for _, t := range s.types {
		if !t.asked {
			continue
		}
		p.Listens = p.Listens || t.url == envoy.ListenerType
		for sl := range t.stuck {
			s.judged(t, sl, &p)
		}
		for _, f := range t.inflight {
			for _, it := range f.items {
				s.judged(t, it.slot, &p)
			}
		}
		for q := urgent; q < queues; q++ {
			for _, sl := range t.waiting[q].rest() {
				if sl.queue == q {
					s.judged(t, sl, &p)
				}
			}
		}
	}
	return p
}

// judged files a slot under what it is now: one that waits may have been refused,
// one that was refused may have changed since.
func (s *Stream) judged(t *typeState, sl *slot, p *Progress) {
	if sl.dead {
		return
	}
	name := envoy.ResourceName{TypeURL: t.url, Name: sl.name}
	if s.refuses(t, sl) {
		if p.Refused == nil {
			p.Refused = map[envoy.ResourceName]string{}
		}
		p.Refused[name] = sl.refused.message
		return
	}
	if p.Behind == nil {
		p.Behind = map[envoy.ResourceName]bool{}
	}
	p.Behind[name] = true
}

// refuses says that the client refused what it should hold.
func (s *Stream) refuses(t *typeState, sl *slot) bool {
	if sl.refused == nil {
		return false
	}
	r := s.source.Get(t.url, sl.name)
	return r != nil && r.Version == sl.refused.version && r.Version != sl.held
}
