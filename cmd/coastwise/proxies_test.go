package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/controlplane"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/model"
)

var began = time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC)

func someProxies() proxyList {
	return proxyList{
		{ProxyInfo: xds.ProxyInfo{ID: "default/a", Kind: "sidecar", Locality: "eu/eu-1", Connected: began, Peer: "10.0.0.1:7", Types: []xds.TypeInfo{
			{Synced: true, Bytes: 100}, {Synced: true, Bytes: 23},
		}}},
		{ProxyInfo: xds.ProxyInfo{ID: "default/b", Kind: "gateway", Connected: began, Peer: "10.0.0.2:7", SharedID: true, Types: []xds.TypeInfo{
			{Synced: true, Bytes: 1}, {Bytes: 1, Refused: 2},
		}, Problems: []model.Problem{
			{Object: model.ObjectRef{Kind: model.KindProxy, Namespace: "default", Name: "b"}, Field: "node.locality", Reason: model.Conflicted, Message: "the proxy claims\teu"},
			{Object: model.ObjectRef{Kind: "Gateway", Namespace: "default", Name: "g"}, Field: "spec.listeners[0].port", Reason: model.PortUnavailable, Message: "taken"},
		}}},
		{ProxyInfo: xds.ProxyInfo{ID: "default/\x1b[2J\t", Kind: "sidecar", Connected: began}},
	}
}

func TestProxyTable(t *testing.T) {
	want := `PROXY                KIND     LOCALITY  STATE    REFUSED  PROBLEMS  BYTES  CONNECTED             PEER        NOTE
default/a            sidecar  eu/eu-1   synced   0        0         123    2026-11-25T14:00:00Z  10.0.0.1:7
default/b            gateway  -         lagging  2        2         2      2026-11-25T14:00:00Z  10.0.0.2:7  two live streams have this id
"default/\x1b[2J\t"  sidecar  -         lagging  0        0         0      2026-11-25T14:00:00Z  -
`
	if diff := cmp.Diff(want, someProxies().table(true, false)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := someProxies().table(false, false); strings.Contains(got, "PROXY") || strings.Count(got, "\n") != 3 {
		t.Errorf("without titles:\n%s", got)
	}
	wide := `two live streams have this id; Proxy default/b node.locality: Conflicted: the proxy claims\teu; Gateway default/g spec.listeners[0].port: PortUnavailable: taken`
	if got := someProxies().table(true, true); !strings.Contains(got, "10.0.0.2:7  "+wide+"\n") {
		t.Errorf("wide:\n%s", got)
	}
}

// TestProxiesAppended: -w where nobody sees the terminal.
func TestProxiesAppended(t *testing.T) {
	var out, messages bytes.Buffer
	show := (&proxiesFlags{output: "table"}).appender(process{stdout: &out, stderr: &messages})
	shows := func(list proxyList, failed error, after int, want string) {
		t.Helper()
		out.Reset()
		messages.Reset()
		if err := show(list, failed, began.Add(time.Duration(after)*time.Second)); err != nil {
			t.Fatal(err)
		}
		if got := oneBlank(messages.String() + out.String()); got != want {
			t.Errorf("after %d s: %q, want %q", after, got, want)
		}
	}
	list := someProxies()[:2]
	a := "default/a sidecar eu/eu-1 synced 0 0 123 2026-11-25T14:00:00Z 10.0.0.1:7 "
	b := "default/b gateway - lagging 2 2 2 2026-11-25T14:00:00Z 10.0.0.2:7 "
	note := "two live streams have this id "
	shows(list, nil, 1, "TIME PROXY KIND LOCALITY STATE REFUSED PROBLEMS BYTES CONNECTED PEER NOTE 2026-11-25T14:00:01Z "+a+"2026-11-25T14:00:01Z "+b+note)
	shows(list, nil, 2, "")
	list[0].Types[0].Bytes++
	shows(list, nil, 3, "2026-11-25T14:00:03Z "+strings.Replace(a, "123", "124", 1))
	shows(nil, errors.New("away"), 4, "2026-11-25T14:00:04Z away ")
	shows(nil, errors.New("away"), 5, "")
	shows(list[:1], nil, 6, "2026-11-25T14:00:06Z "+strings.Replace(b, "lagging", "gone", 1))
	shows(nil, errors.New("away"), 7, "2026-11-25T14:00:07Z away ")

	show = (&proxiesFlags{output: "json"}).appender(process{stdout: &out, stderr: &messages})
	line := `[{"id":"default/a","kind":"sidecar","namespace":"","locality":"eu/eu-1","connected":"2026-11-25T14:00:00Z",` +
		`"types":[{"type":"","subscribed":0,"sent":0,"acked":0,"refused":0,"bytes":5,"synced":true}],"peer":"10.0.0.1:7"}] `
	list[0].Types = []xds.TypeInfo{{Bytes: 5, Synced: true}}
	shows(list[:1], nil, 1, line)
	shows(list[:1], nil, 2, "")
	shows(proxyList{}, nil, 3, "[] ")
}

func TestProxiesRedrawn(t *testing.T) {
	var out bytes.Buffer
	f := &proxiesFlags{output: "table"}
	show := f.redrawer(process{stdout: &out}, "h:1")
	for _, tt := range []struct {
		failed error
		want   string
	}{
		{nil, "\x1b[H14:00:00  h:1  0 streams\x1b[K\n\x1b[K\nno proxies\x1b[K\n\x1b[J"},
		{errors.New("away"), "\x1b[H14:00:00  h:1  0 streams\x1b[K\n\x1b[K\naway\x1b[K\n\x1b[J"},
	} {
		out.Reset()
		if err := show(nil, tt.failed, began); err != nil {
			t.Fatal(err)
		}
		if out.String() != tt.want {
			t.Errorf("%q, want %q", out.String(), tt.want)
		}
	}
}

// locked is a buffer that can be read while it is written.
type locked struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestProxiesOfNobody is exit code 5, and only that: what answers and is not
// ours is a failure, and an interrupted -w is done.
func TestProxiesOfNobody(t *testing.T) {
	stranger := httptest.NewServer(http.NotFoundHandler())
	defer stranger.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ended, end := context.WithCancel(t.Context())
	end()
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		args   []string
		code   int
		stderr string
	}{
		{"nobody", t.Context(), []string{"--server", "127.0.0.1:1"}, exitUnreachable, "no server answers at 127.0.0.1:1: connect: connection refused; is"},
		{"nobody, watched", t.Context(), []string{"--server", "127.0.0.1:1", "-w"}, exitUnreachable, "no server answers"},
		{"no such host", t.Context(), []string{"--server", "nowhere.invalid:1"}, exitUnreachable, "no server answers at nowhere.invalid:1"},
		{"a stranger", t.Context(), []string{"--server", stranger.Listener.Addr().String()}, exitFailed, "404 Not Found"},
		{"interrupted", ended, []string{"--server", silent.Addr().String()}, exitFailed, "context canceled"},
		{"interrupted, watching", ended, []string{"--server", silent.Addr().String(), "-w"}, exitDone, ""},
	} {
		code, stdout, stderr := call(tt.ctx, append([]string{"proxies"}, tt.args...)...)
		if code != tt.code || !strings.Contains(stderr, tt.stderr) || stdout != "" {
			t.Errorf("%s: exit %d\n%s%s", tt.name, code, stdout, stderr)
		}
	}
}

// TestProxiesFollowed: -w lives through an answer that fails, and ends with 0
// when it is interrupted.
func TestProxiesFollowed(t *testing.T) {
	var n int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++ // one client, one request at a time
		if n == 2 {
			http.Error(w, "not now", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `[{"id": "default/x-%d", "kind": "sidecar", "from": "a newer server"}]`, n)
	}))
	defer server.Close()
	for _, terminal := range []bool{false, true} {
		n = 0
		var out, messages locked
		p := process{env: func(string) (string, bool) { return "", false }, stdout: &out, stderr: &messages, terminal: terminal}
		ctx, cancel := context.WithCancel(t.Context())
		code := make(chan int, 1)
		go func() {
			code <- p.run(ctx, []string{"proxies", "-w", "--server", strings.TrimPrefix(server.URL, "http://")})
		}()
		soon(t, "the third answer", func() bool { return strings.Contains(out.String(), "default/x-3") })
		cancel()
		if got := <-code; got != exitDone {
			t.Errorf("exit %d: %s", got, messages.String())
		}
		if strings.Contains(out.String(), "\x1b") != terminal {
			t.Errorf("terminal %v: %q", terminal, out.String())
		}
		if failed := out.String() + messages.String(); strings.Count(failed, "500") != 1 {
			t.Errorf("the answer that failed: %q", failed)
		}
	}
}

// severalReplicas is an answer of one of three replicas, of which one is silent.
const severalReplicas = `[
 {"id": "default/a", "kind": "sidecar", "locality": "", "connected": "2026-11-25T14:00:00Z", "types": [], "peer": "h:1", "replica": "cw-1",
  "problems": [{"object": "Proxy default/a", "field": "node.locality", "severity": "warning", "reason": "Conflicted", "message": "the proxy claims eu"}]},
 {"id": "default/b", "kind": "sidecar", "locality": "", "connected": "2026-11-25T14:00:00Z", "types": [], "peer": "h:2", "replica": "cw-0"},
 {"id": "", "types": [], "replica": "cw-2", "error": "connection\n\u001b[2J refused"}]`

// TestProxiesOfReplicas: a column says where a proxy is connected, and what could not
// be asked is told beside the list.
func TestProxiesOfReplicas(t *testing.T) {
	asked := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RequestURI()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, severalReplicas)
	}))
	defer server.Close()
	warning := "replica cw-2 does not answer, its proxies are missing: connection\\n\\x1b[2J refused\n"
	want := `PROXY      KIND     LOCALITY  STATE    REFUSED  PROBLEMS  BYTES  CONNECTED             PEER  REPLICA  NOTE
default/a  sidecar  -         lagging  0        1         0      2026-11-25T14:00:00Z  h:1   cw-1
default/b  sidecar  -         lagging  0        0         0      2026-11-25T14:00:00Z  h:2   cw-0
`
	code, stdout, stderr := call(t.Context(), "proxies", "--server", server.Listener.Addr().String())
	if code != exitDone || stdout != want || stderr != warning || asked != "/proxies?replicas=all" {
		t.Errorf("exit %d, asked %s\n%s%s", code, asked, stdout, stderr)
	}
	code, stdout, stderr = call(t.Context(), "proxies", "-o", "json", "--server", server.Listener.Addr().String())
	if code != exitDone || stderr != warning || strings.Count(stdout, `"replica": "cw-`) != 3 || strings.Count(stdout, `"error"`) != 1 {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

// TestReplicasComeAndGo: -w says when there are several, and which of them are silent.
func TestReplicasComeAndGo(t *testing.T) {
	var out, messages bytes.Buffer
	p := process{stdout: &out, stderr: &messages}
	show := (&proxiesFlags{output: "table"}).appender(p)
	list := someProxies()[:1]
	shows := func(want string) {
		t.Helper()
		out.Reset()
		messages.Reset()
		if err := show(list, nil, began); err != nil {
			t.Fatal(err)
		}
		if got := oneBlank(messages.String() + out.String()); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	row := "2026-11-25T14:00:00Z default/a sidecar eu/eu-1 synced 0 0 123 2026-11-25T14:00:00Z 10.0.0.1:7 "
	shows("TIME PROXY KIND LOCALITY STATE REFUSED PROBLEMS BYTES CONNECTED PEER NOTE " + row)
	list[0].Replica = "cw-0"
	list = append(list, controlplane.ReplicaProxy{Replica: "cw-1", Error: "away"})
	silent := "replica cw-1 does not answer, its proxies are missing: away "
	shows(silent + "TIME PROXY KIND LOCALITY STATE REFUSED PROBLEMS BYTES CONNECTED PEER REPLICA NOTE " + row + "cw-0 ")
	shows("")
	list = list[:1]
	shows("")
	list = nil
	shows(strings.Replace(row, "synced", "gone", 1) + "cw-0 ")

	out.Reset()
	redraw := (&proxiesFlags{output: "table", noHeaders: true}).redrawer(p, "h:1")
	if err := redraw(proxyList{{Replica: "cw-1", Error: "away"}}, nil, began); err != nil || !strings.Contains(out.String(), "cw-1 does not answer") {
		t.Errorf("%v %q", err, out.String())
	}
}
