package kube

import (
	"time"

	"github.com/coastwise/coastwise/translate/admit"
)

// Times are how long things may take. Tests have shorter ones.
type Times struct {
	// Bookmark is how long a watch-list may go without the end of its initial
	// events, before its resource is read with LIST instead.
	Bookmark time.Duration
	// Start is how long reading everything once may take.
	Start time.Duration
	// Probe is how often the API server is asked whether it is well.
	Probe time.Duration
	// Silence is how long nothing may come through a connection before it is
	// tried by a ping, which must be answered within a third of this.
	Silence time.Duration
	// Pace is the least time between two requests for one resource, the first few
	// and the pages of a list excepted.
	Pace time.Duration
	// Redial is how long after a refused connection the next is tried.
	Redial time.Duration
	// Discovery is how often the API server is asked which kinds it serves.
	Discovery time.Duration
	// Doubt is how long after the first Forbidden a kind with a CRD is asked for again: only
	// then it counts.
	Doubt time.Duration
	// Denied is how long after Forbidden Istio's kinds are asked for again.
	Denied time.Duration
}

// DefaultTimes are those of issue 6 and reference/kubernetes.md 7.2.
func DefaultTimes() Times {
	return Times{
		Bookmark: 20 * time.Second, Start: 60 * time.Second, Probe: 3 * time.Second,
		Silence: 15 * time.Second, Pace: time.Second, Redial: 300 * time.Millisecond,
		Discovery: 5 * time.Second, Doubt: 3 * time.Second, Denied: 30 * time.Second,
	}
}

// Option changes how a Source works.
type Option func(*Source)

// WithTimes sets how long things may take.
func WithTimes(t Times) Option { return func(s *Source) { s.times = t } }

// WithAdmission sets what admission is told of this machine, for the kinds that may
// name credentials.
func WithAdmission(o admit.Options) Option { return func(s *Source) { s.admission = o } }
