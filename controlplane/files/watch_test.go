package files

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// run loads, and watches until the test ends.
func (w *world) run() {
	w.t.Helper()
	w.must(w.source.Load())
	w.watch()
}

func (w *world) watch() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.source.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
}

// soon waits until the store holds these services.
func (w *world) soon(services string) {
	w.t.Helper()
	w.eventually("services", services, w.services)
}

// eventually waits until get says want.
func (w *world) eventually(what, want string, get func() string) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for get() != want {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s %q, want %q", what, get(), want)
		}
		time.Sleep(time.Millisecond)
	}
}

// withoutRescan leaves a source its events alone.
func (w *world) withoutRescan() *world {
	w.source.rescan = time.Hour
	return w
}

func TestWatchFolder(t *testing.T) {
	w := newWorld(t, map[string]string{"a.yaml": svc("a", 1)}, "").withoutRescan()
	w.run()
	w.soon("a=1")
	w.write("b.yaml", svc("b", 1))
	w.soon("a=1 b=1")
	w.write("a.yaml", svc("a", 2))
	w.soon("a=2 b=1")
	w.replace("a.yaml", svc("a", 3))
	w.soon("a=3 b=1")
	w.must(os.Rename(w.path("b.yaml"), w.path("c.yml")))
	w.replace("a.yaml", svc("a", 4))
	w.soon("a=4 b=1")
	w.must(os.Remove(w.path("c.yml")))
	w.soon("a=4")
	w.write("a.yaml", "")
	w.soon("")
}

// TestWatchBegins: a change between Load and Run has no event, and may not even
// show in the file's size and time.
func TestWatchBegins(t *testing.T) {
	w := newWorld(t, map[string]string{"a.yaml": svc("a", 1)}, "").withoutRescan()
	before, err := os.Stat(w.path("a.yaml"))
	w.must(err)
	w.must(w.source.Load())
	w.write("a.yaml", svc("a", 2))
	w.must(os.Chtimes(w.path("a.yaml"), before.ModTime(), before.ModTime()))
	w.watch()
	w.soon("a=2")
}

func TestWatchFile(t *testing.T) {
	w := newWorld(t, map[string]string{"a": svc("a", 1)}, "a").withoutRescan()
	w.run()
	w.write("b.yaml", svc("b", 1)) // not an argument
	w.replace("a", svc("a", 2))
	w.soon("a=2")
	w.write("a", svc("a", 3))
	w.soon("a=3")
	w.must(os.Remove(w.path("a")))
	w.eventually("problems", "Unparsable a", w.problems)
	w.soon("a=3") // what the user named does not go silently
	w.write("a", svc("a", 4))
	w.soon("a=4")
}

// TestWatchRelative: a path that is not clean is watched as well.
func TestWatchRelative(t *testing.T) {
	w := newWorld(t, map[string]string{"m/a.yaml": svc("a", 1), "b.yaml": svc("b", 1)}).withoutRescan()
	t.Chdir(w.dir)
	w.source = New([]string{"./m/", "./b.yaml"}, w.store, w.source.log)
	w.withoutRescan().run()
	w.write("m/a.yaml", svc("a", 2))
	w.soon("a=2 b=1")
	w.write("b.yaml", svc("b", 2))
	w.soon("a=2 b=2")
}

// TestWatchMounted is how Kubernetes mounts a ConfigMap: one rename of a hidden
// link changes every file.
func TestWatchMounted(t *testing.T) {
	w := newWorld(t, map[string]string{"..1/a.yaml": svc("a", 1), "..2/a.yaml": svc("a", 2)}, "").withoutRescan()
	w.must(os.Symlink("..1", w.path("..data")))
	w.must(os.Symlink("..data/a.yaml", w.path("a.yaml")))
	w.run()
	w.soon("a=1")
	w.must(os.Symlink("..2", w.path("..tmp")))
	w.must(os.Rename(w.path("..tmp"), w.path("..data")))
	w.soon("a=2")
}

// TestWatchFolderComesBack: a removed folder keeps its objects, and is read and
// watched again when it is there again.
func TestWatchFolderComesBack(t *testing.T) {
	w := newWorld(t, map[string]string{"m/a.yaml": svc("a", 1)}, "m")
	w.source.rescan = 50 * time.Millisecond
	w.run()
	w.must(os.Rename(w.path("m"), w.path("away"))) // at once: a look in the middle of a removal would find an empty folder
	w.eventually("problems", "Unparsable m", w.problems)
	w.soon("a=1")
	w.write("m/b.yaml", svc("b", 1))
	w.soon("b=1")
	w.write("m/b.yaml", svc("b", 2))
	w.soon("b=2")
}

// TestRescan: what no watch sees is found all the same: a link's target, and a
// folder that is a link.
func TestRescan(t *testing.T) {
	w := newWorld(t, map[string]string{"far/a.yaml": svc("a", 1), "1/b.yaml": svc("b", 1), "2/b.yaml": svc("b", 22), "near/readme": ""}, "near", "cur")
	w.must(os.Symlink("../far/a.yaml", w.path("near/a.yaml")))
	w.must(os.Symlink("1", w.path("cur")))
	w.source.rescan = 50 * time.Millisecond
	w.run()
	w.write("far/a.yaml", svc("a", 99))
	w.soon("a=99 b=1")
	w.must(os.Symlink("2", w.path("next")))
	w.must(os.Rename(w.path("next"), w.path("cur")))
	w.soon("a=99 b=22")
	w.write("2/b.yaml", svc("b", 23))
	w.soon("a=99 b=23")
}

// TestNotWatched: without any watch the files are looked at.
func TestNotWatched(t *testing.T) {
	w := newWorld(t, map[string]string{"a.yaml": svc("a", 1)}, "")
	w.must(w.source.Load())
	blind := &watch{source: w.source}
	if blind.renew() {
		t.Error("renewed nothing")
	}
	blind.close()
	w.write("a.yaml", svc("a", 11))
	w.source.look(&pending{}, time.NewTimer(time.Hour))
	w.want("a=11", "")
}

// TestManyFiles: a burst ends in the state of the files.
func TestManyFiles(t *testing.T) {
	const n = 200
	w := newWorld(t, map[string]string{"a.yaml": svc("a", 1)}, "").withoutRescan()
	w.run()
	for i := range n {
		w.write(fmt.Sprintf("f%03d.yaml", i), svc(fmt.Sprintf("s%03d", i), 1+i))
	}
	w.eventually("services", strconv.Itoa(n+1), func() string { return strconv.Itoa(len(w.store.Keys())) })
}

// TestSettle: 20 ms after the last event, 100 ms after the first.
func TestSettle(t *testing.T) {
	var p pending
	start := time.Unix(100, 0)
	for _, tc := range []struct{ at, want time.Duration }{
		{0, settle}, {10, settle}, {79, settle}, {90, 10}, {100, 0}, {150, 0},
	} {
		at, want := tc.at*time.Millisecond, tc.want
		if want < settle {
			want *= time.Millisecond
		}
		if got := p.note("f", start.Add(at)); got != want {
			t.Errorf("after %v: wait %v, want %v", at, got, want)
		}
	}
}
