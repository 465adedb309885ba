package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long after the last event the files are read.
	settle = 20 * time.Millisecond
	// settleLimit is how long after the first event they are read in any case.
	settleLimit = 100 * time.Millisecond
	// defaultRescan is how often the files are looked at without any event, for
	// what no watch sees: links, folders that come back, lost watches.
	defaultRescan = 2 * time.Second
)

// Run keeps the store up to date with the files until ctx ends, and returns nil
// then. Load must have succeeded. If the system grants no watch, that is logged
// and the files are looked at every two seconds.
func (s *Source) Run(ctx context.Context) error {
	w := s.newWatch()
	defer w.close()
	var p pending
	p.all = true // changes between Load and the watch have no event
	timer := time.NewTimer(0)
	defer timer.Stop()
	tick := time.NewTicker(s.rescan)
	defer tick.Stop()
	defer s.beat.Store(0)
	for {
		s.beat.Store(time.Now().UnixNano())
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.events:
			w.gone(e)
			timer.Reset(p.note(filepath.Clean(e.Name), time.Now()))
		case err := <-w.errors:
			s.log.Warn("watching files: events were lost, reading all", "error", err)
			p.all = true
			timer.Reset(p.note("", time.Now()))
		case <-tick.C:
			if p.first.IsZero() { // else the timer is about to
				p.all = w.renew() || p.all
				s.look(&p, timer)
			}
		case <-timer.C:
			p.all = w.renew() || p.all
			s.look(&p, timer)
		}
	}
}

// stuck is how long one look at the files may take.
const stuck = time.Minute

// Alive says that Run moves: no read of a file has blocked it for a minute. It is
// true while Run does not run.
func (s *Source) Alive() bool {
	last := s.beat.Load()
	return last == 0 || time.Since(time.Unix(0, last)) < stuck+s.rescan
}

// look reloads what is pending, and plans another look where one is needed.
func (s *Source) look(p *pending, timer *time.Timer) {
	again := s.reload(p.names, p.all)
	*p = pending{}
	if again > 0 {
		timer.Reset(again)
	}
}

// pending is what events have named since the last look.
type pending struct {
	names map[string]bool
	first time.Time
	all   bool
}

// note adds a name and says how long to wait now.
func (p *pending) note(name string, now time.Time) time.Duration {
	if p.first.IsZero() {
		p.first, p.names = now, map[string]bool{}
	}
	p.names[name] = true
	return max(0, min(settle, p.first.Add(settleLimit).Sub(now)))
}

// watch holds a watch on every folder that matters: those that are arguments, and
// those of the files that are.
type watch struct {
	source  *Source
	watcher *fsnotify.Watcher // nil if the system grants none
	events  <-chan fsnotify.Event
	errors  <-chan error
	on      map[string]fs.FileInfo // folders that are watched, as they were then
	failed  map[string]string      // folders that are not, and why; logged
}

func (s *Source) newWatch() *watch {
	w := &watch{source: s, on: map[string]fs.FileInfo{}, failed: map[string]string{}}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		s.log.Warn("files are not watched but looked at from time to time", "every", s.rescan, "error", err)
		return w
	}
	w.watcher, w.events, w.errors = watcher, watcher.Events, watcher.Errors
	w.renew()
	return w
}

func (w *watch) close() {
	if w.watcher != nil {
		_ = w.watcher.Close() // nothing is to be done about it
	}
}

// gone forgets the watch on a folder that was itself removed or renamed.
func (w *watch) gone(e fsnotify.Event) {
	name := filepath.Clean(e.Name)
	if w.on[name] != nil && e.Has(fsnotify.Remove|fsnotify.Rename) {
		w.drop(name)
	}
}

func (w *watch) drop(folder string) {
	delete(w.on, folder)
	if err := w.watcher.Remove(folder); err != nil && !errors.Is(err, fsnotify.ErrNonExistentWatch) {
		w.source.log.Debug("removing a watch", "folder", folder, "error", err)
	}
}

// renew watches every folder that is not watched, or that is another one by now
// under the same name. It says whether a watch is new: events may be missing.
func (w *watch) renew() (renewed bool) {
	if w.watcher == nil {
		return false
	}
	for arg, path := range w.source.paths {
		folder := filepath.Clean(path)
		if !w.source.folders[arg] {
			folder = filepath.Dir(folder)
		}
		info, err := os.Stat(folder)
		if err == nil && w.on[folder] != nil && os.SameFile(w.on[folder], info) {
			continue
		}
		if w.on[folder] != nil {
			w.drop(folder)
		}
		if err == nil {
			err = w.watcher.Add(folder)
		}
		if err != nil {
			w.fail(folder, err)
			continue
		}
		w.on[folder] = info
		delete(w.failed, folder)
		renewed = true
	}
	return renewed
}

// fail logs why a folder is not watched, once per cause.
func (w *watch) fail(folder string, err error) {
	if w.failed[folder] != err.Error() {
		w.failed[folder] = err.Error()
		w.source.log.Warn("a folder is not watched but looked at from time to time",
			"folder", folder, "every", w.source.rescan, "error", err)
	}
}
