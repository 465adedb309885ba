package xds

import (
	"context"
	"sync"
	"time"
)

// goAwayLead is how much earlier a client is told to go than its stream ends, so
// that its next stream is on another connection.
const goAwayLead = 50 * time.Millisecond

// cutTime is how long cutting may take: gRPC waits for connections that have not
// shaken hands, up to ServerLimits.Handshake.
const cutTime = time.Second

// Unready makes health say NOT_SERVING from now on. Everything is served as before.
func (s *Server) Unready() { s.unreadyOnce.Do(func() { close(s.unready) }) }

// Drain stops in an orderly way (reference/xds.md 8). No new connections are
// accepted. Over the given time one shard after the other is told to go (GOAWAY),
// in even steps, and its streams end with Unavailable: each once it has had a
// response (one without would make the client back off for longer), and all that
// its owner was about to send. At the end of ctx whatever is left is cut.
func (s *Server) Drain(ctx context.Context, over time.Duration) {
	s.Unready()
	s.doors.close()
	var parting sync.WaitGroup
	steps := s.busy()
	busy := map[*shard]bool{}
	for _, sh := range steps {
		busy[sh] = true
	}
	for _, sh := range s.shards { // those without streams: nobody comes back from them
		if !busy[sh] {
			parting.Go(func() { s.part(ctx, sh) })
		}
	}
	began := time.Now()
	for i, sh := range steps {
		if !pause(ctx, time.Until(began.Add(over*time.Duration(i)/time.Duration(len(steps))))) {
			break
		}
		parting.Go(func() { s.part(ctx, sh) })
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		parting.Wait()
	}()
	select {
	case <-gone:
		if ctx.Err() == nil {
			return
		}
	case <-ctx.Done():
	}
	cut := make(chan struct{})
	go func() {
		defer close(cut)
		s.Stop()
	}()
	select {
	case <-cut:
	case <-time.After(cutTime):
	}
}

// part tells the clients of a shard to go, and returns when they have.
func (s *Server) part(ctx context.Context, sh *shard) {
	go func() {
		pause(ctx, goAwayLead)
		sh.leave()
	}()
	sh.stop(true)
}

// pause returns after d, or with false at the end of ctx.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// Stop cuts every connection.
func (s *Server) Stop() {
	s.doors.close()
	var stopping sync.WaitGroup
	for _, sh := range s.shards {
		stopping.Go(func() { sh.stop(false) })
	}
	stopping.Wait()
}
