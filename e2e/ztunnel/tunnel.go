package ztunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// tunnel is one CONNECT stream as a connection.
type tunnel struct {
	body            io.ReadCloser
	up              *io.PipeWriter
	cancel          context.CancelFunc
	authority, peer string

	mu    sync.Mutex
	timer *time.Timer
	late  bool
}

// Read implements net.Conn.
func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.body.Read(p)
	return n, t.explain(err)
}

// Write implements net.Conn.
func (t *tunnel) Write(p []byte) (int, error) {
	n, err := t.up.Write(p)
	return n, t.explain(err)
}

func (t *tunnel) explain(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && !errors.Is(err, io.EOF) && t.late {
		return os.ErrDeadlineExceeded
	}
	return err
}

// CloseWrite says that no more will come, as a TCP connection's does.
func (t *tunnel) CloseWrite() error { return t.up.Close() }

// Close implements net.Conn: it resets the stream unless both ends are done.
func (t *tunnel) Close() error {
	_ = t.SetDeadline(time.Time{})
	_ = t.up.Close()
	t.cancel()
	return t.body.Close()
}

// SetDeadline ends the stream for good when it passes, unlike a TCP connection's.
func (t *tunnel) SetDeadline(at time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	if !at.IsZero() {
		t.timer = time.AfterFunc(time.Until(at), t.expire)
	}
	return nil
}

func (t *tunnel) expire() {
	t.mu.Lock()
	t.late = true
	t.mu.Unlock()
	t.up.CloseWithError(os.ErrDeadlineExceeded)
	t.cancel()
}

// SetReadDeadline is SetDeadline.
func (t *tunnel) SetReadDeadline(at time.Time) error { return t.SetDeadline(at) }

// SetWriteDeadline is SetDeadline.
func (t *tunnel) SetWriteDeadline(at time.Time) error { return t.SetDeadline(at) }

// LocalAddr implements net.Conn.
func (t *tunnel) LocalAddr() net.Addr { return name("tunnel") }

// RemoteAddr is the authority that was asked for.
func (t *tunnel) RemoteAddr() net.Addr { return name(t.authority + " through " + t.peer) }

// name is the address of an end of a tunnel.
type name string

// Network implements net.Addr.
func (name) Network() string { return "hbone" }

func (n name) String() string { return string(n) }
