package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/coastwise/coastwise/controlplane/files"
	"github.com/coastwise/coastwise/controlplane/store"
)

var update = flag.Bool("update", false, "rewrite the want files of the stories")

// TestStories runs translate/testdata/*.txtar through the CLI: each as written,
// with its inputs shuffled, and as one-by-one events. A story is comment
// lines (its title is the requirement), then commands, then files:
//
//	translate FLAGS…      a command, or lint; -f is added, naming the story's folder;
//	                      --tls-dir names a folder beside the stories
//	env NAME=VALUE        holds from here on
//	exit N                the exit code of the command above (0 if not said)
//	stdout want…          its output is the file of that name; -update rewrites it
//	stdout TEXT           its output has this, runs of blanks being one
//	stdout! TEXT          it has not
//	stderr TEXT           its messages have this
//	fixed order: WHY      the order of the inputs counts, so they are not shuffled
func TestStories(t *testing.T) {
	paths, err := filepath.Glob("../../translate/testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			s := readStory(t, path)
			t.Run("as written", s.asWritten)
			if *update {
				s.write(t, path)
				return
			}
			if s.fixed {
				return
			}
			seed := rand.Uint64()
			t.Run(fmt.Sprintf("shuffled %d", seed), func(t *testing.T) { s.shuffled(t, rand.New(rand.NewPCG(seed, 0))) })
			t.Run(fmt.Sprintf("events %d", seed), func(t *testing.T) { s.events(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

// asWritten runs the story on its own files.
func (s *story) asWritten(t *testing.T) {
	dir := t.TempDir()
	for _, f := range s.inputs {
		writeFile(t, dir, f.Name, f.Data)
	}
	s.play(t, dir, load, func(text string) string { return text })
}

// shuffled runs it with its documents in another order, over several files.
func (s *story) shuffled(t *testing.T, r *rand.Rand) {
	dir := t.TempDir()
	into := map[string][]string{}
	for _, doc := range s.documents(r) {
		name := fmt.Sprintf("part-%d.yaml", r.IntN(4))
		into[name] = append(into[name], doc)
	}
	for name, docs := range into {
		writeFile(t, dir, name, []byte(strings.Join(docs, "---\n")))
	}
	s.play(t, dir, load, withoutPlace)
}

// events runs it on a store that saw the objects one by one in another order,
// some of them going and coming back in between.
func (s *story) events(t *testing.T, r *rand.Rand) {
	docs := s.documents(r)
	byOne := func(_, tlsDirs []string, st *store.Store) (*files.Source, error) {
		dir := t.TempDir()
		source := files.New([]string{dir}, st, slog.New(slog.DiscardHandler), files.TLSDirs(tlsDirs))
		for i, doc := range docs {
			name := fmt.Sprintf("event-%d.yaml", i)
			writeFile(t, dir, name, []byte(doc))
			if err := source.Load(); err != nil {
				return nil, err
			}
			st.Take() // somebody reads in between
			if i > 0 && r.IntN(3) == 0 {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					return nil, err
				}
				if err := source.Load(); err != nil {
					return nil, err
				}
				writeFile(t, dir, name, []byte(doc))
			}
		}
		return source, source.Load()
	}
	s.play(t, t.TempDir(), byOne, withoutPlace)
}

// play runs every command on the manifests in dir and checks what it says.
func (s *story) play(t *testing.T, dir string, load func(_, _ []string, _ *store.Store) (*files.Source, error), place func(string) string) {
	env := map[string]string{}
	for i := range s.steps {
		step := &s.steps[i]
		if step.env != "" {
			name, value, _ := strings.Cut(step.env, "=")
			env[name] = value
			continue
		}
		var stdout, stderr bytes.Buffer
		p := process{
			env:    func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			load:   load,
			stdout: &stdout, stderr: &stderr,
		}
		code := p.run(context.Background(), step.argsIn(dir))
		out := place(strings.ReplaceAll(stdout.String(), dir+"/", ""))
		if code != step.exit {
			t.Errorf("%s: exit %d, want %d\n%s%s", step.line, code, step.exit, out, stderr.String())
		}
		for _, c := range step.checks {
			s.check(t, step.line, c, out, stderr.String(), place)
		}
	}
}

// check compares what a command said with one line of the story.
func (s *story) check(t *testing.T, command string, c check, stdout, stderr string, place func(string) string) {
	t.Helper()
	if c.want != "" {
		if *update {
			s.wants[c.want] = stdout
		}
		if diff := cmp.Diff(place(s.wants[c.want]), stdout); diff != "" {
			t.Errorf("%s: stdout is not %s (-want +got):\n%s", command, c.want, diff)
		}
		return
	}
	text := stdout
	if c.stderr {
		text = stderr
	}
	if has := strings.Contains(oneBlank(text), oneBlank(c.text)); has == c.not {
		t.Errorf("%s: %s\n%s", command, c.line, text)
	}
}

var blanks = regexp.MustCompile(`\s+`)

func oneBlank(s string) string { return blanks.ReplaceAllString(s, " ") }

var placeOfProblem = regexp.MustCompile(` +\((\S+\.yaml, document|line) \d+\)`)

// withoutPlace takes away where a problem was read: that differs where the
// inputs were shuffled, and nothing else may.
func withoutPlace(text string) string { return placeOfProblem.ReplaceAllString(text, "") }

func writeFile(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// documents are the single documents of all inputs in a random order.
func (s *story) documents(r *rand.Rand) []string {
	var docs []string
	for _, f := range s.inputs {
		docs = append(docs, strings.Split(string(f.Data), "---\n")...)
	}
	r.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	return docs
}

// story is one txtar file.
type story struct {
	comment string // as written
	fixed   bool
	steps   []step
	inputs  []txtar.File
	names   []string // of the wants, in order
	wants   map[string]string
}

// step is one command, or one env line.
type step struct {
	line   string
	env    string
	args   []string
	exit   int
	checks []check
}

// check is one line that says what a command must say.
type check struct {
	line        string
	want        string // name of a file
	text        string
	not, stderr bool
}

// argsIn is the command on the manifests of dir.
func (s step) argsIn(dir string) []string {
	args := slices.Clone(s.args)
	for i, a := range args {
		if i > 0 && args[i-1] == "-f" {
			args[i] = filepath.Join(dir, a)
		}
		if i > 0 && args[i-1] == "--tls-dir" {
			args[i] = filepath.Join("../../translate/testdata", a)
		}
	}
	if (args[0] == "translate" || args[0] == "lint") && !slices.Contains(args, "-f") {
		args = append(args, "-f", dir)
	}
	return args
}

func readStory(t *testing.T, path string) *story {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	archive := txtar.Parse(data)
	s := &story{comment: string(archive.Comment), wants: map[string]string{}}
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "want") {
			s.names = append(s.names, f.Name)
			s.wants[f.Name] = string(f.Data)
		} else {
			s.inputs = append(s.inputs, f)
		}
	}
	if !strings.HasPrefix(s.comment, "# ") {
		t.Fatalf("%s: begins without its title", path)
	}
	for line := range strings.Lines(s.comment) {
		if err := s.read(strings.TrimSpace(line)); err != nil {
			t.Fatalf("%s: %q: %v", path, line, err)
		}
	}
	return s
}

// read takes one line of the comment.
func (s *story) read(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "", "#":
	case "fixed":
		s.fixed = true
	case "env":
		s.steps = append(s.steps, step{line: line, env: rest})
	case "translate", "lint", "bootstrap", "serve", "version":
		s.steps = append(s.steps, step{line: line, args: fields(line)})
	case "exit", "stdout", "stdout!", "stderr":
		if len(s.steps) == 0 || s.steps[len(s.steps)-1].args == nil {
			return fmt.Errorf("stands before any command")
		}
		return s.expect(&s.steps[len(s.steps)-1], word, rest)
	default:
		return fmt.Errorf("unknown line")
	}
	return nil
}

func (s *story) expect(last *step, word, rest string) error {
	if word == "exit" {
		_, err := fmt.Sscanf(rest, "%d", &last.exit)
		return err
	}
	c := check{line: word + " " + rest, text: rest, not: word == "stdout!", stderr: word == "stderr"}
	if word == "stdout" && strings.HasPrefix(rest, "want") {
		c.want = rest
		if _, ok := s.wants[rest]; !ok {
			if !*update {
				return fmt.Errorf("there is no file %s", rest)
			}
			s.names, s.wants[rest] = append(s.names, rest), ""
		}
	}
	last.checks = append(last.checks, c)
	return nil
}

// fields splits at blanks outside single quotes.
func fields(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

// write is -update: the story with the wants that it got.
func (s *story) write(t *testing.T, path string) {
	t.Helper()
	a := &txtar.Archive{Comment: []byte(s.comment), Files: s.inputs}
	for _, name := range s.names {
		a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(s.wants[name])})
	}
	if err := os.WriteFile(path, txtar.Format(a), 0o600); err != nil {
		t.Fatal(err)
	}
}
