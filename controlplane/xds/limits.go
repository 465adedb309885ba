package xds

import (
	"runtime"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// ServerLimits bound what a connection can cost (reference/xds.md 8). All must
// be positive.
type ServerLimits struct {
	Stream Limits
	// Connections is how many connections the port takes. A tenth more are told so
	// on their streams; beyond that they are closed unread.
	Connections int
	// ConnectionsPerPod is how many connections a verified pod may have streams on
	// at a time; ConnectionsShared how many where several clients have one name by
	// right: gRPC clients, one connection for each target that they dial, and
	// credentials without a pod, by service account and host.
	ConnectionsPerPod, ConnectionsShared int
	// StreamsPerConnection is how many streams one connection may have at a time.
	StreamsPerConnection uint32
	// StreamsPerSecond is how many streams may begin in a second, all clients
	// together; as many may begin at once.
	StreamsPerSecond int
	// StreamWait is how long a new stream may wait for its turn.
	StreamWait time.Duration
	// RequestsPerSecond is how many requests a stream may send that answer no
	// response or change what it subscribes to; a request of n bytes counts as
	// 1 + n/64 KiB. RequestBurst may come at once.
	RequestsPerSecond, RequestBurst int
	// RequestWait is how long in a row a client may be above that, and read from
	// slowly for it, before its stream ends.
	RequestWait time.Duration
	// ReceiveBytes is the largest request, HeaderBytes the largest headers of a stream.
	ReceiveBytes int
	HeaderBytes  uint32
	// DebugBytes is the largest answer of the client status service.
	DebugBytes int
	// Handshake is how long a new connection may take until TLS and HTTP/2 are agreed.
	Handshake time.Duration
	// FirstRequest is how long a stream may stay without any request.
	FirstRequest time.Duration
	// SendTimeout is how long a client may not read before its connection is closed.
	SendTimeout time.Duration
	// ConnectionIdle is how long a connection may be without any stream.
	ConnectionIdle time.Duration
	// ConnectionAge is after how long a client is asked to connect anew (gRPC adds
	// a tenth of jitter), ConnectionGrace how long its streams may last then.
	ConnectionAge, ConnectionGrace time.Duration
}

// streamsPerCore is half of what the handshake and the first answers of a stream
// allow (reference/xds.md 8).
const streamsPerCore = 150

// DefaultServerLimits are those of reference/xds.md 8, for the cores of this machine.
func DefaultServerLimits() ServerLimits {
	return ServerLimits{
		Stream:               DefaultLimits(),
		Connections:          10_000,
		ConnectionsPerPod:    4,
		ConnectionsShared:    64,
		StreamsPerConnection: 16,
		StreamsPerSecond:     streamsPerCore * runtime.GOMAXPROCS(0),
		StreamWait:           time.Second,
		RequestsPerSecond:    100,
		RequestBurst:         1000,
		RequestWait:          time.Minute,
		ReceiveBytes:         8 << 20,
		HeaderBytes:          16 << 10,
		DebugBytes:           32 << 20,
		Handshake:            10 * time.Second,
		FirstRequest:         30 * time.Second,
		SendTimeout:          30 * time.Second,
		ConnectionIdle:       time.Minute,
		ConnectionAge:        45 * time.Minute,
		ConnectionGrace:      2 * time.Minute,
	}
}

// A connection that says nothing is asked after pingEvery whether it is alive, and
// closed if it does not answer for pingTimeout; one that asks us more often than
// pingLeast is closed.
const (
	pingEvery   = 30 * time.Second
	pingTimeout = 10 * time.Second
	pingLeast   = 15 * time.Second
)

// readBuffer is what a connection holds for what it may be sent, in bytes: requests
// are small, and of an idle connection it is most of the cost (gRPC's default is 32 KB).
const readBuffer = 4 << 10

// options are the limits that gRPC keeps, and the interceptors: the first keeps our
// limits, so that nobody is asked who a stream's client is before it may begin; the
// second lets in who may call the method. Nothing of the stream has been read then.
func (s *Server) options() []grpc.ServerOption {
	l := s.config.Limits
	return []grpc.ServerOption{
		grpc.ConnectionTimeout(l.Handshake),
		grpc.MaxConcurrentStreams(l.StreamsPerConnection),
		grpc.MaxRecvMsgSize(l.ReceiveBytes),
		grpc.MaxHeaderListSize(l.HeaderBytes),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: pingEvery, Timeout: pingTimeout, MaxConnectionIdle: l.ConnectionIdle,
			MaxConnectionAge: l.ConnectionAge, MaxConnectionAgeGrace: l.ConnectionGrace,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingLeast, PermitWithoutStream: true}),
		grpc.ReadBufferSize(readBuffer),
		grpc.ChainUnaryInterceptor(s.guardUnary),
		grpc.ChainStreamInterceptor(s.begin, s.guardStream),
	}
}
