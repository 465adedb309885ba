package controlplane

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener with one connection.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestIdleConnectionsAreClosed: who asked once cannot hold a connection for ever.
func TestIdleConnectionsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l := pipes{make(chan net.Conn, 1), make(chan struct{})}
		ended := make(chan error, 1)
		go func() { ended <- serveHTTP(ctx, l, http.NotFoundHandler())() }()
		ours, theirs := net.Pipe()
		l.conns <- theirs
		if _, err := ours.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		read := bufio.NewReader(ours)
		answer, err := http.ReadResponse(read, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		began := time.Now()
		if err := ours.SetReadDeadline(began.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = read.ReadByte()
		}
		if got := time.Since(began); got != idleTime {
			t.Errorf("closed after %v: %v", got, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
