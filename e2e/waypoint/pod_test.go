package waypoint

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/backend"
	"github.com/coastwise/coastwise/e2e/ztunnel"
)

// The ports of every pod.
const (
	httpPort  = 8080
	tcpPort   = 9000
	hbonePort = 15008
)

// account is the service account of all pods.
const account = "app"

// pod is one endpoint of every service that names it.
type pod struct {
	name, ip string
	zone     place

	http *http.Server
	tcp  net.Listener
	// ztunnel is nil in a mesh without HBONE.
	ztunnel *ztunnel.Server

	// bypassed counts what came to the application from elsewhere than the ztunnel.
	bypassed atomic.Int32

	mu    sync.Mutex
	conns map[net.Conn]bool
	// asked counts the requests that came to the application, by their nameHeader.
	asked map[string]int
}

// place is where pods and clients are.
type place struct{ region, zone string }

// String is what --locality takes.
func (p place) String() string { return p.region + "/" + p.zone }

var places = []place{{"eu", "eu-1"}, {"eu", "eu-2"}, {"us", "us-1"}}

// start lets the pod answer; credential is that of its ztunnel, "" for none.
func (p *pod) start(t *testing.T, credential ztunnel.Credential, services map[string]string) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", p.ip, httpPort))
	if err != nil {
		t.Fatal(err)
	}
	p.http = &http.Server{Handler: p.application(backend.Handler(l.Addr().String(), p.zone.zone)), ReadHeaderTimeout: patience, ConnState: p.came}
	go p.http.Serve(l)
	if p.tcp, err = net.Listen("tcp", fmt.Sprintf("%s:%d", p.ip, tcpPort)); err != nil {
		t.Fatal(err)
	}
	p.conns, p.asked = map[net.Conn]bool{}, map[string]int{}
	go p.accept(p.tcp)
	t.Cleanup(p.die)
	if credential == "" {
		return
	}
	p.ztunnel = &ztunnel.Server{Address: fmt.Sprintf("%s:%d", p.ip, hbonePort), Credential: credential, Services: services}
	if err := p.ztunnel.Listen(); err != nil {
		t.Fatal(err)
	}
}

// came counts connections that did not come from the pod's own IP.
func (p *pod) came(conn net.Conn, state http.ConnState) {
	if from := conn.RemoteAddr().(*net.TCPAddr).IP.String(); state == http.StateNew && from != p.ip {
		p.bypassed.Add(1)
	}
}

// accept says IP:PORT of the pod on each connection, and then echoes.
func (p *pod) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		p.came(conn, http.StateNew)
		p.mu.Lock()
		p.conns[conn] = true
		p.mu.Unlock()
		go func() {
			defer p.forget(conn)
			fmt.Fprintln(conn, l.Addr())
			io.Copy(conn, conn)
		}()
	}
}

func (p *pod) forget(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	conn.Close()
}

// die ends the application and its ztunnel with all their connections.
func (p *pod) die() {
	if p.ztunnel != nil {
		p.ztunnel.Close()
	}
	p.crash()
}

// crash ends the application alone.
func (p *pod) crash() {
	p.http.Close()
	p.tcp.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		conn.Close()
	}
}

// soon is a deadline.
func soon() time.Time { return time.Now().Add(patience) }
