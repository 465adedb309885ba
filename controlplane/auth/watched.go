package auth

import (
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// settled is how old a file must be when it is read to be taken as it is: a younger
// one may be written to again within the clock tick of its file system, and is read
// once more when it is looked at next.
const settled = 2 * time.Second

// watched is a value that is read from files, and read again when they are other
// files: replaced, written to, or, as Kubernetes does with a Secret, reached by a
// symlink that points elsewhere now. What cannot be read changes nothing.
type watched[T any] struct {
	role  string
	paths []string
	load  func() (T, time.Time, error)
	log   *slog.Logger

	mu     sync.Mutex
	value  T
	expiry time.Time
	seen   []os.FileInfo // as they were before the last read; nil for what is not there
	read   time.Time     // when that was
	broken string        // why the last read failed; "" if it did not
	reads  int           // that gave another value than before
}

// newWatched reads for the first time; an error is the caller's.
func newWatched[T any](role string, load func() (T, time.Time, error), log *slog.Logger, paths ...string) (*watched[T], error) {
	w := &watched[T]{role: role, paths: paths, load: load, log: log, seen: stats(paths), read: time.Now()}
	var err error
	if w.value, w.expiry, err = load(); err != nil {
		return nil, err
	}
	return w, nil
}

func stats(paths []string) []os.FileInfo {
	out := make([]os.FileInfo, len(paths))
	for i, path := range paths {
		if info, err := os.Stat(path); err == nil {
			out[i] = info
		}
	}
	return out
}

// get is the newest value that could be read.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	return w.value
}

// look reads again if something is new. The caller holds mu.
func (w *watched[T]) look() {
	now := stats(w.paths)
	if slices.EqualFunc(now, w.seen, same) && !slices.ContainsFunc(now, w.young) {
		return
	}
	changed := !slices.EqualFunc(now, w.seen, same)
	w.seen, w.read = now, time.Now()
	value, expiry, err := w.load()
	if err != nil {
		if w.broken != err.Error() {
			w.log.Warn("new TLS files cannot be used: the former stay in use", "role", w.role, "expires", w.expiry, "err", err)
		}
		w.broken = err.Error()
		return
	}
	if changed || w.broken != "" {
		w.reads++
		w.log.Info("TLS files were read again", "role", w.role, "expires", expiry)
	}
	w.value, w.expiry, w.broken = value, expiry, ""
}

func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// young says that a file was so new when it was read that it may have changed since
// without a sign.
func (w *watched[T]) young(info os.FileInfo) bool {
	return info != nil && w.read.Sub(info.ModTime()) < settled
}

// state is what the figures say.
type state struct {
	role   string
	expiry time.Time
	broken bool
	reads  int
}

func (w *watched[T]) state() state {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	return state{role: w.role, expiry: w.expiry, broken: w.broken != "", reads: w.reads}
}
