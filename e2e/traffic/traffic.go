package traffic

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
)

// Failure is a request that was not answered with 200 by a backend.
type Failure struct {
	// At is when the failure was seen.
	At   time.Time
	What string
}

// Tally is what became of the requests of one phase so far.
type Tally struct {
	Requests int
	// ByEndpoint counts the answers of each backend, by IP:PORT.
	ByEndpoint map[string]int
	// First and Last are when each backend's first and last answer was there.
	First, Last map[string]time.Time
	// Failures are all of them, in the order in which they were seen.
	Failures []Failure
}

// Phase is a stretch of time whose requests are counted together.
type Phase struct {
	// pause is the time between two requests of one worker.
	pause    time.Duration
	mu       sync.Mutex
	inFlight int
	tally    Tally
}

// Drain returns when every request of the phase has been counted. Call it after
// the next phase has begun.
func (p *Phase) Drain() {
	for {
		p.mu.Lock()
		n := p.inFlight
		p.mu.Unlock()
		if n == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// Tally is a copy of the counts so far.
func (p *Phase) Tally() Tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Tally{
		Requests:   p.tally.Requests,
		ByEndpoint: maps.Clone(p.tally.ByEndpoint),
		First:      maps.Clone(p.tally.First),
		Last:       maps.Clone(p.tally.Last),
		Failures:   slices.Clone(p.tally.Failures),
	}
}

// Counts are the requests and failures so far, cheaper than Tally.
func (p *Phase) Counts() (requests, failures int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tally.Requests, len(p.tally.Failures)
}

func (p *Phase) started(change int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight += change
}

func (p *Phase) add(endpoint, failure string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	p.tally.Requests++
	if failure != "" {
		p.tally.Failures = append(p.tally.Failures, Failure{At: time.Now(), What: failure})
		return
	}
	p.tally.ByEndpoint[endpoint]++
	now := time.Now()
	if p.tally.ByEndpoint[endpoint] == 1 {
		p.tally.First[endpoint] = now
	}
	p.tally.Last[endpoint] = now
}

// Generator sends requests until it is stopped.
type Generator struct {
	target, host string
	dial         Dial
	workers      int
	phase        atomic.Pointer[Phase]
	wg           sync.WaitGroup
	cancel       context.CancelFunc
}

// Dial opens the connection of a worker.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Start begins to send requests for host to target (IP:PORT), at rate requests
// per second over all workers, in a first phase that Begin ends.
func Start(target, host string, workers, rate int) *Generator {
	return StartThrough(new(net.Dialer).DialContext, target, host, workers, rate)
}

// StartThrough is Start with connections to target that dial opens.
func StartThrough(dial Dial, target, host string, workers, rate int) *Generator {
	ctx, cancel := context.WithCancel(context.Background())
	g := &Generator{target: target, host: host, dial: dial, workers: workers, cancel: cancel}
	g.Begin(rate)
	for range workers {
		g.wg.Go(func() { g.work(ctx) })
	}
	return g
}

// Begin starts a new phase at rate requests per second and returns it.
func (g *Generator) Begin(rate int) *Phase {
	p := &Phase{
		pause: time.Duration(g.workers) * time.Second / time.Duration(rate),
		tally: Tally{ByEndpoint: map[string]int{}, First: map[string]time.Time{}, Last: map[string]time.Time{}},
	}
	g.phase.Store(p)
	return p
}

// Stop ends all workers and waits for them.
func (g *Generator) Stop() {
	g.cancel()
	g.wg.Wait()
}

func (g *Generator) work(ctx context.Context) {
	transport := &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true, DialContext: g.dial}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	next := time.Now()
	for ctx.Err() == nil {
		phase := g.enter()
		endpoint, failure := g.send(ctx, client)
		if ctx.Err() != nil {
			phase.started(-1)
			return
		}
		phase.add(endpoint, failure)
		next = wait(ctx, next, phase.pause)
	}
}

// enter counts a request as begun in the phase that rules at this moment, so that
// a phase that Begin has replaced can only get emptier.
func (g *Generator) enter() *Phase {
	for {
		p := g.phase.Load()
		p.started(1)
		if g.phase.Load() == p {
			return p
		}
		p.started(-1)
	}
}

// wait sleeps until pause after the last planned time and returns that time. Who
// is late does not catch up in a burst.
func wait(ctx context.Context, last time.Time, pause time.Duration) time.Time {
	next := last.Add(pause)
	d := time.Until(next)
	if d < -pause {
		return time.Now()
	}
	if d > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
	return next
}

// send makes one request: the endpoint that answered 200, or what went wrong.
func (g *Generator) send(ctx context.Context, client *http.Client) (endpoint, failure string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.target+"/", nil)
	if err != nil {
		return "", err.Error()
	}
	req.Host = g.host
	resp, err := client.Do(req)
	if err != nil {
		return "", err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	switch {
	case err != nil:
		return "", err.Error()
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Sprintf("%d %.100s", resp.StatusCode, body)
	}
	endpoint = resp.Header.Get(backend.EndpointHeader)
	if endpoint == "" {
		return "", "200, but not from a backend"
	}
	return endpoint, ""
}
