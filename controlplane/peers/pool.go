package peers

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// PoolConfig is what a Pool needs.
type PoolConfig struct {
	// Name is that of this replica.
	Name string
	// Members are the other replicas as they are now.
	Members func() []Member
	// Leading says whether this replica has to know what the others know.
	Leading func() bool
	// Own is this replica's report, false while it cannot say all.
	Own func() (Report, bool)
	// TLS is how the others are called; nil is plaintext.
	TLS *tls.Config
	// Token is the bearer token of each call; nil sends none. Without TLS only
	// replicas on this machine get it.
	Token func() (string, error)
	Log   *slog.Logger
}

// times are how often and how long a Pool tries.
type times struct {
	// look is how often the members are compared.
	look time.Duration
	// wait is the length of a long poll, silence after how long a replica is
	// unheard, patience how long an answer may take beyond the wait.
	wait, silence, patience time.Duration
	// pause is the least time between two polls of a replica; it doubles with each
	// that fails, up to maxPause.
	pause, maxPause time.Duration
}

func usualTimes() times {
	return times{
		look: 250 * time.Millisecond, wait: 2 * time.Second, silence: 5 * time.Second, patience: 2 * time.Second,
		pause: 200 * time.Millisecond, maxPause: 2 * time.Second,
	}
}

// Pool asks the other replicas.
type Pool struct {
	config PoolConfig
	times  times
	http   *http.Client

	mu    sync.Mutex
	peers map[string]*peer // by name, while this replica leads
}

// peer is one replica that is followed.
type peer struct {
	address string
	stop    context.CancelFunc
	since   time.Time // when it was first seen
	heard   time.Time // when it answered last; zero if it never did
	report  Report
}

// NewPool makes a Pool; Run starts it.
func NewPool(c PoolConfig) *Pool {
	transport := &http.Transport{
		TLSClientConfig: c.TLS, TLSHandshakeTimeout: 2 * time.Second, MaxIdleConnsPerHost: 2,
		IdleConnTimeout: time.Minute, ResponseHeaderTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
	return &Pool{
		config: c, times: usualTimes(), peers: map[string]*peer{},
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// Run follows the other replicas while this one leads, each by one goroutine,
// until ctx ends. It returns nil.
func (p *Pool) Run(ctx context.Context) error {
	var following sync.WaitGroup
	defer p.http.CloseIdleConnections()
	defer following.Wait()
	look := time.NewTicker(p.times.look)
	defer look.Stop()
	for {
		p.match(ctx, &following)
		select {
		case <-ctx.Done():
			p.leaveOut(nil)
			return nil
		case <-look.C:
		}
	}
}

// match follows the members of now, and nobody else.
func (p *Pool) match(ctx context.Context, following *sync.WaitGroup) {
	var members []Member
	if p.config.Leading() {
		members = p.config.Members()
	}
	p.leaveOut(members)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range members {
		if p.peers[m.Name] != nil {
			continue
		}
		life, stop := context.WithCancel(ctx)
		is := &peer{address: m.Address, stop: stop, since: time.Now()}
		p.peers[m.Name] = is
		following.Go(func() { p.follow(life, m, is) })
	}
}

// leaveOut stops following who is not among the members, or moved.
func (p *Pool) leaveOut(members []Member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, is := range p.peers {
		if !slices.ContainsFunc(members, func(m Member) bool { return m.Name == name && m.Address == is.address }) {
			is.stop()
			delete(p.peers, name)
		}
	}
}

// Joined is what this replica and those that it hears say together, at most 2 s
// after a change there. A replica of which nothing was heard for 5 s, or that is
// ready and was never heard, is unheard until its Pod is gone; so is this one while
// it cannot say all itself.
func (p *Pool) Joined() Joined {
	var reports []Report
	var unheard []string
	if own, complete := p.config.Own(); complete {
		reports = append(reports, own)
	} else {
		unheard = append(unheard, p.config.Name)
	}
	now := time.Now()
	for _, m := range p.config.Members() {
		if r, is := p.last(m, now); is == heard {
			reports = append(reports, r)
		} else if is == silent {
			unheard = append(unheard, m.Name)
		}
	}
	j := join(reports)
	j.Unheard = unheard
	slices.Sort(j.Unheard)
	return j
}

// hearing is how well a replica is heard.
type hearing int

const (
	heard hearing = iota
	silent
	// starting replicas have served nobody yet.
	starting
)

// last is what was heard of a replica last.
func (p *Pool) last(m Member, now time.Time) (Report, hearing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.peers[m.Name]
	switch {
	case is != nil && is.address == m.Address && !is.heard.IsZero():
		if now.Sub(is.heard) < p.times.silence {
			return is.report, heard
		}
		return Report{}, silent
	case !m.Ready && (is == nil || now.Sub(is.since) < p.times.silence):
		return Report{}, starting
	}
	return Report{}, silent
}
