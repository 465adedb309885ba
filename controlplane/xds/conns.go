package xds

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"
)

// conns keeps each connection, and its shard, with its streams' peer: a client that does not
// read can only be got rid of by closing it, since gRPC queues the end of a
// stream behind the data that is not read.
type conns struct {
	credentials.TransportCredentials
	shard  *shard
	failed func(net.Conn, error) // is told of a handshake that came to nothing
}

type connInfo struct {
	credentials.AuthInfo
	conn  net.Conn
	shard *shard
	seat  *seat // nil if the listener has no gate
}

// ServerHandshake shakes hands and remembers the connection.
func (c conns) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		c.failed(raw, err)
		return nil, nil, err
	}
	s, _ := raw.(*seat)
	return conn, connInfo{AuthInfo: info, conn: conn, shard: c.shard, seat: s}, nil
}

// Clone copies the credentials inside.
func (c conns) Clone() credentials.TransportCredentials {
	return conns{c.TransportCredentials.Clone(), c.shard, c.failed}
}

// conns are the credentials of a shard's connections.
func (s *Server) conns(sh *shard) conns {
	c := s.config.Credentials
	if c == nil {
		c = insecure.NewCredentials()
	}
	return conns{c, sh, s.handshakeFailed}
}

// handshakeFailed counts and logs a connection without a handshake, of one peer a
// line a second at most. One that says nothing at all is a probe of the port.
func (s *Server) handshakeFailed(conn net.Conn, err error) {
	if errors.Is(err, io.EOF) {
		return
	}
	s.config.Metrics.handshakes.Inc()
	from := conn.RemoteAddr().String()
	if before, ok := s.quiet.ask(hostOf(from), time.Now()); ok {
		s.config.Log.Info("a TLS handshake failed", "peer", from, "err", err, "not_logged_before", before)
	}
}

// bare is a stream's context with the peer as its credentials made it.
func bare(ctx context.Context) context.Context {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ctx
	}
	plain := *p
	if info, ok := p.AuthInfo.(connInfo); ok {
		plain.AuthInfo = info.AuthInfo
	}
	return peer.NewContext(ctx, &plain)
}

// closeConn closes the connection of a stream's context.
func closeConn(ctx context.Context) {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(connInfo); ok {
			info.conn.Close() //nolint:errcheck // it is beyond repair
		}
	}
}
