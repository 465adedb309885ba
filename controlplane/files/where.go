package files

import "github.com/coastwise/coastwise/translate/model"

// Where says in which file, and in which of its documents (from 0), an object
// stands: that of its claims which counts. ok is false if no file gives it. Like
// Load it belongs to one goroutine at a time.
func (s *Source) Where(ref model.ObjectRef) (file string, document int, ok bool) {
	w, ok := s.set.winner(ref)
	if !ok {
		return "", 0, false
	}
	return s.set.claims[ref][0].file.name, w.document, true
}
