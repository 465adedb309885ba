package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"
)

// customSink is where the reflector of one kind writes.
type customSink struct {
	custom  *custom
	kind    crd
	version string
	done    func() // after each full read
	deaf    bool   // guarded by custom.mu: another one has taken over
	busy
}

var _ recipient = (*customSink)(nil)

func (s *customSink) count() int {
	s.custom.mu.Lock()
	defer s.custom.mu.Unlock()
	return len(s.custom.memory.records[s.kind.refKind()])
}

// Transformer makes the reflector trim what it collects before it replaces.
func (s *customSink) Transformer() cache.TransformFunc { return withoutManagers }

// Add takes an object that came.
func (s *customSink) Add(object any) error { return s.put(object) }

// Update takes an object that changed.
func (s *customSink) Update(object any) error { return s.put(object) }

func (s *customSink) put(object any) error {
	defer s.write()()
	o, err := s.custom.observe(s.kind, s.version, object)
	if err != nil {
		return err
	}
	s.custom.mu.Lock()
	defer s.custom.mu.Unlock()
	if !s.deaf {
		s.custom.publish(s.custom.memory.put(o))
	}
	return nil
}

// Delete takes an object that is gone.
func (s *customSink) Delete(object any) error {
	defer s.write()()
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return fmt.Errorf("%T is no object", object)
	}
	s.custom.mu.Lock()
	defer s.custom.mu.Unlock()
	if !s.deaf {
		s.custom.publish(s.custom.memory.gone(s.kind.ref(u)))
	}
	return nil
}

// Replace takes everything that there is, at once. One that names no object is left
// out: nothing else suffers from it.
func (s *customSink) Replace(objects []any, _ string) error {
	defer s.write()()
	all := make([]observed, 0, len(objects))
	for _, object := range objects {
		o, err := s.custom.observe(s.kind, s.version, object)
		if err != nil {
			s.custom.log.Error("an object of the API server cannot be read, and is left out", "kind", s.kind.String(), "error", err)
			continue
		}
		all = append(all, o)
	}
	s.replace(all)
	s.done()
	s.custom.settle()
	return nil
}

func (s *customSink) replace(all []observed) {
	c := s.custom
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.deaf {
		return
	}
	c.publish(c.memory.replace(s.kind.refKind(), all))
	st := c.kinds[s.kind]
	st.synced, st.denied, st.doubted = true, false, false
}

// Resync has nothing to do: no period is set.
func (s *customSink) Resync() error { return nil }

// withoutManagers drops what is large and not ours.
func withoutManagers(object any) (any, error) {
	if u, ok := object.(*unstructured.Unstructured); ok {
		unstructured.RemoveNestedField(u.Object, "metadata", "managedFields")
	}
	return object, nil
}
