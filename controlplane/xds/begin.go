package xds

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coastwise/coastwise/translate/model"
)

// begin is the first interceptor of every stream: it wants a place for its
// connection and a turn for itself.
func (s *Server) begin(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx := stream.Context()
	if c := seatOf(ctx); c != nil && !c.sit() {
		return s.refuse(ctx, connectionsFull, status.Errorf(codes.ResourceExhausted,
			"this server has its %d connections: come back later, or to another replica", s.gate.most))
	}
	if err := s.pace(ctx); err != nil {
		return err
	}
	return next(srv, stream)
}

// pace waits until one more stream may begin, if that is soon.
func (s *Server) pace(ctx context.Context) error {
	turn := s.begins.Reserve()
	wait := turn.Delay()
	if wait == 0 && turn.OK() {
		return nil
	}
	if !turn.OK() || wait > s.config.Limits.StreamWait {
		turn.Cancel()
		return s.refuse(ctx, streamRate, status.Errorf(codes.ResourceExhausted,
			"more than %d streams begin in a second: come back later, or to another replica", s.config.Limits.StreamsPerSecond))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		turn.Cancel()
		return status.FromContextError(ctx.Err()).Err()
	case <-shardOf(ctx).going():
		return s.refuse(ctx, stopping, status.Error(codes.Unavailable, "the server is stopping"))
	}
}

// share counts a stream's connection among those of its client, until leave is
// called. A client that is not verified has no name to count by: many Envoys of
// one host are honest, and so are all behind one address.
func (s *Server) share(ctx context.Context, v *Verified, kind model.Kind) (leave func(), err error) {
	c := seatOf(ctx)
	if v == nil || c == nil {
		return func() {}, nil
	}
	client, most := v.Namespace+"/"+v.Pod, s.config.Limits.ConnectionsPerPod
	if v.Pod == "" {
		client, most = v.Namespace+"/"+v.ServiceAccount+"@"+hostOf(peerAddress(ctx)), s.config.Limits.ConnectionsShared
	}
	if kind == model.GRPC {
		most = s.config.Limits.ConnectionsShared
	}
	if !s.gate.share(client, c, most) {
		return nil, status.Errorf(codes.ResourceExhausted, "%s has streams on %d connections, the most that it may have", client, most)
	}
	return func() { s.gate.unshare(client, c) }, nil
}
