package xds

import (
	"context"
	"net"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// access is who may call a method; the zero access is nobody.
type access int

const (
	nobody access = iota
	anybody
	verified   // whoever proves who it is
	inspectors // verified, and allowed to read what others are sent
)

// The methods of CSDS, by which a client reads what others are sent.
const (
	streamClientStatus = "/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus"
	fetchClientStatus  = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus"
)

// accessTo is the list of what is served at all: a method that is registered and not
// on it is refused.
func accessTo(method string) access {
	switch method {
	case discoveryv3.AggregatedDiscoveryService_StreamAggregatedResources_FullMethodName,
		discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResources_FullMethodName:
		return verified
	case healthv1.Health_Check_FullMethodName, healthv1.Health_Watch_FullMethodName:
		return anybody // probes have no identity
	case streamClientStatus, fetchClientStatus:
		return inspectors
	}
	return nobody
}

// proofKey is where a stream's context keeps who opened it.
type proofKey struct{}

// proofOf is who opened a stream, nil if nobody is verified.
func proofOf(ctx context.Context) *Verified {
	proof, _ := ctx.Value(proofKey{}).(*Verified)
	return proof
}

// guardUnary lets a call through to its handler if the caller may make it. A call costs a
// question about who the caller is, as a stream does, and waits for the same turn.
func (s *Server) guardUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if accessTo(info.FullMethod) > anybody {
		if err := s.pace(ctx); err != nil {
			return nil, err
		}
	}
	ctx, err := s.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// guardStream does so for a stream.
func (s *Server) guardStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := s.admit(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return next(srv, guarded{stream, ctx})
}

// guarded is a stream whose context knows who opened it.
type guarded struct {
	grpc.ServerStream
	ctx context.Context
}

// Context is the stream's.
func (g guarded) Context() context.Context { return g.ctx }

// admit is the context that a handler gets, or the refusal. Nothing that the client
// sent in the call has been read.
func (s *Server) admit(ctx context.Context, method string) (context.Context, error) {
	needs := accessTo(method)
	switch needs {
	case nobody:
		return nil, s.refuse(ctx, noMethod, status.Error(codes.PermissionDenied, "this method is not served"))
	case anybody:
		return ctx, nil
	}
	if !s.config.Ready() { // who it is need not be asked
		return nil, s.refuse(ctx, notReady, status.Error(codes.Unavailable, "not ready: the sources are still being read"))
	}
	proof, err := s.verify(ctx)
	if err != nil {
		return nil, err
	}
	if needs == inspectors && !s.mayInspect(ctx, proof) {
		return nil, s.refuse(ctx, notAllowed, status.Error(codes.PermissionDenied, "only coastwise itself, or a client on its host where nobody is verified, may read what others are sent"))
	}
	return context.WithValue(ctx, proofKey{}, proof), nil
}

// verify is who opened a stream, nil where nobody is verified.
func (s *Server) verify(ctx context.Context) (*Verified, error) {
	if s.config.Verify == nil {
		return nil, nil
	}
	proof, err := s.config.Verify(bare(ctx))
	switch {
	case err == nil:
		return &proof, nil
	case status.Code(err) == codes.Unavailable:
		return nil, s.refuse(ctx, cannotTell, err)
	}
	return nil, s.refuse(ctx, unauthenticated, err)
}

// mayInspect is the authorization of CSDS. What does not come by TCP is of this host.
func (s *Server) mayInspect(ctx context.Context, proof *Verified) bool {
	if proof != nil {
		return s.config.Inspect != nil && s.config.Inspect(*proof)
	}
	p, ok := peer.FromContext(ctx)
	if !ok {
		return false
	}
	at, ok := p.Addr.(*net.TCPAddr)
	return !ok || at.IP.IsLoopback()
}
