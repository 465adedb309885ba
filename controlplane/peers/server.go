package peers

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The paths of a Server.
const (
	reportPath  = "/peer/v1/report"
	proxiesPath = "/peer/v1/proxies"
)

const (
	// freshness is the least time between two reports.
	freshness = time.Second
	// maxWait bounds a long poll, maxCalls how many are served at a time.
	maxWait  = 30 * time.Second
	maxCalls = 64
	// zipFrom is from how many bytes on an answer is compressed.
	zipFrom = 4 << 10
)

// ServerConfig is what a Server needs.
type ServerConfig struct {
	// Report is what this replica says now, false while it cannot say all.
	Report func() (Report, bool)
	// Proxies is who is connected, as JSON.
	Proxies func() any
	// Authorize refuses callers that are not of this control plane; nil lets
	// everybody in, which only loopback allows.
	Authorize func(*http.Request) error
	Log       *slog.Logger
}

// Server answers the other replicas.
type Server struct {
	config ServerConfig
	calls  chan struct{}
	lines  *rate.Limiter // of the log about callers that are refused

	mu     sync.Mutex
	made   time.Time
	answer *answer // the newest; nil before the first
}

// answer is a report, ready to be sent.
type answer struct {
	etag         string
	body, zipped []byte
}

// NewServer makes a Server.
func NewServer(c ServerConfig) *Server {
	return &Server{config: c, calls: make(chan struct{}, maxCalls), lines: rate.NewLimiter(1, 1)}
}

// Handler serves GET /peer/v1/report and /peer/v1/proxies. The long polls of a
// report (?since=ETAG&wait=DURATION) end with ctx.
func (s *Server) Handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+reportPath, func(w http.ResponseWriter, r *http.Request) { s.report(ctx, w, r) })
	mux.HandleFunc("GET "+proxiesPath, s.proxies)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.config.Authorize != nil {
			if err := s.config.Authorize(r); err != nil {
				if s.lines.Allow() {
					s.config.Log.Warn("a caller of the peer port was refused", "peer", r.RemoteAddr, "err", err)
				}
				http.Error(w, "only replicas of this control plane are answered", http.StatusForbidden)
				return
			}
		}
		select {
		case s.calls <- struct{}{}:
			defer func() { <-s.calls }()
		default:
			http.Error(w, "too many calls at a time", http.StatusTooManyRequests)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// report answers at once if there is another report than the caller has, else when
// there is, or with 304 when the caller's time is over.
func (s *Server) report(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	wait := time.Duration(0)
	if text := query.Get("wait"); text != "" {
		var err error
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 || wait > maxWait {
			http.Error(w, fmt.Sprintf("wait: %q: want a duration up to %s", text, maxWait), http.StatusBadRequest)
			return
		}
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	look := time.NewTicker(freshness / 2)
	defer look.Stop()
	for {
		a, err := s.current()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if a == nil {
			http.Error(w, "nothing to report yet", http.StatusServiceUnavailable)
			return
		}
		if a.etag != query.Get("since") {
			a.write(w, r)
			return
		}
		select {
		case <-look.C:
		case <-over.C:
			w.Header().Set("ETag", `"`+a.etag+`"`)
			w.WriteHeader(http.StatusNotModified)
			return
		case <-r.Context().Done():
			return
		case <-ctx.Done():
			http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
			return
		}
	}
}

// current is the report, as old as freshness at most; nil if there never was one.
// While the replica cannot say all, what it said last stands.
func (s *Server) current() (*answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.answer != nil && now.Sub(s.made) < freshness {
		return s.answer, nil
	}
	r, complete := s.config.Report()
	if !complete {
		return s.answer, nil
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	s.made = now
	hash := sha256.Sum256(body)
	if etag := hex.EncodeToString(hash[:16]); s.answer == nil || s.answer.etag != etag {
		s.answer = &answer{etag: etag, body: body, zipped: zip(body)}
	}
	return s.answer, nil
}

func (s *Server) proxies(w http.ResponseWriter, r *http.Request) {
	body, err := json.Marshal(s.config.Proxies())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	(&answer{body: body, zipped: zip(body)}).write(w, r)
}

// zip compresses what is worth it; else nil.
func zip(body []byte) []byte {
	if len(body) < zipFrom {
		return nil
	}
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // the level exists
	if _, err := z.Write(body); err != nil || z.Close() != nil {
		return nil
	}
	return out.Bytes()
}

func (a *answer) write(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if a.etag != "" {
		w.Header().Set("ETag", `"`+a.etag+`"`)
	}
	body := a.body
	if a.zipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		body = a.zipped
	}
	w.Write(body) //nolint:errcheck // the caller is gone, or reads it
}
