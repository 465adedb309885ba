package files

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// sourceName is under which name the store keeps the problems of files.
const sourceName = "files"

// emptyGrace is how long a file that held something must stay empty before that
// counts: whoever truncates a file is usually about to write it. So it is with
// objects that go from a file written in place: the first half of a file may
// parse, and looks as if the other half had been deleted.
const emptyGrace = 250 * time.Millisecond

// Stats is what the source has read, for /readyz and metrics.
type Stats struct {
	// Files are those that were read and are there.
	Files int
	// Objects that the store holds from them, fences not counted.
	Objects int
	// Reloads counts what was written to the store, the first load included.
	Reloads uint64
	// Foreign counts skipped objects by KIND.GROUP (semantics 8.4).
	Foreign map[string]int
	// Held are objects whose edit was refused: their last admitted form stays, and
	// another replica may not have it (semantics 8.1). Sorted.
	Held []model.ObjectRef
	// Unadmitted are refused objects that were never admitted: absent but for
	// their fence. Sorted.
	Unadmitted []model.ObjectRef
	// Unreadable are the files and folders that cannot be read now. Sorted.
	Unreadable []string
}

// Source reads files into a store. Load, then Run, belong to one goroutine at a
// time; Stats may be called by any.
type Source struct {
	paths []string
	store *store.Store
	log   *slog.Logger

	credentials []string // folders of secrets, absolute
	found       []string // files in them, as of the last look
	generation  int      // of found

	set     *set
	seen    map[fileID]*seen
	folders map[int]bool // arguments that were folders when last seen
	trouble map[fileID]error
	told    map[model.Problem]bool // problems that are in the log
	looked  map[string]certificate // of Gateways, by path
	reloads uint64
	stats   atomic.Pointer[Stats]
	beat    atomic.Int64 // when Run last moved, in Unix nanoseconds; 0 while it does not run

	rescan time.Duration
}

// seen is what a file was when it was read last.
type seen struct {
	info    fs.FileInfo // as of before reading; nil: read it again
	hash    xxh3.Uint128
	size    int
	secrets int       // the generation of credentials it was parsed with
	emptied time.Time // when it was first found to lack what it held, as half
	half    xxh3.Uint128
	waiting bool // read it again: it lacks what it held, not for long
}

// New returns a source for files and folders. Of two files that give one object
// the one of the first argument wins, in a folder the first by name.
func New(paths []string, st *store.Store, log *slog.Logger, options ...Option) *Source {
	s := &Source{
		paths: slices.Clone(paths), store: st, log: log,
		set: newSet(), seen: map[fileID]*seen{}, folders: map[int]bool{},
		trouble: map[fileID]error{}, told: map[model.Problem]bool{},
		rescan: defaultRescan,
	}
	for _, o := range options {
		o(s)
	}
	s.stats.Store(&Stats{Foreign: map[string]int{}})
	return s
}

// Stats is what was read, as of the last reload. The caller must not modify it.
func (s *Source) Stats() Stats { return *s.stats.Load() }

// Load reads everything and writes it to the store at once. It fails, naming each
// such path and writing nothing, if a path does not exist or no file of it can be
// read. What is wrong inside the files is no error but a Problem.
func (s *Source) Load() error {
	s.renewed()
	found := list(s.paths, nil)
	sc := s.scan(found, nil, true)
	if err := found.check(s.paths, sc.read, sc.trouble); err != nil {
		return err
	}
	s.folders = found.folders
	s.publish(sc)
	return nil
}

// reload brings the store up to date with the files. named are files that
// something happened to, cleaned: they are read whatever they look like; all does
// so with every file. again says when to look again, 0 for no reason to.
func (s *Source) reload(named map[string]bool, all bool) (again time.Duration) {
	all = s.renewed() || all
	found := list(s.paths, s.folders)
	s.folders = found.folders
	sc := s.scan(found, named, all)
	if len(sc.edits) > 0 || !sameTrouble(s.trouble, sc.trouble) {
		s.publish(sc)
	}
	return sc.again
}

// scan is what changed since the last look, and what could not be seen.
type scan struct {
	edits   map[fileID]*contents
	read    map[fileID]bool
	trouble map[fileID]error
	again   time.Duration
}

// scan reads the files that changed. It notes what it saw in s.seen, and leaves
// s.set to publish.
func (s *Source) scan(found listing, named map[string]bool, all bool) scan {
	sc := scan{edits: map[fileID]*contents{}, read: map[fileID]bool{}, trouble: map[fileID]error{}}
	for arg, err := range found.failed {
		sc.trouble[fileID{arg, s.paths[arg]}] = err
	}
	there := map[fileID]bool{}
	for _, e := range found.entries {
		was := s.seen[e.id]
		if was != nil && !was.waiting && !all && !named[filepath.Clean(e.id.name)] && unchanged(was.info, e.info) {
			there[e.id] = true
			continue
		}
		if s.readFile(e, &sc) {
			there[e.id] = true
		}
	}
	for id := range s.seen {
		if !there[id] && found.failed[id.arg] == nil {
			delete(s.seen, id)
			sc.edits[id] = nil
		}
	}
	return sc
}

// readFile reads one file into the scan; false if it is gone.
func (s *Source) readFile(e entry, sc *scan) bool {
	data, err := os.ReadFile(e.id.name)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	was := s.seen[e.id]
	if err != nil {
		sc.trouble[e.id] = bare(err)
		if was != nil {
			was.info = nil
		}
		return true
	}
	sc.read[e.id] = true
	now := &seen{info: e.info, hash: xxh3.Hash128(data), size: len(data), secrets: s.generation}
	if was != nil && was.hash == now.hash && was.size == now.size && was.secrets == now.secrets {
		was.info, was.emptied, was.waiting = now.info, time.Time{}, false
		return true
	}
	c := parseWith(s.options(), e.id.name, data)
	if was != nil && s.lacks(e, was, now, c) && !was.outlasted(now.hash) {
		was.waiting, sc.again = true, emptyGrace
		return true
	}
	s.seen[e.id] = now
	sc.edits[e.id] = &c
	return true
}

// lacks says that a file is empty that was not, or was written in place and no
// longer gives all that it gave. One that was put in its place is whole.
func (s *Source) lacks(e entry, was, now *seen, c contents) bool {
	if was.size > 0 && now.size == 0 {
		return true
	}
	if c.partial || !os.SameFile(was.info, e.info) { // what does not parse deletes nothing
		return false
	}
	given := make(map[model.ObjectRef]bool, len(c.objects))
	for _, o := range c.objects {
		given[o.ref] = true
	}
	return slices.ContainsFunc(s.set.files[e.id].objects, func(o object) bool { return !given[o.ref] })
}

// outlasted says that the file has lacked what it held, and been as it is, for
// long enough.
func (f *seen) outlasted(half xxh3.Uint128) bool {
	if f.emptied.IsZero() || f.half != half {
		f.half, f.emptied = half, time.Now()
	}
	return time.Since(f.emptied) >= emptyGrace
}

// unchanged says that a file looks as it did when it was read.
func unchanged(was, now fs.FileInfo) bool {
	return was != nil && now != nil && os.SameFile(was, now) &&
		was.Size() == now.Size() && was.ModTime().Equal(now.ModTime())
}

// publish writes a scan to the store: problems first, so that whoever is woken by
// the change finds them, then all changes at once.
func (s *Source) publish(sc scan) {
	changes := s.set.update(sc.edits)
	s.trouble = sc.trouble
	problems := append(s.set.problems(), troubles(sc.trouble)...)
	s.store.SetProblems(sourceName, problems)
	s.store.Apply(changes)
	s.reloads++
	s.report(problems)
	s.log.Info("files loaded", "read", len(sc.edits), "changes", len(changes), "problems", len(problems))
}

// report updates the stats and logs each new problem once.
func (s *Source) report(problems []model.Problem) {
	st := s.set.stats()
	st.Reloads = s.reloads
	for id := range s.trouble {
		st.Unreadable = append(st.Unreadable, id.name)
	}
	slices.Sort(st.Unreadable)
	s.stats.Store(&st)
	told := make(map[model.Problem]bool, len(problems))
	for _, p := range problems {
		told[p] = true
		if !s.told[p] {
			s.log.Log(context.Background(), level(p.Severity), "problem", "object", p.Object.String(), "field", p.Field,
				"reason", p.Reason, "message", p.Message, "file", p.File, "document", p.Document)
		}
	}
	s.told = told
}

func level(severity model.Severity) slog.Level {
	switch severity {
	case model.Error:
		return slog.LevelError
	case model.Warning:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// troubles are the Problems of what cannot be read.
func troubles(trouble map[fileID]error) []model.Problem {
	var ps []model.Problem
	for _, id := range slices.SortedFunc(maps.Keys(trouble), fileID.compare) {
		ps = append(ps, fileProblem(id.name, 0, "cannot be read, what it gave last stays: "+trouble[id].Error()))
	}
	return ps
}

func sameTrouble(a, b map[fileID]error) bool {
	return maps.EqualFunc(a, b, func(x, y error) bool { return x.Error() == y.Error() })
}
