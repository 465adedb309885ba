package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// serverSubject is what troubles with the server as a whole are noted under.
const serverSubject = "/readyz"

// dialTimeout bounds one attempt to connect.
const dialTimeout = 3 * time.Second

// link is the way to one API server: its connections, and whether it is there.
type link struct {
	config   *rest.Config
	http     *http.Client
	base     *http.Transport
	troubles *troubles
	times    Times
	turn     chan struct{} // held by the one who tries a refused connection again
	ended    chan struct{} // closed when no connection is wanted any more

	absences atomic.Uint64 // how often the server was found not to be there
}

// newLink takes a copy of the way that config describes. The transport is our own:
// client-go's finds out only after 45 s that a connection leads nowhere, waits
// for longer and longer where one is refused, and is shared by all of a process.
func newLink(config *rest.Config, times Times, tr *troubles) (*link, error) {
	l := &link{troubles: tr, times: times, turn: make(chan struct{}, 1), ended: make(chan struct{})}
	l.config = rest.CopyConfig(config)
	l.config.QPS = -1 // resources pace themselves
	l.config.WarningHandler = rest.NoWarnings{}
	l.config.UserAgent = "coastwise"
	way, err := l.config.TransportConfig()
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	secure, err := transport.TLSConfigFor(way)
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	l.base = &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: l.dial, TLSClientConfig: secure, TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 25, IdleConnTimeout: 90 * time.Second,
		ForceAttemptHTTP2: true, HTTP2: &http.HTTP2Config{SendPingTimeout: times.Silence, PingTimeout: times.Silence / 3},
	}
	if way.Proxy != nil {
		l.base.Proxy = way.Proxy
	}
	asking, err := transport.HTTPWrappersForConfig(way, l.base)
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	l.http = &http.Client{Transport: asking, Timeout: l.config.Timeout}
	return l, nil
}

// client is for one API group. Built-in kinds come as protobuf.
func (l *link) client(gv schema.GroupVersion) (*rest.RESTClient, error) {
	c := rest.CopyConfig(l.config)
	c.GroupVersion, c.APIPath = &gv, "/apis"
	if gv.Group == "" {
		c.APIPath = "/api"
	}
	c.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	c.ContentType = runtime.ContentTypeProtobuf
	c.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return rest.RESTClientForConfigAndClient(c, l.http)
}

// close ends all attempts at a connection, and those that nobody uses any more.
func (l *link) close() {
	close(l.ended)
	l.base.CloseIdleConnections()
}

// dial connects, and where nobody listens tries again, one for all, until the
// caller or the link ends: client-go itself would wait for longer and longer.
func (l *link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.attempt(ctx, network, address)
	if !refused(err) {
		return conn, err
	}
	if held := l.take(ctx, l.turn); !held {
		return nil, err
	}
	defer func() { <-l.turn }()
	for refused(err) {
		if l.pause(ctx) {
			return nil, err
		}
		conn, err = l.attempt(ctx, network, address)
	}
	return conn, err
}

func refused(err error) bool { return err != nil && utilnet.IsConnectionRefused(err) }

func (l *link) take(ctx context.Context, turn chan<- struct{}) bool {
	select {
	case turn <- struct{}{}:
		return true
	case <-ctx.Done():
	case <-l.ended:
	}
	return false
}

// pause waits before the next attempt; true if nobody wants one.
func (l *link) pause(ctx context.Context) bool {
	timer := time.NewTimer(l.times.Redial)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-ctx.Done():
	case <-l.ended:
	}
	return true
}

func (l *link) attempt(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{
		Timeout:         dialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: l.times.Silence, Interval: l.times.Silence / 3, Count: 3},
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil && ctx.Err() == nil {
		l.absent(err)
	}
	return conn, err
}

// absent notes that the server is not there, for whoever has no other error to show.
func (l *link) absent(err error) {
	l.absences.Add(1)
	l.troubles.note(serverSubject, err)
}

// well asks the API server whether it is well. Whoever may not ask is told so by a
// server that is.
func (l *link) well(ctx context.Context, c *rest.RESTClient, timeout time.Duration) bool {
	asking, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var status int
	answer := c.Get().AbsPath("/readyz").MaxRetries(0).Do(asking)
	body, err := answer.StatusCode(&status).Raw()
	if ctx.Err() != nil {
		return false
	}
	switch {
	case status != 0 && status < http.StatusInternalServerError:
		l.troubles.note(serverSubject, nil)
		return true
	case errors.Is(err, context.DeadlineExceeded) && l.troubles.of(serverSubject) != "":
		l.absences.Add(1) // the dialer knows why
	case status != 0:
		l.absent(fmt.Errorf("HTTP %d: %s", status, failing(string(body))))
	default:
		l.absent(err)
	}
	return false
}

// failing are the checks of a /readyz that are not passed, by name.
func failing(body string) string {
	var names []string
	for line := range strings.Lines(body) {
		if name, ok := strings.CutPrefix(line, "[-]"); ok {
			name, _, _ = strings.Cut(name, " ")
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "not well"
	}
	return strings.Join(names, ", ")
}
