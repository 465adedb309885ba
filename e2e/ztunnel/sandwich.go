package ztunnel

import (
	"context"
	"net"
	"net/netip"
)

// Sandwich is the ztunnel in front of a waypoint that listens for PROXY v2: it has
// ended HBONE, and passes on who the client is and where it wanted to go.
type Sandwich struct {
	// Waypoint is the IP:PORT of the listener.
	Waypoint string
	// Source is what the header calls the client.
	Source netip.AddrPort
	// Identity is the client's SPIFFE id.
	Identity string
}

// DialContext opens a connection to a service's VIP:PORT, for http.Transport.
func (s Sandwich) DialContext(ctx context.Context, _, destination string) (net.Conn, error) {
	header, err := s.Header(destination)
	if err != nil {
		return nil, err
	}
	return s.DialWith(ctx, header.Bytes())
}

// Header is what the waypoint is told about a connection to VIP:PORT.
func (s Sandwich) Header(destination string) (Header, error) {
	to, err := netip.ParseAddrPort(destination)
	return Header{Source: s.Source, Destination: to, Identity: s.Identity}, err
}

// DialWith opens a connection that begins with these bytes, a Lie for instance.
func (s Sandwich) DialWith(ctx context.Context, first []byte) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Waypoint)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(first); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
