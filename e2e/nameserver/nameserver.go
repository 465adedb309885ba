package nameserver

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// The parts of a DNS message that are written or asked for (RFC 1035).
const (
	typeA       = 1
	answers     = 0x8180 // a response, recursion desired and available
	noSuchName  = 0x8183
	serverFails = 0x8182
	nameOfQuery = 0xc00c // a pointer to the question's name
	headerSize  = 12
)

// Server answers until it is closed.
type Server struct {
	conn *net.UDPConn
	done chan struct{}

	mu    sync.Mutex
	names map[string][]netip.Addr
	fails bool
}

// Start listens on a free port of an IP.
func Start(ip string) (*Server, error) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip)})
	if err != nil {
		return nil, fmt.Errorf("listening for DNS: %w", err)
	}
	s := &Server{conn: conn, done: make(chan struct{}), names: map[string][]netip.Addr{}}
	go s.serve()
	return s, nil
}

// Port is where it listens.
func (s *Server) Port() int { return s.conn.LocalAddr().(*net.UDPAddr).Port }

// Close ends it and waits for it.
func (s *Server) Close() {
	s.conn.Close()
	<-s.done
}

// Set gives a name its addresses, in lower case; none makes it one without any.
func (s *Server) Set(name string, addresses ...string) error {
	var ips []netip.Addr
	for _, a := range addresses {
		ip, err := netip.ParseAddr(a)
		if err != nil || !ip.Is4() {
			return fmt.Errorf("%q is no IPv4 address", a)
		}
		ips = append(ips, ip)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = ips
	return nil
}

// Fail makes every answer a failure, or ends that.
func (s *Server) Fail(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = on
}

func (s *Server) serve() {
	defer close(s.done)
	buffer := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return // closed
		}
		if out := s.answer(buffer[:n]); out != nil {
			_, _ = s.conn.WriteToUDPAddrPort(out, from) // a lost answer is asked for again
		}
	}
}

// answer is nil for what is no question.
func (s *Server) answer(query []byte) []byte {
	name, end := question(query)
	if end == 0 {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[end-4:])
	s.mu.Lock()
	addresses, known := s.names[strings.ToLower(name)]
	fails := s.fails
	s.mu.Unlock()
	flags := uint16(answers)
	switch {
	case fails:
		flags, addresses = serverFails, nil
	case !known:
		flags = noSuchName
	case kind != typeA:
		addresses = nil
	}
	out := append([]byte{}, query[:2]...)
	for _, v := range []uint16{flags, 1, uint16(len(addresses)), 0, 0} {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	out = append(out, query[headerSize:end]...)
	for _, ip := range addresses {
		for _, v := range []uint16{nameOfQuery, typeA, 1, 0, 0, 4} { // TTL 0: what Envoy does next is its own setting
			out = binary.BigEndian.AppendUint16(out, v)
		}
		out = append(out, ip.AsSlice()...)
	}
	return out
}

// question is the name of a query's question, and where the question ends; 0 if
// there is none that can be read.
func question(query []byte) (name string, end int) {
	var labels []string
	at := headerSize
	for {
		if at >= len(query) {
			return "", 0
		}
		n := int(query[at])
		at++
		if n == 0 {
			break
		}
		if n > 63 || at+n > len(query) {
			return "", 0
		}
		labels = append(labels, string(query[at:at+n]))
		at += n
	}
	if at+4 > len(query) {
		return "", 0
	}
	return strings.Join(labels, "."), at + 4
}
