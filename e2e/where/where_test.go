package where

import (
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func TestAsk(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	Register(s, "127.1.1.1:80", "eu/eu 1")
	go s.Serve(l) //nolint:errcheck // Stop ends it
	defer s.Stop()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	address, zone, err := Ask(t.Context(), conn)
	if err != nil || address != "127.1.1.1:80" || zone != "eu/eu 1" {
		t.Errorf("%q %q %v", address, zone, err)
	}
}
