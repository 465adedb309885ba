package files

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a folder, and a source that reads it.
type world struct {
	t      *testing.T
	dir    string
	store  *store.Store
	source *Source
}

// newWorld writes files and returns a source for the paths, relative to the
// folder; "" is the folder itself.
func newWorld(t *testing.T, files map[string]string, paths ...string) *world {
	w := &world{t: t, dir: t.TempDir(), store: store.New()}
	for name, data := range files {
		w.write(name, data)
	}
	for i, p := range paths {
		paths[i] = w.path(p)
	}
	w.source = New(paths, w.store, slog.New(slog.NewTextHandler(io.Discard, nil)))
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// write writes a file in place.
func (w *world) write(name, data string) {
	w.t.Helper()
	w.must(os.MkdirAll(filepath.Dir(w.path(name)), 0o755))
	w.must(os.WriteFile(w.path(name), []byte(data), 0o644))
}

// replace writes a file beside and renames it.
func (w *world) replace(name, data string) {
	w.t.Helper()
	w.write(name+".tmp", data)
	w.must(os.Rename(w.path(name+".tmp"), w.path(name)))
}

// services is NAME=PORT for every Service of the store.
func (w *world) services() string {
	var out []string
	for _, key := range w.store.Keys() {
		if s := w.store.Objects(key).Service; s != nil {
			out = append(out, fmt.Sprintf("%s=%d", s.Name, s.Spec.Ports[0].Port))
		}
	}
	return strings.Join(out, " ")
}

// problems is REASON FILE for every problem that is an error.
func (w *world) problems() string {
	var out []string
	for _, p := range w.store.Problems() {
		if p.Severity == model.Error {
			rel, _ := filepath.Rel(w.dir, p.File)
			out = append(out, fmt.Sprintf("%s %s", p.Reason, rel))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// want checks what a reload made of the files.
func (w *world) want(services, problems string) {
	w.t.Helper()
	if got := w.services(); got != services {
		w.t.Errorf("services %q, want %q", got, services)
	}
	if got := w.problems(); got != problems {
		w.t.Errorf("problems %q, want %q", got, problems)
	}
}

// svc is a Service's manifest.
func svc(name string, port int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: %d}]}\n", name, port)
}

const rule = "apiVersion: networking.coastwise.dev/v1alpha1\nkind: DestinationRule\nmetadata: {name: r}\nspec:\n  host: x\n" +
	"  trafficPolicy: {loadBalancer: {localityLbSetting: {allowedRegions: [eu]}}}\n"

func TestLoad(t *testing.T) {
	w := newWorld(t, map[string]string{
		"a.yaml": svc("a", 1), "b.yml": svc("b", 2), "c.json": renamed(svcXJSON, "c"), "d.YAML": svc("d", 4),
		".hidden.yaml": svc("e", 5), "readme.md": "# no", "sub/f.yaml": svc("f", 6), "g.yaml/h.yaml": svc("h", 7),
		"dep.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n", "nothing.yaml": "# no\n",
	}, "")
	w.must(w.source.Load())
	w.want("a=1 b=2 c=80 d=4", "")
	st := w.source.Stats()
	want := Stats{Files: 6, Objects: 4, Reloads: 1, Foreign: map[string]int{"Deployment.apps": 1}}
	if d := cmp.Diff(want, st); d != "" {
		t.Error(d)
	}
	<-w.store.Wake()
	if d := w.store.Take(); len(d.Keys) != 4 {
		t.Errorf("marks %+v", d)
	}
}

// TestLoadFiles: a file may have any name, arguments rule the order, and a file
// that two arguments name is read once.
func TestLoadFiles(t *testing.T) {
	w := newWorld(t, map[string]string{"z/manifest": svc("a", 1), "m/a.yaml": svc("a", 2), "m/b.yaml": svc("b", 3)},
		"z/manifest", "m", "m/b.yaml")
	w.must(w.source.Load())
	w.want("a=1 b=3", "DuplicateObject m/a.yaml")
}

func TestLoadFails(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		paths []string
		want  []string // parts of the error
	}{
		{"no such path", nil, []string{"none"}, []string{"none", "does not exist"}},
		{"one of two", map[string]string{"a.yaml": svc("a", 1)}, []string{"", "none"}, []string{"none"}},
		{"both", nil, []string{"none", "nil"}, []string{"none", "nil"}},
		{"an empty folder", map[string]string{"sub/readme": ""}, []string{"sub"}, []string{"sub", ".yaml"}},
		{"a loop of links", map[string]string{"ring.yaml": "->ring.yaml"}, []string{"ring.yaml"}, []string{"ring.yaml"}},
		{"nothing but a loop of links", map[string]string{"sub/ring.yaml": "->ring.yaml"}, []string{"sub"}, []string{"sub", "can be read"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, nil, tc.paths...)
			for name, data := range tc.files {
				w.write(name, data)
				if target, link := strings.CutPrefix(data, "->"); link {
					w.must(os.Remove(w.path(name)))
					w.must(os.Symlink(target, w.path(name)))
				}
			}
			err := w.source.Load()
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if keys := w.store.Keys(); len(keys) > 0 {
				t.Errorf("wrote %v", keys)
			}
		})
	}
}

// TestReload goes through the life of a folder, a look at a time.
func TestReload(t *testing.T) {
	w := newWorld(t, map[string]string{"a.yaml": svc("a", 1) + "---\n" + svc("b", 2)}, "")
	w.must(w.source.Load())
	look := func(services, problems string) {
		t.Helper()
		w.source.reload(nil, true)
		w.want(services, problems)
	}
	w.write("a.yaml", svc("a", 1)+"---\n{")
	look("a=1 b=2", "Unparsable a.yaml")
	w.write("a.yaml", svc("a", 3)+"---\n{")
	look("a=3 b=2", "Unparsable a.yaml")
	w.write("a.yaml", svc("a", 3)+"---\n"+strings.Replace(svc("b", 4), "port:", "prot:", 1))
	look("a=3 b=2", "UnknownField a.yaml")
	w.write("0.yaml", svc("a", 9))
	look("a=9 b=2", "DuplicateObject a.yaml, UnknownField a.yaml")
	w.must(os.Remove(w.path("a.yaml")))
	look("a=9", "")
	w.must(os.Rename(w.path("0.yaml"), w.path("1.yaml")))
	look("a=9", "")
	w.must(os.Symlink("ring.yaml", w.path("ring.yaml")))
	look("a=9", "Unparsable ring.yaml")
	w.must(os.Remove(w.path("ring.yaml")))
	look("a=9", "")
	w.must(os.RemoveAll(w.dir))
	look("a=9", "Unparsable .")
	w.write("1.yaml", svc("a", 10))
	look("a=10", "")
}

// TestUnreadable: a file that cannot be read any more keeps what it gave.
func TestUnreadable(t *testing.T) {
	w := newWorld(t, map[string]string{"a.yaml": svc("a", 1), "b.yaml": svc("b", 1)}, "")
	w.must(w.source.Load())
	w.must(os.Remove(w.path("a.yaml")))
	w.must(os.Symlink("a.yaml", w.path("a.yaml")))
	w.source.reload(nil, false)
	w.want("a=1 b=1", "Unparsable a.yaml")
	if st := w.source.Stats(); !slices.Equal(st.Unreadable, []string{w.path("a.yaml")}) || st.Reloads != 2 {
		t.Errorf("%+v", st)
	}
	w.source.reload(nil, false)
	if st := w.source.Stats(); st.Reloads != 2 {
		t.Errorf("published again: %+v", st)
	}
	w.replace("a.yaml", svc("a", 2))
	w.source.reload(nil, false)
	w.want("a=2 b=1", "")
}

// TestFence: a rule refused from the start leaves its fence, admitted once it stays.
func TestFence(t *testing.T) {
	bad := strings.Replace(rule, "host: x", "host: x\n  unknown: 1", 1)
	w := newWorld(t, map[string]string{"r.yaml": bad}, "")
	key := model.ServiceKey("default", "x")
	state := func() string {
		w.source.reload(nil, true)
		o := w.store.Objects(key)
		return fmt.Sprint(len(o.Rules), len(o.Fences), len(w.source.Stats().Unadmitted), len(w.source.Stats().Held))
	}
	w.must(w.source.Load())
	for _, step := range []struct{ data, want string }{
		{bad, "0 1 1 0"},
		{rule, "1 0 0 0"},
		{bad, "1 0 0 1"},
		{"", "0 0 0 0"},
		{bad, "0 1 1 0"},
	} {
		w.replace("r.yaml", step.data+"# so that it is not empty\n")
		if got := state(); got != step.want {
			t.Errorf("rules, fences, unadmitted, held: %s, want %s", got, step.want)
		}
	}
}

// TestEmptied: a truncated file is about to be written; if it is not, it is empty.
func TestEmptied(t *testing.T) {
	w := newWorld(t, map[string]string{"a.yaml": svc("a", 1)}, "")
	w.must(w.source.Load())
	w.write("a.yaml", "")
	again := w.source.reload(nil, false)
	w.want("a=1", "")
	if again == 0 {
		t.Fatal("will not look again")
	}
	for id := range w.source.seen { // as if the grace had passed
		w.source.seen[id].emptied = time.Now().Add(-emptyGrace)
	}
	if again := w.source.reload(nil, false); again != 0 {
		t.Error("still waiting")
	}
	w.want("", "")
}

// TestUnchanged: what holds the same bytes is not parsed and not published again.
func TestUnchanged(t *testing.T) {
	w := newWorld(t, map[string]string{"a.yaml": svc("a", 1), "b.yaml": svc("b", 1)}, "")
	w.must(w.source.Load())
	w.replace("a.yaml", svc("a", 1))
	w.source.reload(map[string]bool{w.path("b.yaml"): true}, false)
	if n := w.source.Stats().Reloads; n != 1 {
		t.Errorf("%d reloads", n)
	}
	now, err := os.Stat(w.path("a.yaml"))
	w.must(err)
	if !unchanged(w.source.seen[fileID{0, w.path("a.yaml")}].info, now) {
		t.Error("will be read again without need")
	}
}
