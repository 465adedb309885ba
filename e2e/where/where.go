package where

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	service = "coastwise.e2e.Where"
	// Method takes a google.protobuf.Empty and returns a google.protobuf.StringValue:
	// the endpoint's ADDRESS:PORT, a blank, and its zone.
	Method = "/" + service + "/Where"
)

// Register adds the method to a server that is an endpoint at an address, in a zone.
func Register(s *grpc.Server, address, zone string) {
	answer := func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		if err := decode(new(emptypb.Empty)); err != nil {
			return nil, err
		}
		return wrapperspb.String(address + " " + zone), nil
	}
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: service, HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Where", Handler: answer}},
	}, struct{}{})
}

// Ask asks once.
func Ask(ctx context.Context, conn grpc.ClientConnInterface, options ...grpc.CallOption) (address, zone string, err error) {
	out := new(wrapperspb.StringValue)
	if err := conn.Invoke(ctx, Method, new(emptypb.Empty), out, options...); err != nil {
		return "", "", err
	}
	address, zone, ok := strings.Cut(out.GetValue(), " ")
	if !ok {
		return "", "", fmt.Errorf("%s answered %q", Method, out.GetValue())
	}
	return address, zone, nil
}
