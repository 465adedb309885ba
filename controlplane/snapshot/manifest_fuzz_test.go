package snapshot

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/model"
	"github.com/coastwise/coastwise/translate/worldtest"
)

// FuzzManifests searches among drawn worlds: manifests of every field, valid, nearly
// valid and spoilt, to clusters. A world is drawn from some 10,000 bytes, which
// nothing would find from none.
func FuzzManifests(f *testing.F) {
	for seed := range uint64(16) {
		source, bytes := rand.New(rand.NewPCG(seed, 0)), make([]byte, 1<<16)
		for i := range bytes {
			bytes[i] = byte(source.Uint32())
		}
		f.Add(bytes)
	}
	f.Fuzz(rapid.MakeFuzz(manifestsKeepTheLaws))
}

func manifestsKeepTheLaws(t *rapid.T) {
	clients := drawClients(t, worldtest.DrawProxy)
	checkManifests(t, worldtest.DrawManifests(t), clients, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") })
}

// FuzzManifestText searches among texts, from those of the stories on, which are
// checked by TestStoriesKeepTheLaws where nothing is searched.
func FuzzManifestText(f *testing.F) {
	if flag.Lookup("test.fuzz").Value.String() != "" {
		for name, text := range storyManifests(f) {
			f.Add(text, uint(len(name)))
		}
	}
	f.Fuzz(func(t *testing.T, text string, seed uint) {
		docs := strings.Split(text, "\n---\n")
		if len(docs) > 16 || len(text) > 1<<12 {
			t.Skip("large") // admission's bounds have tests of their own
		}
		checkManifests(t, docs, oneClient(seed), func(n int) int { return int(seed % uint(n)) })
	})
}

// TestStoriesKeepTheLaws: the seeds alone.
func TestStoriesKeepTheLaws(t *testing.T) {
	for name, text := range storyManifests(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkManifests(t, strings.Split(text, "\n---\n"), oneClient(uint(len(name))), func(n int) int { return (n - 1) / 2 })
		})
	}
}

func storyManifests(tb testing.TB) map[string]string {
	tb.Helper()
	files, err := filepath.Glob("../../translate/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		tb.Fatal("no stories", err)
	}
	out := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		var docs []string
		for _, in := range txtar.Parse(raw).Files {
			if strings.HasSuffix(in.Name, ".yaml") {
				docs = append(docs, strings.TrimSuffix(string(in.Data), "\n"))
			}
		}
		out[filepath.Base(file)] = strings.Join(docs, "\n---\n")
	}
	return out
}

// oneClient is of some kind, in the places and namespaces of the stories; one, for
// speed.
func oneClient(seed uint) []model.Proxy {
	i := seed % 3
	p := sidecar("client", []string{"eu-1", "", "us-1"}[i])
	p.Kind = []model.Kind{model.Sidecar, model.Gateway, model.Waypoint}[i]
	p.Labels = map[string]string{"app": "web", "version": "v1"}
	p.Locality.Region = []string{"eu", "", "us"}[i]
	return []model.Proxy{p}
}
