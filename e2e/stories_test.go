package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/coastwise/coastwise/e2e/ads"
)

// question is one client of one story: all that it may see.
type question struct {
	story string
	env   []string
	args  []string
	// fails says that the story itself expects another exit code than 0.
	fails bool
}

// told is what a question's client would receive.
type told struct {
	question
	resources ads.Resources
}

// storyNeeds are flags that narrow what a command prints, which is not wanted
// here, with the number of their values.
var storyNeeds = map[string]int{"--service": 1, "--subset": 1, "-o": 1, "--output": 1, "--no-headers": 0}

// TestEveryStory: what every client of every story would receive, with every
// service, port and subset in it, is accepted by a real Envoy and, as far as
// endpoints go, by a real gRPC client. (The semantic validator and Envoy's own
// constraints: cmd/coastwise, TestStoriesResources.)
func TestEveryStory(t *testing.T) {
	all := everyStory(t)
	assignments := 0
	for _, a := range all {
		assignments += len(a.resources[ads.Endpoint])
	}
	t.Logf("%d clients, %d assignments", len(all), assignments)
	if len(all) < 300 || assignments < 400 {
		t.Fatalf("%d clients and %d assignments are too few: are the stories read?", len(all), assignments)
	}
	var envoys, grpcs []told
	for _, a := range all {
		if a.grpc() {
			grpcs = append(grpcs, a)
		} else {
			envoys = append(envoys, a)
		}
	}
	t.Run("envoy", func(t *testing.T) { envoyTakes(t, envoys) })
	t.Run("endpoints of envoys by grpc-go", func(t *testing.T) { grpcTakes(t, envoys) })
	t.Run("grpc-go", func(t *testing.T) { grpcWalks(t, grpcs) })
}

// grpc says that the client is a gRPC client.
func (q question) grpc() bool { return slices.Contains(q.args, "grpc") }

// everyStory asks every question of every story.
func everyStory(t *testing.T) []told {
	t.Helper()
	testdata, err := filepath.Abs("../translate/testdata")
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(testdata, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	var questions []question
	for _, path := range paths {
		questions = append(questions, questionsOf(t, path, testdata)...)
	}
	out := make([]told, len(questions))
	var workers sync.WaitGroup
	turns := make(chan int)
	for range 2 * runtime.NumCPU() {
		workers.Go(func() {
			for i := range turns {
				resources, err := questions[i].ask()
				if err != nil {
					t.Error(err)
				}
				out[i] = told{questions[i], resources}
			}
		})
	}
	for i := range questions {
		turns <- i
	}
	close(turns)
	workers.Wait()
	return slices.DeleteFunc(out, func(a told) bool { return a.resources == nil })
}

// questionsOf reads the commands of a story, each client once, and writes its files.
func questionsOf(t *testing.T, path, testdata string) []question {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, "want") {
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out []question
	var env []string
	for line := range strings.Lines(string(archive.Comment)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "env":
			env = append(env, rest)
		case "translate":
			if strings.Contains(rest, "--kind ztunnel") { // which is sent workloads, and not these resources
				continue
			}
			out = append(out, question{
				story: strings.TrimSuffix(filepath.Base(path), ".txtar"),
				env:   slices.Clone(env), args: widened(quoted(line), dir, testdata),
			})
		case "exit":
			if n := len(out); n > 0 {
				out[n-1].fails = out[n-1].fails || rest != "0"
			}
		}
	}
	same := func(a, b question) bool { return slices.Equal(a.args, b.args) && slices.Equal(a.env, b.env) }
	return slices.CompactFunc(out, same)
}

// widened is a story's command for the resources of all services.
func widened(args []string, dir, testdata string) []string {
	out := []string{"translate", "-o", "envoy"}
	from := false
	for i := 1; i < len(args); i++ {
		values, drop := storyNeeds[args[i]]
		switch {
		case drop:
			i += values
		case i > 0 && args[i-1] == "-f":
			from = true
			out = append(out, filepath.Join(dir, args[i]))
		case i > 0 && args[i-1] == "--tls-dir":
			out = append(out, filepath.Join(testdata, args[i]))
		default:
			out = append(out, args[i])
		}
	}
	if !from {
		out = append(out, "-f", dir)
	}
	return out
}

// quoted splits at blanks outside single quotes.
func quoted(line string) []string {
	var out []string
	for i, part := range strings.Split(strings.TrimSpace(line), "'") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

// ask runs the command. A command that the story expects to fail may.
func (q question) ask() (ads.Resources, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(string(built.coastwise), q.args...)
	cmd.Env = q.env
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); q.fails && errors.As(err, &exit) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %v: %w: %s", q.story, q.args, err, stderr.Bytes())
	}
	out, err := ads.Parse(stdout.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %v: %w", q.story, q.args, err)
	}
	return out, nil
}

// each calls do for every different resource of a type, with a name that says
// where it comes from.
func each(all []told, url string, do func(name string, a told, original string)) {
	seen := map[string]bool{}
	for i, a := range all {
		for original, m := range a.resources[url] {
			body, err := ads.Canonical(m)
			if err != nil || seen[body] {
				continue
			}
			seen[body] = true
			do(fmt.Sprintf("%s/%d/%s", a.story, i, original), a, original)
		}
	}
}
