package xds

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// proxy is one stream. The handler (serve) waits and watches, the reader
// receives, the owner steps the machine and sends: a blocked send stops reading,
// and nothing else.
type proxy struct {
	server    *Server
	stream    wire
	shard     *shard
	requests  chan *message
	log       *slog.Logger
	proof     *Verified // nil: nobody is verified
	claims    model.Proxy
	nodeID    string
	number    uint64
	connected time.Time
	member    Member
	// sending is since when a send has not returned, in Unix nanoseconds; 0 if none.
	sending atomic.Int64
	hadOne  bool // the owner's: a response was sent

	logged   time.Time // the owner's: when a refusal was logged last
	unlogged int       // the owner's: refusals since

	mu      sync.Mutex // guards machine
	machine *Stream

	wildcard bool // as the Hub was told
}

// serve is the handler. When it returns gRPC ends the stream, which ends reader
// and owner.
func (p *proxy) serve() error {
	ctx := p.stream.Context()
	reader := p.start("reader", p.read)
	var first *message
	silence := time.NewTimer(p.server.config.Limits.FirstRequest)
	defer silence.Stop()
	select {
	case first = <-p.requests:
	case err := <-reader:
		return err
	case <-silence.C:
		return p.server.refuse(ctx, noRequest, status.Error(codes.DeadlineExceeded, "the stream had no request"))
	}
	var err error
	if p.claims, err = identify(first.node); err != nil {
		return p.server.refuse(ctx, invalidNode, err)
	}
	if reason, err := p.server.agree(p.proof, &p.claims); err != nil {
		return p.server.refuse(ctx, reason, err)
	}
	if reason, err := p.server.admitZtunnel(p.stream, p.proof, p.claims); err != nil {
		return p.server.refuse(ctx, reason, err)
	}
	p.nodeID = first.node.GetId()
	p.log = p.server.config.Log.With("proxy", p.claims.ID)
	leave, err := p.server.share(ctx, p.proof, p.claims.Kind)
	if err != nil {
		return p.server.refuse(ctx, clientConnections, err)
	}
	defer leave()
	if p.member, err = p.join(); err != nil {
		return p.server.refuse(ctx, notAdmitted, status.Errorf(codes.InvalidArgument, "node %q: %v", p.nodeID, err))
	}
	p.member.Observe(p.progress)
	p.connected = time.Now()
	prefix := p.server.enter(p)
	if p.aloneByName() && p.server.names.enter(p.claims.ID) {
		p.log.Warn("two live streams have one id: are two proxies named alike?", "peer", peerAddress(ctx))
	}
	p.log.Info("a proxy connected", "kind", p.claims.Kind, "locality", p.member.Proxy().Locality.String())
	owner := p.start("owner", func() error { return p.own(ctx, prefix, first) })
	err = p.wait(ctx, reader, owner)
	p.log.Info("a proxy left", "err", err)
	return err
}

// turn waits for a turn, and returns what ends it. At the end of the stream it
// does not wait.
func (p *proxy) turn() (end func()) {
	select {
	case p.server.turns <- struct{}{}:
		return func() { <-p.server.turns }
	case <-p.stream.Context().Done():
		return func() {}
	}
}

func (p *proxy) join() (Member, error) {
	defer p.turn()()
	return p.server.config.Hub.Join(p.claims)
}

// start runs one of the stream's goroutines; a panic ends this stream only.
func (p *proxy) start(name string, run func() error) <-chan error {
	out := make(chan error, 1)
	go func() {
		out <- p.server.contain("a stream's "+name, run)
	}()
	return out
}

// contain turns a panic into an error.
func (s *Server) contain(name string, run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.config.Metrics.panics.Inc()
			s.config.Log.Error(name+" panicked", "panic", r, "stack", string(debug.Stack()))
			err = status.Error(codes.Internal, "internal error")
		}
	}()
	return run()
}

// wait returns at the stream's end, or ends it: the client does not read.
func (p *proxy) wait(ctx context.Context, reader, owner <-chan error) error {
	timeout := p.server.config.Limits.SendTimeout
	tick := time.NewTicker(max(timeout/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case err := <-reader:
			return err
		case err := <-owner:
			return err
		case now := <-tick.C:
			since := p.sending.Load()
			if since == 0 || now.Sub(time.Unix(0, since)) < timeout {
				continue
			}
			p.server.config.Metrics.stalls.Inc()
			p.log.Warn("the client does not read: closing its connection", "for", timeout)
			closeConn(ctx)
			return status.Errorf(codes.Aborted, "the client has not read for %s", timeout)
		}
	}
}

// read hands one request after the other to the owner.
func (p *proxy) read() error {
	ctx := p.stream.Context()
	pace := newThrottle(p.server.config.Limits)
	for {
		r, err := p.stream.receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err // a status of gRPC's own
		}
		if err := p.slow(ctx, pace, r); err != nil {
			return err
		}
		select {
		case p.requests <- r:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}

// own is the only one that steps the machine.
func (p *proxy) own(ctx context.Context, prefix string, first *message) error {
	defer p.server.leave(p)
	if p.aloneByName() {
		defer p.server.names.leave(p.claims.ID)
	}
	defer p.member.Leave()
	p.begin(prefix)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	err := p.handle(first, timer)
	for err == nil {
		select {
		case <-p.mayLeave():
			return status.Error(codes.Unavailable, "the server is stopping")
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		case r := <-p.requests:
			err = p.handle(r, timer)
		case <-p.member.Wake():
			err = p.step(Event{Update: &Update{}}, timer)
		case <-timer.C:
			err = p.step(Event{}, timer)
		}
	}
	return err
}

// begin makes the machine.
func (p *proxy) begin(prefix string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.machine = p.stream.machine(prefix, p.member.Take().Source, p.server.config.Limits.Stream)
	switch p.claims.Kind {
	case model.GRPC:
		p.machine.ByName()
	case model.Ztunnel:
		p.machine.OfZtunnel()
	}
}

// mayLeave is closed when the stream is to end; it never is before a response.
func (p *proxy) mayLeave() <-chan struct{} {
	if !p.hadOne {
		return nil
	}
	return p.shard.leaving
}

func (p *proxy) handle(m *message, timer *time.Timer) error {
	if err := sameNode(p.nodeID, m.node); err != nil {
		return err
	}
	return p.step(Event{Request: &m.request}, timer)
}

// step steps the machine and acts on the result. An Update is what to look at
// beside what the Hub has. What the client begins to follow is looked at again once
// the Hub knows: it may have changed in between.
func (p *proxy) step(e Event, timer *time.Timer) error {
	for {
		e.Now = time.Now()
		result := p.locked(e)
		p.tell(result, e.Now)
		if err := p.send(result.Responses); err != nil {
			return err
		}
		if result.Err != nil {
			p.log.Warn("a stream is closed", "err", result.Err)
			return result.Err
		}
		u, again := p.follow(result)
		if !again {
			wait := time.Hour
			if !result.NextTick.IsZero() {
				wait = time.Until(result.NextTick)
			}
			timer.Reset(wait)
			return nil
		}
		e = Event{Update: &u}
	}
}

// locked takes under the lock that the machine has, so that progress finds what
// changed either with the Hub or with the machine.
func (p *proxy) locked(e Event) Result {
	if r := e.Request; r != nil && p.machine.resubscribes(r) || !p.hadOne {
		defer p.turn()()
	}
	p.mu.Lock()
	defer p.mu.Unlock() // also if it panics: others read the machine
	if e.Update != nil {
		u := p.member.Take()
		u.Names = append(u.Names, e.Update.Names...)
		u.All = u.All || e.Update.All
		e.Update = &u
	}
	return p.machine.Step(e)
}

// follow tells the Hub what the stream subscribes to, and says what to look at.
func (p *proxy) follow(r Result) (Update, bool) {
	if len(r.Unwatch) > 0 {
		p.member.Unwatch(r.Unwatch)
	}
	if len(r.Watch) > 0 {
		p.member.Watch(r.Watch)
	}
	turned := r.Wildcard != p.wildcard
	if turned {
		p.wildcard = r.Wildcard
		p.member.WatchAll(r.Wildcard)
	}
	if len(r.Watch) == 0 && !turned {
		return Update{}, false
	}
	return Update{Names: r.Watch, All: turned}, true
}

// tell counts, logs and reports what a step found.
func (p *proxy) tell(r Result, now time.Time) {
	p.server.config.Metrics.answered(r, now)
	for _, refusal := range r.Refusals {
		refusal.ProxyID = p.claims.ID
		p.logRefusal(refusal, now)
		if p.server.config.Refused != nil {
			p.server.config.Refused(refusal)
		}
	}
	if r.Nacked == envoy.SecretType && p.server.config.NackedSecrets != nil {
		p.server.config.NackedSecrets(p.claims.ID)
	}
	for _, mended := range r.Mended {
		mended.ProxyID = p.claims.ID
		p.log.Info("a proxy takes a secret that it had refused", "name", mended.Name)
		if p.server.config.Mended != nil {
			p.server.config.Mended(mended)
		}
	}
	if r.Shrink > 0 {
		p.server.config.Metrics.shrinks.Inc()
		p.log.Warn("the proxy is to lose most of its clusters", "clusters", r.Shrink, "at_a_time", p.server.config.Limits.Stream.Removals)
	}
	if len(r.Kept) > 0 {
		p.log.Warn("clusters that are gone stay: the proxy refused the listener or routes that no longer name them", "clusters", r.Kept)
	}
}

// logRefusal writes one line a second at most, whatever the client refuses.
func (p *proxy) logRefusal(r Refusal, now time.Time) {
	if now.Sub(p.logged) < time.Second {
		p.unlogged++
		return
	}
	p.log.Warn("a proxy refused a resource", "type", ShortType(r.TypeURL), "name", r.Name,
		"version", r.Version, "message", r.Message, "not_logged_before", p.unlogged)
	p.logged, p.unlogged = now, 0
}

func (p *proxy) send(responses []Response) error {
	for _, r := range responses {
		p.sending.Store(time.Now().UnixNano())
		err := p.stream.send(r)
		p.sending.Store(0)
		if err != nil {
			return err // a status of gRPC's own
		}
		p.server.config.Metrics.sent(r)
		p.hadOne = true
	}
	return nil
}

// aloneByName says that a second stream of the same id is worth a word. A gRPC
// client has one stream for every target that it dials, all of one id.
func (p *proxy) aloneByName() bool { return p.claims.Kind != model.GRPC }

func (p *proxy) info() ProxyInfo {
	known := p.member.Proxy()
	out := ProxyInfo{
		ID: p.claims.ID, Kind: string(known.Kind), Namespace: known.Namespace, Node: known.Node,
		Locality: known.Locality.String(), Connected: p.connected, Types: []TypeInfo{},
		Peer: peerAddress(p.stream.Context()), SharedID: p.aloneByName() && p.server.names.shared(p.claims.ID),
	}
	if p.proof != nil {
		out.ServiceAccount = p.proof.ServiceAccount
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.machine != nil {
		out.Types, out.refusals = p.machine.Summary(), p.machine.Stuck(p.claims.ID, maxRefusals)
	}
	return out
}

// progress is how far the stream is with what it took last.
func (p *proxy) progress() Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.machine == nil { // so it took nothing, and the Hub knows
		return Progress{}
	}
	return p.machine.Progress()
}

func (p *proxy) dump() *ProxyDump {
	out := &ProxyDump{ProxyInfo: p.info()}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.machine != nil {
		out.Dump = p.machine.Dump()
	}
	return out
}
