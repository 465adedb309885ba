package kubefaults

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/coastwise/coastwise/e2e/loopback"
)

// Way is a TCP proxy before an API server. A new one refuses connections.
type Way struct {
	address, target string

	mu       sync.Mutex
	changed  *sync.Cond
	silent   bool
	ended    bool
	listener net.Listener
	conns    map[net.Conn]bool
}

// NewWay is a Way to an API server, https://HOST:PORT, until the test's end.
func NewWay(t testing.TB, server string) *Way {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	block, err := loopback.Claim()
	if err != nil {
		t.Fatal(err)
	}
	w := &Way{address: block.Address(1, 1) + ":6443", target: u.Host, conns: map[net.Conn]bool{}}
	w.changed = sync.NewCond(&w.mu)
	t.Cleanup(func() {
		w.Cut()
		block.Release()
	})
	return w
}

// Kubeconfig writes a kubeconfig like another one that leads over the Way, and returns
// its path. The server is still known by the name in its certificate.
func (w *Way) Kubeconfig(t testing.TB, like string) string {
	t.Helper()
	k, err := clientcmd.LoadFromFile(like)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range k.Clusters {
		c.Server, c.TLSServerName = "https://"+w.address, "kubernetes"
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*k, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Open lets all pass, and connections that were hushed go on.
func (w *Way) Open(t testing.TB) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = false
	w.changed.Broadcast()
	if w.listener != nil {
		return
	}
	l, err := net.Listen("tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	w.listener, w.ended = l, false
	go w.accept(l)
}

// Hush swallows everything: connections stay and are made, and nothing comes through,
// not even their end.
func (w *Way) Hush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = true
}

// Cut ends all connections and refuses new ones.
func (w *Way) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.listener != nil {
		_ = w.listener.Close()
		w.listener = nil
	}
	for c := range w.conns {
		_ = c.Close()
	}
	clear(w.conns)
	w.changed.Broadcast()
}

func (w *Way) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go w.serve(c)
	}
}

func (w *Way) serve(near net.Conn) {
	if !w.hold(near) {
		return
	}
	defer w.drop(near)
	w.pass()
	far, err := net.Dial("tcp", w.target)
	if err != nil || !w.hold(far) {
		return
	}
	defer w.drop(far)
	var wg sync.WaitGroup
	wg.Go(func() { w.copy(far, near) })
	wg.Go(func() { w.copy(near, far) })
	wg.Wait()
}

// copy moves bytes until one side ends, and then ends the other.
func (w *Way) copy(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		w.pass()
		if n > 0 {
			if _, werr := to.Write(buffer[:n]); werr != nil {
				err = fmt.Errorf("writing: %w", werr)
			}
		}
		if err != nil {
			w.drop(from)
			w.drop(to)
			return
		}
	}
}

// pass waits while the Way is silent.
func (w *Way) pass() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.silent && !w.ended {
		w.changed.Wait()
	}
}

// hold notes a connection that Cut is to end; false if it came too late.
func (w *Way) hold(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		_ = c.Close()
		return false
	}
	w.conns[c] = true
	return true
}

func (w *Way) drop(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
	_ = c.Close()
}
