package xds

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
)

// shardCount is how many gRPC servers share the connections: gRPC tells all
// clients of a server to go at once, so each is one step of a drain, 2 % of them.
const shardCount = 50

// longestPause is that between two attempts to accept, while there are no file
// descriptors.
const longestPause = time.Second

// shard is one gRPC server, with the connections that it was given.
type shard struct {
	grpc *grpc.Server
	in   chan net.Conn
	// leaving is closed when its streams are to end, closed when it takes no more
	// connections.
	leaving, closed      chan struct{}
	leaveOnce, closeDoor sync.Once
}

func newShard() *shard {
	return &shard{in: make(chan net.Conn), leaving: make(chan struct{}), closed: make(chan struct{})}
}

// going is closed when the shard's streams are to end; never where there is none.
func (sh *shard) going() <-chan struct{} {
	if sh == nil {
		return nil
	}
	return sh.leaving
}

// leave ends the shard's streams as soon as each has had a response.
func (sh *shard) leave() { sh.leaveOnce.Do(func() { close(sh.leaving) }) }

func (sh *shard) shut() { sh.closeDoor.Do(func() { close(sh.closed) }) }

// stop returns when no connection is left: gracefully once each client is told to
// go and its streams are over, else at once.
func (sh *shard) stop(gracefully bool) {
	if gracefully {
		sh.grpc.GracefulStop()
		return
	}
	sh.grpc.Stop()
}

// inlet is where a shard's gRPC server gets its connections.
type inlet struct {
	*shard
	addr net.Addr
}

// Accept implements net.Listener.
func (i inlet) Accept() (net.Conn, error) {
	select {
	case c := <-i.in:
		return c, nil
	case <-i.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (i inlet) Close() error {
	i.shut()
	return nil
}

// Addr implements net.Listener.
func (i inlet) Addr() net.Addr { return i.addr }

// shardOf is the shard of a stream's connection.
func shardOf(ctx context.Context) *shard {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(connInfo)
	if !ok {
		return nil
	}
	return info.shard
}

// doors are the listeners that are open.
type doors struct {
	mu        sync.Mutex
	listeners []net.Listener
	shut      chan struct{} // closed once no more connections are accepted
}

// open notes a listener; false, and it is closed, if no more are accepted.
func (d *doors) open(l net.Listener) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed() {
		l.Close()
		return false
	}
	d.listeners = append(d.listeners, l)
	return true
}

func (d *doors) closed() bool {
	select {
	case <-d.shut:
		return true
	default:
		return false
	}
}

// close accepts no more.
func (d *doors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed() {
		return
	}
	close(d.shut)
	for _, l := range d.listeners {
		l.Close()
	}
}

// accept gives the connections to the shards in turn, until the doors close: then
// nil. Where the system has no room for one it waits, as gRPC does.
func (s *Server) accept(l net.Listener) error {
	pause := 5 * time.Millisecond
	for next := 0; ; {
		c, err := l.Accept()
		if s.doors.closed() {
			if err == nil {
				c.Close() //nolint:errcheck // nobody has used it
			}
			return nil
		}
		if err != nil {
			if temporary := interface{ Temporary() bool }(nil); !errors.As(err, &temporary) || !temporary.Temporary() {
				return err
			}
			s.config.Log.Warn("a connection could not be accepted", "err", err, "retry", pause)
			select {
			case <-time.After(pause):
			case <-s.doors.shut:
			}
			pause = min(2*pause, longestPause)
			continue
		}
		pause = 5 * time.Millisecond
		s.give(c, next)
		next = (next + 1) % len(s.shards)
	}
}

func (s *Server) give(c net.Conn, to int) {
	select {
	case s.shards[to].in <- c:
	case <-s.shards[to].closed:
		c.Close() //nolint:errcheck // nobody has used it
	}
}

// busy are the shards that have streams, in order.
func (s *Server) busy() []*shard {
	var out []*shard
	has := map[*shard]bool{}
	for _, p := range s.list() {
		has[p.shard] = true
	}
	for _, sh := range s.shards {
		if has[sh] {
			out = append(out, sh)
		}
	}
	return slices.Clip(out)
}
