package ztunnel

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
)

// HBONE is the ztunnel of a client: it opens HTTP/2 CONNECT streams to a waypoint,
// or to a pod, over mutual TLS, and shares connections among them.
type HBONE struct {
	// Credential is the client's.
	Credential Credential
	// Peer is the IP:PORT that ends the tunnel: PORT is 15008 in a mesh.
	Peer string
	// Expect is the identity that the peer must show; "" is any that is trusted.
	Expect string
	// Source is the client's IP, "" for what the machine chooses.
	Source string

	transport *http.Transport
	dialled   atomic.Int64
}

// Open makes it ready; Close ends what it opened. No connection is made yet.
func (h *HBONE) Open() *HBONE {
	h.transport = &http.Transport{DialTLSContext: h.handshake, Protocols: new(http.Protocols), DisableCompression: true}
	h.transport.Protocols.SetHTTP2(true)
	return h
}

// Renew makes the next tunnel shake hands again; what is open stays.
func (h *HBONE) Renew() { h.transport.CloseIdleConnections() }

// Close is Renew: tunnels end with their own Close.
func (h *HBONE) Close() { h.Renew() }

// Dialled is how many TLS connections were opened.
func (h *HBONE) Dialled() int { return int(h.dialled.Load()) }

func (h *HBONE) handshake(ctx context.Context, network, address string) (net.Conn, error) {
	d := tls.Dialer{NetDialer: new(net.Dialer), Config: h.Credential.client(h.Expect)}
	if h.Source != "" {
		d.NetDialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(h.Source)}
	}
	conn, err := d.DialContext(ctx, network, address)
	if err == nil {
		h.dialled.Add(1)
	}
	return conn, err
}

// Refused says that the peer answered CONNECT, and did not open the tunnel.
type Refused struct {
	Authority string
	Status    int
}

func (r *Refused) Error() string { return fmt.Sprintf("CONNECT %s: status %d", r.Authority, r.Status) }

// DialContext opens a tunnel to an authority, VIP:PORT or HOST:PORT, for
// http.Transport. A *Refused is the peer's own no.
func (h *HBONE) DialContext(ctx context.Context, _, authority string) (net.Conn, error) {
	// The stream outlives ctx, which is about the dialling.
	whole, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	fromUs, toPeer := io.Pipe()
	req := (&http.Request{
		Method: http.MethodConnect, URL: &url.URL{Scheme: "https", Host: h.Peer}, Host: authority,
		Header: http.Header{}, Body: fromUs, ContentLength: -1,
	}).WithContext(whole)
	resp, err := h.transport.RoundTrip(req)
	if err == nil && !stop() {
		resp.Body.Close()
		err = ctx.Err()
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		err = &Refused{authority, resp.StatusCode}
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return &tunnel{body: resp.Body, up: toPeer, cancel: cancel, authority: authority, peer: h.Peer}, nil
}
