package conformance

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	pb "sigs.k8s.io/gateway-api/conformance/echo-basic/grpcechoserver"
)

// grpcEcho is echo for gRPC. EchoThree is not served, on purpose: the suite wants one
// such method.
type grpcEcho struct {
	pb.UnimplementedGrpcEchoServer
	namespace, pod string
}

func newGRPCEcho(namespace, pod string) *grpc.Server {
	s := grpc.NewServer()
	pb.RegisterGrpcEchoServer(s, grpcEcho{namespace: namespace, pod: pod})
	return s
}

// Echo answers with the method, the metadata and who answers.
func (e grpcEcho) Echo(ctx context.Context, _ *pb.EchoRequest) (*pb.EchoResponse, error) {
	return e.answer(ctx, pb.GrpcEcho_Echo_FullMethodName), nil
}

// EchoTwo is Echo by another name.
func (e grpcEcho) EchoTwo(ctx context.Context, _ *pb.EchoRequest) (*pb.EchoResponse, error) {
	return e.answer(ctx, pb.GrpcEcho_EchoTwo_FullMethodName), nil
}

func (e grpcEcho) answer(ctx context.Context, method string) *pb.EchoResponse {
	a := &pb.Assertions{FullyQualifiedMethod: method, Context: &pb.Context{Namespace: e.namespace, Pod: e.pod}}
	md, _ := metadata.FromIncomingContext(ctx)
	for key, values := range md {
		for _, v := range values {
			a.Headers = append(a.Headers, &pb.Header{Key: key, Value: v})
			if key == ":authority" {
				a.Authority = v
			}
		}
	}
	return &pb.EchoResponse{Assertions: a}
}
