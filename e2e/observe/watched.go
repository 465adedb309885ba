package observe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
)

// discard reads what nobody wants.
var discard = io.Discard.(io.ReaderFrom)

// watching gives every connection an id and looks at what arrives on it.
type watching struct {
	net.Listener
	lab       *Lab
	encrypted bool
}

func (w *watching) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l := w.lab
	l.mu.Lock()
	defer l.mu.Unlock()
	out := &watched{Conn: c, id: fmt.Sprintf("connection-%d", len(l.connections)), encrypted: w.encrypted}
	l.connections[out.id] = out
	return out, nil
}

// watched is a connection that notes how it begins, its PROXY header, the HTTP/2
// pings that arrive on it, and its end. A PROXY header is taken off.
type watched struct {
	net.Conn
	id        string
	encrypted bool
	// rest was read and not yet given to the server.
	rest []byte
	// begun says that something has arrived.
	begun bool

	mu     sync.Mutex
	proxy  string
	frames frames
	pings  int
	ended  bool
}

// The two PROXY headers.
const (
	proxyV1 = "PROXY "
	proxyV2 = "\r\n\r\n\x00\r\nQUIT\n"
)

// Read notes what arrives, and gives the server all but a PROXY header. The server
// asks for a few bytes at first, and Envoy writes that header by itself before
// anything else: so the first read is as large as it may be.
func (w *watched) Read(b []byte) (int, error) {
	for len(w.rest) == 0 {
		into := b
		if !w.begun {
			into = make([]byte, 1<<12)
		}
		n, err := w.Conn.Read(into)
		// The server itself breaks off reads, by a deadline, between requests.
		w.rest = w.note(into[:n], err != nil && !errors.Is(err, os.ErrDeadlineExceeded))
		if err != nil {
			return w.give(b), err
		}
	}
	return w.give(b), nil
}

func (w *watched) give(b []byte) int {
	n := copy(b, w.rest)
	w.rest = w.rest[n:]
	return n
}

// note gives what is left of data without a PROXY header.
func (w *watched) note(data []byte, end bool) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = w.ended || end
	if !w.begun && len(data) > 0 {
		w.begun = true
		data, w.proxy = cutProxy(data)
	}
	w.pings += w.frames.pings(data)
	return data
}

// cutProxy takes a PROXY header off; version is "" where there is none.
func cutProxy(data []byte) (left []byte, version string) {
	switch {
	case bytes.HasPrefix(data, []byte(proxyV1)):
		_, left, _ = bytes.Cut(data, []byte("\r\n"))
		return left, "PROXY V1"
	case bytes.HasPrefix(data, []byte(proxyV2)) && len(data) >= 16:
		return data[min(len(data), 16+int(binary.BigEndian.Uint16(data[14:]))):], "PROXY V2"
	}
	return data, ""
}

// preamble is what came before everything else.
func (w *watched) preamble() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := []string{}
	if w.proxy != "" {
		said = append(said, w.proxy)
	}
	if w.encrypted {
		said = append(said, "TLS")
	}
	return strings.Join(append(said, "HTTP"), ", ")
}

func (w *watched) isOver() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}

func (w *watched) pinged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pings
}

const (
	preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHeader = 9
	framePing   = 6
	flagACK     = 1
)

// emptySettings is a SETTINGS frame that sets nothing.
var emptySettings = []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}

// frames follows an HTTP/2 connection from its first byte.
type frames struct {
	buffer []byte
	// started says that the preface was read, other that it is no HTTP/2.
	started, other bool
	// skip is how much of a payload is still to come.
	skip int
}

// pings counts the PING frames that data completes, answers to ours excepted.
func (f *frames) pings(data []byte) int {
	if f.other {
		return 0
	}
	f.buffer = append(f.buffer, data...)
	if !f.started {
		if len(f.buffer) < len(preface) && strings.HasPrefix(preface, string(f.buffer)) {
			return 0
		}
		if !bytes.HasPrefix(f.buffer, []byte(preface)) {
			f.other, f.buffer = true, nil
			return 0
		}
		f.started, f.buffer = true, f.buffer[len(preface):]
	}
	n := 0
	for {
		if take := min(f.skip, len(f.buffer)); take > 0 {
			f.buffer, f.skip = f.buffer[take:], f.skip-take
		}
		if len(f.buffer) < frameHeader {
			return n
		}
		h := f.buffer[:frameHeader]
		if h[3] == framePing && h[4]&flagACK == 0 {
			n++
		}
		f.skip = int(h[0])<<16 | int(h[1])<<8 | int(h[2])
		f.buffer = f.buffer[frameHeader:]
	}
}
