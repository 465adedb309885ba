package xds

import (
	"context"
	"net"
	"sync"

	"google.golang.org/grpc/peer"
)

// gate bounds the connections of a port, and those of each verified client.
type gate struct {
	most int // connections with a seat

	mu       sync.Mutex
	sitting  int
	standing int // connections without a seat: their streams are refused
	// clients are the streams on each connection, by verified client.
	clients map[string]map[*seat]int
}

func newGate(most int) *gate { return &gate{most: most, clients: map[string]map[*seat]int{}} }

// standingRoom is how many connections beyond the most are let in to be told so:
// a tenth, and a few.
func (g *gate) standingRoom() int { return g.most/10 + 1 }

// seat is a connection that counts until it is closed.
type seat struct {
	net.Conn
	gate *gate
	// The gate's lock guards these.
	sits, gone bool
}

// enter gives a connection its seat, if need be one to stand on; nil if there is
// no room at all.
func (g *gate) enter(c net.Conn) *seat {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &seat{Conn: c, gate: g}
	switch {
	case g.sitting < g.most:
		s.sits = true
		g.sitting++
	case g.standing < g.standingRoom():
		g.standing++
	default:
		return nil
	}
	return s
}

// sit says whether the connection has a seat. One that stands takes a seat that
// has become free.
func (s *seat) sit() bool {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !s.sits && !s.gone && g.sitting < g.most {
		s.sits = true
		g.standing--
		g.sitting++
	}
	return s.sits
}

// Close closes the connection and frees its seat.
func (s *seat) Close() error {
	g := s.gate
	g.mu.Lock()
	switch {
	case s.gone:
	case s.sits:
		g.sitting--
	default:
		g.standing--
	}
	s.gone = true
	g.mu.Unlock()
	return s.Conn.Close()
}

// share counts a stream of a client on a connection, and says whether the client
// may have it: at most so many connections carry streams of it at a time.
func (g *gate) share(client string, c *seat, most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	has := g.clients[client]
	if has[c] == 0 && len(has) >= most {
		return false
	}
	if has == nil {
		has = map[*seat]int{}
		g.clients[client] = has
	}
	has[c]++
	return true
}

func (g *gate) unshare(client string, c *seat) {
	g.mu.Lock()
	defer g.mu.Unlock()
	has := g.clients[client]
	if has[c]--; has[c] > 0 {
		return
	}
	delete(has, c)
	if len(has) == 0 {
		delete(g.clients, client)
	}
}

// gated is a listener whose connections have seats.
type gated struct {
	net.Listener
	gate *gate
	full func(net.Conn) // is told what is closed unread
}

// Accept closes what finds no room, before a byte of it is read.
func (l gated) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err // gRPC knows what to do with it as it is
		}
		if s := l.gate.enter(c); s != nil {
			return s, nil
		}
		l.full(c)
		c.Close() //nolint:errcheck // it is not wanted
	}
}

// seatOf is the seat of a stream's connection; nil if it came through no gate.
func seatOf(ctx context.Context) *seat {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(connInfo); ok {
			return info.seat
		}
	}
	return nil
}
