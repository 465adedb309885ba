package ztunnel

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
)

// identityTLV is the type under which ztunnel writes the client's identity.
const identityTLV = 0xD0

// signature begins every PROXY v2 header.
var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// The second octets: version 2 with a command, and family with protocol.
const (
	versionLocal = 0x20
	versionProxy = 0x21
	tcp4         = 0x11
	udp4         = 0x12
	tcp6         = 0x21
)

// Header is what a ztunnel says about one connection, in PROXY v2.
type Header struct {
	Source, Destination netip.AddrPort
	// Identity is the client's SPIFFE id; "" leaves the TLV out.
	Identity string
}

// Bytes is the header on the wire. Both addresses are of one family.
func (h Header) Bytes() []byte {
	family := byte(tcp4)
	if h.Destination.Addr().Is6() {
		family = tcp6
	}
	return framed(versionProxy, family, h.body())
}

// body is the addresses and the TLV.
func (h Header) body() []byte {
	body := slices.Concat(h.Source.Addr().AsSlice(), h.Destination.Addr().AsSlice())
	body = binary.BigEndian.AppendUint16(body, h.Source.Port())
	body = binary.BigEndian.AppendUint16(body, h.Destination.Port())
	if h.Identity == "" {
		return body
	}
	body = append(body, identityTLV)
	body = binary.BigEndian.AppendUint16(body, uint16(len(h.Identity)))
	return append(body, h.Identity...)
}

func framed(version, family byte, body []byte) []byte {
	out := append(slices.Clone(signature), version, family)
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)))
	return append(out, body...)
}

// Lie is a beginning of a connection that no ztunnel writes.
type Lie struct {
	Name  string
	Bytes []byte
	// Harmless says that Envoy reads it as if it were the truth.
	Harmless bool
}

// Lies are headers that are wrong, each in its own way, where h is the true one.
// nowhere is a destination that no service has, of the family of h.
func (h Header) Lies(nowhere netip.AddrPort) []Lie {
	whole, elsewhere := h.Bytes(), h
	elsewhere.Destination = nowhere
	overrun := slices.Clone(whole)
	binary.BigEndian.PutUint16(overrun[len(signature)+2:], uint16(len(h.body())-1))
	return []Lie{
		{Name: "garbage", Bytes: []byte("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n")},
		{Name: "zeroes", Bytes: make([]byte, 64)},
		{Name: "version 1", Bytes: fmt.Appendf(nil, "PROXY TCP4 %s %s %d %d\r\n", h.Source.Addr(), nowhere.Addr(), h.Source.Port(), nowhere.Port())},
		{Name: "version 3", Bytes: framed(0x31, tcp4, h.body())},
		{Name: "LOCAL", Bytes: framed(versionLocal, tcp4, h.body())},
		{Name: "no family", Bytes: framed(versionProxy, 0, h.body())},
		{Name: "UDP", Bytes: framed(versionProxy, udp4, h.body()), Harmless: true},
		{Name: "addresses of the wrong length", Bytes: framed(versionProxy, tcp6, h.body()[:12])},
		{Name: "a TLV past the end", Bytes: overrun},
		{Name: "truncated", Bytes: whole[:len(whole)/2]},
		{Name: "no service's destination", Bytes: elsewhere.Bytes()},
	}
}
