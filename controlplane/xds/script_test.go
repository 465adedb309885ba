package xds

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the scripts print into testdata")

// TestScripts runs testdata/*.txtar, one behaviour each:
//
//	= set CDS a 1            resource a has version 1 (further words: clusters that it names)
//	= del CDS a
//	= publish                the stream sees all sets and dels since the last publish
//	= sotw                   first: this client and those after it speak state of the world
//	= grpc                   then: it is a gRPC client
//	= wait 2s                time passes
//	= removals 2             then: of clusters a response removes no more
//	= reconnect              a new stream
//	> CDS +a +b -c a=1       subscribe a and b, unsubscribe c, initial version of a
//	> CDS ack=1              answer response 1; nack=1 refuses it with the rest of the line
//	> CDS nonce=x            any other nonce
//	> CDS +a version=x       in a state of the world: what it accepted last
//	> CDS +a +b ack=1        in a state of the world: the names are a and b, all of them
//	< CDS 1 a=1 -b           response 1: resource a, b removed
//	< refused CDS a=1 why    and: kept, shrink, converged, watch, unwatch, error
//
// What is written under an event is all that follows from it.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(archive.Comment), "# ") || len(archive.Files) != 1 {
				t.Fatal("want a title and one file")
			}
			want := string(archive.Files[0].Data)
			got := newScript().run(t, want)
			if got == want {
				return
			}
			if !*update {
				t.Fatalf("%s\ngot:\n%s\nwant:\n%s", archive.Comment, got, want)
			}
			archive.Files[0].Data = []byte(got)
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

type script struct {
	now, then *world // edited; published
	clock     time.Time
	streams   int
	stream    *Stream
	whole     bool
	byName    bool
	limits    Limits
}

func newScript() *script {
	s := &script{now: newWorld(), then: newWorld(), clock: time.Unix(1000, 0), limits: DefaultLimits()}
	s.connect()
	return s
}

func (s *script) connect() {
	s.streams++
	begin := NewStream
	if s.whole {
		begin = NewWholeStream
	}
	s.stream = begin(fmt.Sprintf("%c", 'a'+s.streams-1), s.then, s.limits)
	if s.byName {
		s.stream.ByName()
	}
}

// run executes the events and prints them with what follows from them.
func (s *script) run(t *testing.T, text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "<") {
			continue
		}
		fmt.Fprintln(&out, line)
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		var e *Event
		switch words[0] {
		case "=":
			e = s.change(t, words[1:])
		case ">":
			r := s.request(words[1:])
			if s.whole {
				r.Names, r.Subscribe = r.Subscribe, nil
			}
			e = &Event{Request: r}
		default:
			t.Fatalf("what is %q?", line)
		}
		if e != nil {
			e.Now = s.clock
			s.print(&out, s.stream.Step(*e))
		}
	}
	return out.String()
}

func (s *script) change(t *testing.T, words []string) *Event {
	switch words[0] {
	case "set":
		s.now.set(shortTypes[words[1]], words[2], words[3], words[4:]...)
		return nil
	case "del":
		delete(s.now.resources[shortTypes[words[1]]], words[2])
		return nil
	case "publish":
		u := diff(s.then, s.now, s.clock)
		s.then, s.now = s.now, s.now.clone()
		return &Event{Update: u}
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatal(err)
		}
		s.clock = s.clock.Add(d)
		return &Event{}
	case "sotw":
		s.whole, s.streams = true, 0
		s.connect()
		return nil
	case "grpc":
		s.byName, s.streams = true, 0
		s.connect()
		return nil
	case "removals":
		n, err := strconv.Atoi(words[1])
		if err != nil {
			t.Fatal(err)
		}
		s.limits.Removals, s.streams = n, 0
		s.connect()
		return nil
	case "reconnect":
		s.connect()
		return nil
	}
	t.Fatalf("what is %q?", words)
	return nil
}

func (s *script) request(words []string) *Request {
	r := &Request{TypeURL: shortTypes[words[0]]}
	if r.TypeURL == "" {
		r.TypeURL = strings.Trim(words[0], `"`)
	}
	prefix := fmt.Sprintf("%c", 'a'+s.streams-1)
	for i, w := range words[1:] {
		key, value, assigned := strings.Cut(w, "=")
		switch {
		case strings.HasPrefix(w, "+"):
			r.Subscribe = append(r.Subscribe, strings.Trim(w[1:], `"`))
		case strings.HasPrefix(w, "-"):
			r.Unsubscribe = append(r.Unsubscribe, w[1:])
		case key == "nonce":
			r.Nonce = value
		case key == "version":
			r.Version = value
		case key == "ack":
			r.Nonce = prefix + value
		case key == "nack":
			r.Nonce, r.Refused, r.Message = prefix+value, true, strings.Join(words[i+2:], " ")
			return r
		case assigned:
			if r.Initial == nil {
				r.Initial = map[string]string{}
			}
			r.Initial[key] = value
		}
	}
	return r
}

func (s *script) print(out *strings.Builder, r Result) {
	for _, v := range r.Refusals {
		fmt.Fprintf(out, "< refused %s %s=%s %s\n", shortType(v.TypeURL), v.Name, v.Version, v.Message)
	}
	for _, c := range r.Converged {
		fmt.Fprintf(out, "< converged %s %s\n", shortType(c.TypeURL), s.clock.Sub(c.Since))
	}
	for _, v := range r.Responses {
		words := []string{"<", shortType(v.TypeURL), v.Nonce[1:]}
		for _, res := range v.Resources {
			words = append(words, res.Name+"="+res.Version)
		}
		for _, name := range v.Removed {
			words = append(words, "-"+name)
		}
		fmt.Fprintln(out, strings.Join(words, " "))
	}
	for _, list := range []struct {
		word  string
		names []string
	}{{"kept", r.Kept}, {"watch", r.Watch}, {"unwatch", r.Unwatch}} {
		if len(list.names) > 0 {
			fmt.Fprintln(out, "<", list.word, strings.Join(slices.Clone(list.names), " "))
		}
	}
	if r.Shrink > 0 {
		fmt.Fprintln(out, "< shrink", r.Shrink)
	}
	if r.Err != nil {
		fmt.Fprintln(out, "< error", r.Err)
	}
}
