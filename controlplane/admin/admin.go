package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/coastwise/coastwise/translate/model"
)

// Sources answer for the running server. All are safe for concurrent use.
type Sources struct {
	// Alive is false if a loop of the server has stopped moving.
	Alive func() bool
	// Checks are what readiness consists of, in order.
	Checks []Check
	// Draining says that the server is about to end: it is not ready then.
	Draining func() bool
	// Problems are listed by /readyz?verbose; those that are errors name
	// objects whose last admitted form, or fence, stands in their place.
	Problems func() []model.Problem
	// Proxies is what /proxies prints, as JSON.
	Proxies func() any
	// All is what /proxies?replicas=all prints: those of every replica.
	All func(context.Context) any
	// Skipped counts objects of foreign kinds, by kind.
	Skipped func() map[string]int
	// Refused says what acts in place of the objects that are refused.
	Refused  func() Refused
	Registry *prometheus.Registry
}

// Refused are the objects that are not in use as written (semantics 8.1): until
// they are mended replicas may differ. Sorted.
type Refused struct {
	// Held are edits: the form that was admitted before still acts.
	Held []model.ObjectRef
	// Absent were never admitted: only their allowedRegions act, if they have any.
	Absent []model.ObjectRef
}

// Check is one condition of readiness. Once true it stays so: ready means
// synced, not "the source can be reached". Only a server that drains is unready again.
type Check struct {
	Name string
	OK   func() bool
	// Why says what is missing while OK is false; nil or "" is nothing to say.
	Why func() string
}

// line is the check as the Kubernetes API server words it.
func (c Check) line() (_ string, ok bool) {
	if c.OK() {
		return fmt.Sprintf("[+]%s ok", c.Name), true
	}
	text := fmt.Sprintf("[-]%s failed: not synced yet", c.Name)
	if c.Why != nil {
		if why := c.Why(); why != "" {
			text += ": " + why
		}
	}
	return text, false
}

// Handler serves / (an index), /livez, /readyz, /metrics, /problems and /proxies.
func Handler(s Sources) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		if !s.Alive() {
			http.Error(w, "a loop of the server does not move", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /{$}", index)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /problems", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, append([]model.Problem{}, s.Problems()...)) })
	mux.HandleFunc("GET /proxies", s.proxies)
	return mux
}

// proxies is who is connected here, or with ?replicas=all to any replica.
func (s Sources) proxies(w http.ResponseWriter, r *http.Request) {
	switch of := r.URL.Query().Get("replicas"); of {
	case "":
		writeJSON(w, s.Proxies())
	case "all":
		writeJSON(w, s.All(r.Context()))
	default:
		http.Error(w, fmt.Sprintf("replicas: %q: want all, or nothing for this one", of), http.StatusBadRequest)
	}
}

// ready prints "ok", or with ?verbose every check and every refused object, in
// the form that the Kubernetes API server uses.
func (s Sources) ready(w http.ResponseWriter, r *http.Request) {
	status, lines := http.StatusOK, []string{}
	if s.Draining() {
		status, lines = http.StatusServiceUnavailable, []string{"[-]draining: the server is about to end"}
	}
	for _, c := range s.Checks {
		line, ok := c.line()
		if !ok {
			status = http.StatusServiceUnavailable
		}
		lines = append(lines, line)
	}
	if !r.URL.Query().Has("verbose") {
		if status == http.StatusOK {
			lines = []string{"ok"}
		}
		w.WriteHeader(status)
		fmt.Fprintln(w, strings.Join(lines, "\n"))
		return
	}
	lines = append(lines, s.refused()...)
	word := "readyz check passed"
	if status != http.StatusOK {
		word = "readyz check failed"
	}
	w.WriteHeader(status)
	fmt.Fprintln(w, strings.Join(append(lines, word), "\n"))
}

// refused lists every error with its place, and what acts instead of the refused
// objects. They do not make the server unready.
func (s Sources) refused() []string {
	var out []string
	for _, p := range s.Problems() {
		if p.Severity != model.Error {
			continue
		}
		where := ""
		if p.File != "" {
			where = fmt.Sprintf(" (%s, document %d)", p.File, p.Document)
		}
		out = append(out, fmt.Sprintf("[!]%s %s: %s: %s%s", p.Object, p.Field, p.Reason, p.Message, where))
	}
	refused := s.Refused()
	for _, ref := range refused.Held {
		out = append(out, fmt.Sprintf("[!]%s: its edit is refused, the form admitted before still acts", ref))
	}
	for _, ref := range refused.Absent {
		out = append(out, fmt.Sprintf("[!]%s: absent, it was never admitted; only its allowedRegions act, if it has any", ref))
	}
	return out
}

// DebugHandler serves pprof and /debug/proxies/ID: what that proxy was sent and
// has acknowledged.
func DebugHandler(dump func(id string) (any, bool)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/proxies/{id...}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if !strings.Contains(id, "/") {
			id = "default/" + id
		}
		d, ok := dump(id)
		if !ok {
			http.Error(w, fmt.Sprintf("no proxy %q is connected", id), http.StatusNotFound)
			return
		}
		writeJSON(w, d)
	})
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
