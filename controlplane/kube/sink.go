package kube

import (
	"fmt"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/model"
)

// sink is where the reflector of one built-in kind writes: trimmed and admitted, an
// object goes on to our store, where it is held once. It belongs to one reflector at
// a time; its counters may be read by all.
type sink struct {
	kind     string
	store    *store.Store
	trim     cache.TransformFunc
	reports  *reports
	held     map[cache.ObjectName]known // what the API server has
	replaced func()                     // after each full read

	objects atomic.Int64
	busy
}

// known is an object that the API server has: which, and whether the store has a form
// of it.
type known struct {
	uid  types.UID
	form bool
}

// busy knows whether a write runs.
type busy struct {
	since atomic.Int64 // when it began, in Unix nanoseconds; 0 if none does
}

var _ recipient = (*sink)(nil)

func (s *sink) count() int { return int(s.objects.Load()) }

// Transformer makes the reflector trim what it collects of a watch-list.
func (s *sink) Transformer() cache.TransformFunc { return s.trim }

// Add takes an object that came.
func (s *sink) Add(object any) error { return s.put(object) }

// Update takes an object that changed.
func (s *sink) Update(object any) error { return s.put(object) }

func (s *sink) put(object any) error {
	defer s.write()()
	v, change, err := s.admit(object)
	if err != nil {
		return err
	}
	s.reports.file([]verdict{v})
	s.store.ApplyAPI(change)
	s.objects.Store(int64(len(s.held)))
	return nil
}

// Delete takes an object that is gone.
func (s *sink) Delete(object any) error {
	defer s.write()()
	meta, ok := object.(metav1.Object)
	if !ok {
		return fmt.Errorf("%T has no metadata", object)
	}
	v, change := s.gone(cache.NewObjectName(meta.GetNamespace(), meta.GetName()))
	s.reports.file([]verdict{v})
	s.store.ApplyAPI([]store.Change{change})
	s.objects.Store(int64(len(s.held)))
	return nil
}

// Replace takes everything that there is, at once; what is not listed is gone. An
// object that cannot be read is taken for one that did not change.
func (s *sink) Replace(objects []any, _ string) error {
	defer s.write()()
	there := make(map[cache.ObjectName]bool, len(objects))
	verdicts, changes := make([]verdict, 0, len(objects)), make([]store.Change, 0, len(objects))
	for _, o := range objects {
		v, change, err := s.admit(o)
		if err != nil {
			return err
		}
		there[cache.NewObjectName(v.ref.Namespace, v.ref.Name)] = true
		verdicts, changes = append(verdicts, v), append(changes, change...)
	}
	for name := range s.held {
		if !there[name] {
			v, change := s.gone(name)
			verdicts, changes = append(verdicts, v), append(changes, change)
		}
	}
	s.reports.file(verdicts)
	s.store.ApplyAPI(changes)
	s.objects.Store(int64(len(s.held)))
	s.replaced()
	return nil
}

// Resync has nothing to do: no period is set.
func (s *sink) Resync() error { return nil }

// admit says what an object means for the store: a change, or none where its edit
// is refused or it was never admitted (semantics 8.1). One that was deleted and made
// again is another, though the API server may not have said so: where that is refused
// the form of the former goes.
func (s *sink) admit(object any) (verdict, []store.Change, error) {
	trimmed, err := s.trim(object)
	if err != nil {
		return verdict{}, nil, err
	}
	meta := trimmed.(metav1.Object) // trim gives no other
	result, problems := admit.Options{}.Typed(meta)
	name := cache.NewObjectName(result.Ref.Namespace, result.Ref.Name)
	was := s.held[name]
	if result.Object != nil {
		s.held[name] = known{meta.GetUID(), true}
		return verdict{ref: result.Ref, problems: problems, held: was.form}, []store.Change{{Ref: result.Ref, Object: result.Object}}, nil
	}
	is := known{meta.GetUID(), was.form && was.uid == meta.GetUID()}
	s.held[name] = is
	v := verdict{ref: result.Ref, problems: problems, refused: true, held: is.form}
	if was.form && !is.form {
		return v, []store.Change{{Ref: result.Ref}}, nil
	}
	return v, nil, nil
}

func (s *sink) gone(name cache.ObjectName) (verdict, store.Change) {
	delete(s.held, name)
	ref := model.ObjectRef{Kind: s.kind, Namespace: name.Namespace, Name: name.Name}
	return verdict{ref: ref}, store.Change{Ref: ref}
}

// write notes that a write runs, until what it returns is called.
func (s *busy) write() (done func()) {
	s.since.Store(time.Now().UnixNano())
	return func() { s.since.Store(0) }
}

// stuck says that one write has been running for longer than limit.
func (s *busy) stuck(limit time.Duration) bool {
	began := s.since.Load()
	return began != 0 && time.Since(time.Unix(0, began)) > limit
}
