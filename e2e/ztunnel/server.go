package ztunnel

import (
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is the ztunnel in front of one pod.
type Server struct {
	// Address is podIP:15008.
	Address string
	// Credential is the pod's: its certificate is what a client sees.
	Credential Credential
	// Services are the local addresses of the HOST:PORT or VIP:PORT of services. What
	// names the pod's own IP needs no entry; all else is answered 404.
	Services map[string]string
	// Deny are identities of clients that are answered 401; of ztunnel's policies no more.
	Deny map[string]bool

	http *http.Server
	mu   sync.Mutex
	seen Seen
}

// Seen counts what came to a Server.
type Seen struct {
	// Connections are TLS connections that sent something after the handshake.
	Connections int
	// Streams, by the authority asked for, and Peers, by the client's identity, count
	// CONNECT requests; Refused those that opened no tunnel.
	Streams, Peers map[string]int
	Refused        int
}

// Listen begins to serve; Close ends it. It may be called again after that, and goes
// on counting.
func (s *Server) Listen() error {
	l, err := net.Listen("tcp", s.Address)
	if err != nil {
		return err
	}
	s.http = &http.Server{
		Handler: s, TLSConfig: s.Credential.server(), Protocols: new(http.Protocols), ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: log.New(io.Discard, "", 0), ConnState: s.connection,
	}
	s.http.Protocols.SetHTTP2(true)
	go s.http.ServeTLS(l, "", "") //nolint:errcheck // Close ends it
	return nil
}

// Close ends it and every tunnel, as its death would.
func (s *Server) Close() { s.http.Close() }

// Seen is what came so far.
func (s *Server) Seen() Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Seen{s.seen.Connections, maps.Clone(s.seen.Streams), maps.Clone(s.seen.Peers), s.seen.Refused}
}

func (s *Server) connection(_ net.Conn, state http.ConnState) {
	if state == http.StateActive {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen.Connections++
	}
}

func (s *Server) count(authority, peer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen.Streams == nil {
		s.seen.Streams, s.seen.Peers = map[string]int{}, map[string]int{}
	}
	s.seen.Streams[authority]++
	s.seen.Peers[peer]++
}

func (s *Server) refuse(w http.ResponseWriter, status int) {
	s.mu.Lock()
	s.seen.Refused++
	s.mu.Unlock()
	w.WriteHeader(status)
}

// ServeHTTP answers one CONNECT.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	peer := identities(r.TLS.PeerCertificates[0])[0]
	s.count(r.Host, peer)
	to, known := s.local(r.Host)
	switch {
	case r.Method != http.MethodConnect:
		s.refuse(w, http.StatusMethodNotAllowed)
		return
	case s.Deny[peer]:
		s.refuse(w, http.StatusUnauthorized)
		return
	case !known:
		s.refuse(w, http.StatusNotFound)
		return
	}
	app, err := net.DialTimeout("tcp", to, 5*time.Second)
	if err != nil {
		s.refuse(w, http.StatusServiceUnavailable)
		return
	}
	defer app.Close()
	carry(w, r, app.(*net.TCPConn))
}

// local is where an authority leads to inside the pod.
func (s *Server) local(authority string) (string, bool) {
	if to, ok := s.Services[authority]; ok {
		return to, true
	}
	host, _, err := net.SplitHostPort(authority)
	pod, _, _ := net.SplitHostPort(s.Address)
	return authority, err == nil && host == pod
}

// carry passes bytes both ways until the application is done, or either side is gone:
// what broke off there breaks off here.
func carry(w http.ResponseWriter, r *http.Request, app *net.TCPConn) {
	out := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	if out.Flush() != nil {
		return
	}
	go func() {
		if _, err := io.Copy(app, r.Body); err != nil {
			app.Close()
			return
		}
		_ = app.CloseWrite()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := app.Read(buffer)
		if _, failed := w.Write(buffer[:n]); failed != nil || out.Flush() != nil {
			return
		}
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			panic(http.ErrAbortHandler)
		}
	}
}
