package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/websocket"
)

// echo is a backend as the suite wants it: it answers with what came in and who it is,
// and logs each request in the words that the suite looks for.
type echo struct {
	namespace, pod string
	log            *podLog

	mu sync.Mutex
	// attempts counts those that /retry/ has failed, by the client's number.
	attempts map[string]int
}

// echoed is the answer; the names are those that the suite reads.
type echoed struct {
	Path      string              `json:"path"`
	Host      string              `json:"host"`
	Method    string              `json:"method"`
	Proto     string              `json:"proto"`
	Headers   map[string][]string `json:"headers"`
	HTTPPort  string              `json:"httpPort"`
	Namespace string              `json:"namespace"`
	Pod       string              `json:"pod"`
}

// ServeHTTP knows the paths /status/CODE, /retry/ and /ws; all others are echoed.
func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.ReplaceAll(r.URL.Path, "//", "/")
	switch code, isStatus := strings.CutPrefix(path, "/status/"); {
	case isStatus:
		n, err := strconv.Atoi(code)
		if err != nil || n < 200 || n > 599 {
			n = http.StatusBadRequest
		}
		w.WriteHeader(n)
	case path == "/ws":
		websocket.Handler(func(ws *websocket.Conn) { _, _ = io.Copy(ws, ws) }).ServeHTTP(w, r)
	case strings.HasPrefix(path, "/retry/"):
		e.retry(w, r)
	default:
		e.answer(w, r)
	}
}

func (e *echo) answer(w http.ResponseWriter, r *http.Request) {
	e.log.say("Echoing back request made to %s to client (%s)", r.RequestURI, r.RemoteAddr)
	if !wait(w, r, "delay") {
		return
	}
	for _, list := range r.Header["X-Echo-Set-Header"] {
		for pair := range strings.SplitSeq(list, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), ":")
			if has := w.Header()[name]; len(has) > 0 {
				value = has[0] + "," + strings.TrimSpace(value)
			}
			w.Header()[name] = []string{value} // in the client's letters
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(echoed{
		Path: r.RequestURI, Host: r.Host, Method: r.Method, Proto: r.Proto, Headers: r.Header,
		HTTPPort: strconv.Itoa(httpPort), Namespace: e.namespace, Pod: e.pod,
	})
}

// retry fails succeedAfter attempts of a client's number (uuid): with responseCode, or
// else by a reset of the connection; each after delayRetry.
func (e *echo) retry(w http.ResponseWriter, r *http.Request) {
	number := r.URL.Query().Get("uuid")
	failures, err := strconv.Atoi(r.URL.Query().Get("succeedAfter"))
	if number == "" || err != nil {
		http.Error(w, "uuid and succeedAfter are needed", http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	fails := e.attempts[number] < failures
	if fails {
		e.attempts[number]++
	}
	e.mu.Unlock()
	if !fails {
		e.answer(w, r)
		return
	}
	if !wait(w, r, "delayRetry") {
		return
	}
	if code, err := strconv.Atoi(r.URL.Query().Get("responseCode")); err == nil {
		w.WriteHeader(code)
		return
	}
	reset(w)
}

// wait holds an answer back for as long as a parameter of the request says.
func wait(w http.ResponseWriter, r *http.Request, parameter string) bool {
	text := r.FormValue(parameter)
	if text == "" {
		return true
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return false
	}
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
	return true
}

// reset ends the connection without an answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// onlyHTTP2 refuses what is not HTTP/2 on the port of cleartext HTTP/2.
func onlyHTTP2(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			http.Error(w, fmt.Sprintf("%s: this port is for HTTP/2", r.Proto), http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
