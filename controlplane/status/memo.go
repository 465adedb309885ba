package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// settleTime is how long proxies may be behind before a form that they all had says
	// so: every change of an endpoint is on its way for some milliseconds.
	settleTime = 5 * time.Second
	// quietTime is the least time between two writes of one object that change nothing
	// but words: "118 of 120 proxies" may change every second while proxies come.
	quietTime = 5 * time.Second
	// watchTime is how long the watch may take to bring back what was written.
	watchTime = 10 * time.Second
	// retryTime is the first pause after a write that failed, retryLimit the longest
	// between two writes of the same words.
	retryTime, retryLimit = time.Second, 5 * time.Minute
)

// memo is what a term remembers of one object.
type memo struct {
	uid types.UID
	// before is what the server had when sent was; at is when.
	before, sent state
	at           time.Time
	arrived      bool // the server took it
	// The same words are not sent again before notBefore; pause grows each time.
	notBefore time.Time
	pause     time.Duration
	// pending is since when a form that was Programmed is not; zero: it is.
	pending time.Time
}

// base is the status that stands on the server as far as is known: what was written,
// while the watch has not brought anything yet.
func (m *memo) base(server state, now time.Time) state {
	if m.arrived && now.Before(m.at.Add(watchTime)) && equal(server, m.before) {
		return m.sent
	}
	return server
}

// settle keeps Programmed as it stands while proxies are behind for a short time only.
func (m *memo) settle(base, wish state, now time.Time) {
	held := map[*metav1.Condition]*metav1.Condition{}
	for i := range wish.said {
		was, is := base.find(wish.said[i].about, wish.said[i].Type), &wish.said[i].Condition
		if (is.Type == Programmed || is.Type == RouteProgrammed) && was != nil && was.Status == metav1.ConditionTrue &&
			is.Reason == Pending && was.ObservedGeneration == is.ObservedGeneration {
			held[is] = was
		}
	}
	if len(held) == 0 {
		m.pending = time.Time{}
		return
	}
	if m.pending.IsZero() {
		m.pending = now
	}
	for is, was := range held {
		if now.Before(m.pending.Add(settleTime)) {
			*is = *was
		}
	}
}

// due says whether a wish that differs from what stands there is to be written now.
func (m *memo) due(base, wish state, now time.Time) bool {
	if !m.at.IsZero() && same(m.sent, wish) {
		return !now.Before(m.notBefore)
	}
	return m.at.IsZero() || grave(base, wish) || !now.Before(m.at.Add(quietTime))
}

// wrote notes a write and how it ended. Between two of the same words lies more time
// each time, until they have stood for long: whoever undoes them, or never shows them,
// is not fought.
func (m *memo) wrote(server, wish state, now time.Time, arrived bool) {
	switch {
	case !m.at.IsZero() && same(m.sent, wish) && now.Before(m.at.Add(3*m.pause)):
		m.pause = min(2*m.pause, retryLimit)
	case arrived:
		m.pause = watchTime
	default:
		m.pause = retryTime
	}
	m.before, m.sent, m.at, m.arrived = server, wish, now, arrived
	m.notBefore = now.Add(m.pause)
}
