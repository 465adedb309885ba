package observe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coastwise/coastwise/e2e/authority"
	"github.com/coastwise/coastwise/e2e/loopback"
	"github.com/coastwise/coastwise/e2e/nameserver"
)

// perZone is how many backends a zone has.
const perZone = 5

// Lab is the backends, which all worlds share. A request says in its headers how
// the backends are to treat it, and every answer says who gave it, on which
// connection.
type Lab struct {
	block *loopback.Block
	ports loopback.Ports
	// secured is the port of the backends that speak TLS.
	secured int
	ca      *authority.Authority
	// names is the DNS of every Envoy; it knows a.test and b.test, of the first two
	// zones, and two.test, which is both.
	names *nameserver.Server

	mu          sync.Mutex
	connections map[string]*watched
	closers     []func()
}

// Headers of requests: what a backend does, as IP=VALUE with commas between; the
// IP * is every backend.
const (
	statusHeader = "X-Answer-Status"
	waitHeader   = "X-Answer-Wait"
)

// Headers of answers.
const (
	endpointHeader   = "X-Endpoint"
	zoneHeader       = "X-Zone"
	connectionHeader = "X-Connection"
	protoHeader      = "X-Proto"
	sniHeader        = "X-Sni"
	peerHeader       = "X-Peer"
	beginHeader      = "X-Begin"
)

// NewLab starts all backends.
func NewLab() (*Lab, error) {
	block, err := loopback.Claim()
	if err != nil {
		return nil, err
	}
	l := &Lab{block: block, connections: map[string]*watched{}}
	l.closers = append(l.closers, block.Release)
	if l.ca, err = authority.New("observed CA"); err != nil {
		return l, err
	}
	addresses := []string{l.address(special(Dead)), l.address(special(Silent)), l.address(special(Mute))}
	for zone := range zones {
		for n := range perZone {
			addresses = append(addresses, l.address(at(zone, n)))
		}
	}
	for n := range 20 {
		addresses = append(addresses, block.Address(1, n))
	}
	if l.ports, err = loopback.FreePorts(addresses); err != nil {
		return l, err
	}
	l.secured = l.ports.Backend + 1
	if l.names, err = nameserver.Start(block.Address(1, 201)); err != nil {
		return l, err
	}
	l.closers = append(l.closers, l.names.Close)
	first, second := l.address(at(0, 0)), l.address(at(1, 0))
	for name, addresses := range map[string][]string{"a.test": {first}, "b.test": {second}, "two.test": {first, second}} {
		if err := l.names.Set(name, addresses...); err != nil {
			return l, err
		}
	}
	return l, l.start()
}

func (l *Lab) start() error {
	pair, err := tls.X509KeyPair(l.ca.Issue("shop.example", "web.example"))
	if err != nil {
		return err
	}
	for zone := range zones {
		for n := range perZone {
			ip := l.address(at(zone, n))
			for _, err := range []error{
				l.serve(ip, l.ports.Backend, zones[zone].Zone, nil),
				l.serve(ip, l.secured, zones[zone].Zone, &tls.Config{
					Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}, ClientAuth: tls.RequestClientCert,
				}),
			} {
				if err != nil {
					return err
				}
			}
		}
	}
	if err := l.silent(); err != nil {
		return err
	}
	// Without IPv6 the observation that needs it fails, and says so.
	_ = l.serve("::1", l.ports.Backend, "ipv6", nil)
	return l.mute()
}

// Close ends all backends.
func (l *Lab) Close() {
	for i := len(l.closers) - 1; i >= 0; i-- {
		l.closers[i]()
	}
}

// address is the IP of an endpoint.
func (l *Lab) address(e Endpoint) string {
	switch e.Special {
	case Dead:
		return l.block.Address(9, 1)
	case Silent:
		return l.block.Address(9, 2)
	case Mute:
		return l.block.Address(9, 3)
	case IPv6:
		return "::1"
	case FQDN:
		return "localhost.localdomain"
	}
	return l.block.Address(2+e.Zone, 1+e.N)
}

// serve starts one backend that speaks HTTP/1 and HTTP/2.
func (l *Lab) serve(ip string, port int, zone string, secured *tls.Config) error {
	bare, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	listener := net.Listener(&watching{Listener: bare, lab: l, encrypted: secured != nil})
	if secured != nil {
		listener = tls.NewListener(listener, secured)
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Protocols: protocols, Handler: l.handler(ip, zone),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if t, ok := c.(*tls.Conn); ok {
				c = t.NetConn()
			}
			return context.WithValue(ctx, connectionKey{}, c)
		},
	}
	go func() { _ = server.Serve(listener) }()
	l.closers = append(l.closers, func() { server.Close() })
	return nil
}

type connectionKey struct{}

func (l *Lab) handler(ip, zone string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			opened(w, r)
			return
		}
		h := w.Header()
		h.Set(endpointHeader, ip)
		h.Set(zoneHeader, zone)
		h.Set(protoHeader, r.Proto)
		if c, ok := r.Context().Value(connectionKey{}).(*watched); ok {
			h.Set(connectionHeader, c.id)
			h.Set(beginHeader, c.preamble())
		}
		if r.TLS != nil {
			h.Set(sniHeader, r.TLS.ServerName)
			if len(r.TLS.PeerCertificates) > 0 {
				h.Set(peerHeader, r.TLS.PeerCertificates[0].Subject.CommonName)
			}
		}
		if d, err := time.ParseDuration(ordered(r, waitHeader, ip)); err == nil {
			select {
			case <-time.After(d):
			case <-r.Context().Done():
			}
		}
		if status, err := strconv.Atoi(ordered(r, statusHeader, ip)); err == nil {
			w.WriteHeader(status)
		}
		fmt.Fprintln(w, zone)
	})
}

// ordered is what a request orders of the backend with this IP.
func ordered(r *http.Request, header, ip string) string {
	for order := range strings.SplitSeq(r.Header.Get(header), ",") {
		if whom, what, ok := strings.Cut(order, "="); ok && (whom == ip || whom == "*") {
			return what
		}
	}
	return ""
}

// mute starts the backend that speaks HTTP/2 and never answers anything, not even
// pings.
func (l *Lab) mute() error {
	listener, err := net.Listen("tcp", net.JoinHostPort(l.address(special(Mute)), strconv.Itoa(l.ports.Backend)))
	if err != nil {
		return err
	}
	l.closers = append(l.closers, func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			_, _ = c.Write(emptySettings)
			go func() { // until Envoy closes it
				_, _ = discard.ReadFrom(c)
				c.Close()
			}()
		}
	}()
	return nil
}

// connection is one that a backend has, or had.
func (l *Lab) connection(id string) (*watched, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.connections[id]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("no backend has had the connection %q", id)
}
