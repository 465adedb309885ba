package files

import (
	"cmp"
	"slices"
	"strings"
)

// Foreign is an object of a kind that is not read: it was skipped (semantics 8.4).
type Foreign struct {
	// Kind is KIND.GROUP, or KIND for the group without a name.
	Kind string
	// Namespace and Name are as written, perhaps "".
	Namespace, Name string
	// File and Document (from 0) are where it stands.
	File     string
	Document int
}

// Foreign lists what was skipped, sorted. Like Load it belongs to one goroutine at a
// time.
func (s *Source) Foreign() []Foreign {
	var all []Foreign
	for _, c := range s.set.files {
		all = append(all, c.foreign...)
	}
	slices.SortFunc(all, func(a, b Foreign) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name),
			strings.Compare(a.File, b.File), cmp.Compare(a.Document, b.Document))
	})
	return all
}
