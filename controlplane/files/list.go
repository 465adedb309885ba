package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// entry is a file that is there now. info is nil if it cannot be looked at.
type entry struct {
	id   fileID
	info fs.FileInfo
}

// listing is what the arguments name now.
type listing struct {
	entries []entry
	// failed says which arguments cannot be listed, and why: nothing is known of
	// their files, so that none of them is gone.
	failed map[int]error
	// folders are the arguments that are folders.
	folders map[int]bool
	// repeats are the arguments that name a file of an earlier one.
	repeats map[int]bool
}

// list looks at every argument. A file that several arguments name belongs to the
// first of them. An argument that is gone has failed, whatever it was: the user
// named it, so what it gave stays. A file of a folder is just gone. wasFolder is
// nil at the first look.
func list(paths []string, wasFolder map[int]bool) listing {
	l := listing{failed: map[int]error{}, folders: map[int]bool{}, repeats: map[int]bool{}}
	named := map[string]bool{}
	for arg, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && wasFolder == nil:
		case err != nil:
			l.failed[arg], l.folders[arg] = bare(err), wasFolder[arg]
		case info.IsDir():
			l.folders[arg] = true
			l.folder(arg, path, named)
		case !info.Mode().IsRegular():
			l.failed[arg] = errors.New("neither a file nor a folder")
		default:
			l.add(entry{fileID{arg, path}, info}, named)
		}
	}
	return l
}

// folder lists the manifests of a folder. What is neither a file nor a link to
// one is skipped: opening a pipe would block.
func (l *listing) folder(arg int, path string, named map[string]bool) {
	found, err := os.ReadDir(path)
	if err != nil {
		l.failed[arg] = bare(err)
		return
	}
	for _, f := range found {
		name := filepath.Join(path, f.Name())
		if !isManifest(f.Name()) {
			continue
		}
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			l.add(entry{id: fileID{arg, name}}, named)
		case info.Mode().IsRegular():
			l.add(entry{fileID{arg, name}, info}, named)
		}
	}
}

func (l *listing) add(e entry, named map[string]bool) {
	full, err := filepath.Abs(e.id.name)
	if err != nil {
		full = e.id.name
	}
	if named[full] {
		l.repeats[e.id.arg] = true
		return
	}
	named[full] = true
	l.entries = append(l.entries, e)
}

// isManifest is kubectl's habit for files of a folder, less hidden ones.
func isManifest(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return !strings.HasPrefix(name, ".")
	}
	return false
}

// check says what is wrong with the arguments of a first load: each must exist
// and name a file that could be read.
func (l listing) check(paths []string, read map[fileID]bool, unreadable map[fileID]error) error {
	files, good := map[int]int{}, map[int]bool{}
	cause := map[int]error{}
	for _, e := range l.entries {
		files[e.id.arg]++
		good[e.id.arg] = good[e.id.arg] || read[e.id]
		if err := unreadable[e.id]; err != nil && cause[e.id.arg] == nil {
			cause[e.id.arg] = err
		}
	}
	var errs []error
	for arg, path := range paths {
		switch {
		case good[arg], files[arg] == 0 && l.repeats[arg]:
		case l.failed[arg] != nil:
			errs = append(errs, fmt.Errorf("%s: %w", path, l.failed[arg]))
		case cause[arg] != nil:
			errs = append(errs, fmt.Errorf("%s: nothing in it can be read: %w", path, cause[arg]))
		case l.folders[arg]:
			errs = append(errs, fmt.Errorf("%s: no file in this folder ends in .yaml, .yml or .json", path))
		default:
			errs = append(errs, fmt.Errorf("%s: %w", path, fs.ErrNotExist))
		}
	}
	return errors.Join(errs...)
}

// bare is the cause alone: messages name the path themselves.
func bare(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
