package xds

import (
	"context"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// conns keeps each connection, and its shard, with its streams' peer: a client that does not
// read can only be got rid of by closing it, since gRPC queues the end of a
// stream behind the data that is not read.
type conns struct {
	credentials.TransportCredentials
	shard *shard
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
		return nil, nil, err // gRPC logs it as it is
	}
	s, _ := raw.(*seat)
	return conn, connInfo{AuthInfo: info, conn: conn, shard: c.shard, seat: s}, nil
}

// Clone copies the credentials inside.
func (c conns) Clone() credentials.TransportCredentials {
	return conns{c.TransportCredentials.Clone(), c.shard}
}

// closeConn closes the connection of a stream's context.
func closeConn(ctx context.Context) {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(connInfo); ok {
			info.conn.Close() //nolint:errcheck // it is beyond repair
		}
	}
}
