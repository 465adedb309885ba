package xds

import (
	"context"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// throttle bounds the requests of one stream that no response of ours has asked
// for. An answer costs nothing: there is one for each response, and an Envoy with
// 10,000 clusters sends 10,000 of them as fast as it can. What else an honest
// client sends is a request per type, and one per response with clusters that it
// had not.
type throttle struct {
	limiter *rate.Limiter
	// since is when the client began to be above the rate without a break; zero
	// if it is not.
	since time.Time
	most  time.Duration
}

func newThrottle(l ServerLimits) *throttle {
	return &throttle{limiter: rate.NewLimiter(rate.Limit(l.RequestsPerSecond), l.RequestBurst), most: l.RequestWait}
}

// bytesPerCost is what a request may have for each request that it counts as.
const bytesPerCost = 64 << 10

// take is how long to wait before a request is acted upon, and false if the
// client has been above the rate for too long.
func (t *throttle) take(now time.Time, bytes int) (wait time.Duration, ok bool) {
	cost := min(1+bytes/bytesPerCost, t.limiter.Burst())
	wait = t.limiter.ReserveN(now, cost).DelayFrom(now)
	if wait == 0 {
		t.since = time.Time{}
		return 0, true
	}
	if t.since.IsZero() {
		t.since = now
	}
	return wait, now.Sub(t.since) < t.most
}

// slow is the reader's: it waits as the throttle says, which stops reading from
// the client and nothing else.
func (p *proxy) slow(ctx context.Context, t *throttle, m *message) error {
	if p.isAnswer(&m.request) {
		return nil
	}
	wait, ok := t.take(time.Now(), m.bytes)
	if !ok {
		p.server.config.Metrics.throttled.Inc()
		return status.Errorf(codes.ResourceExhausted,
			"more than %d requests a second, besides answers, for %s", p.server.config.Limits.RequestsPerSecond, t.most)
	}
	if wait == 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func (p *proxy) isAnswer(r *Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.machine != nil && p.machine.answered(r)
}

// answered says whether a request answers a response in flight and asks for
// nothing besides.
func (s *Stream) answered(r *Request) bool {
	t := s.typeOf(r.TypeURL)
	return t != nil && t.inflight[r.Nonce] != nil && !s.resubscribes(r)
}
