package store

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Objects is all that is known about one service. Its cost is that of the
// service's own slices, pods and rules, and of the wildcard rules.
func (s *Store) Objects(key model.Key) ingest.Objects {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := ingest.Objects{
		Key:       key,
		Service:   s.services[key],
		Nodes:     s.nodes.all(),
		Pods:      map[ingest.PodName]*corev1.Pod{},
		Namespace: s.namespaces[key.Namespace],
		Mesh:      s.mesh,
	}
	s.rules.gather(&o, s.entries)
	s.addEntries(&o)
	s.addWaypoint(&o)
	o.Routing = s.routing(s.routes.ofService[key], nil)
	named := s.slices[key]
	for _, name := range slices.Sorted(maps.Keys(named)) {
		slice := named[name].slice()
		o.Slices = append(o.Slices, slice)
		for pod := range targets(slice) {
			if p := s.pods[pod]; p != nil {
				o.Pods[pod] = p
			}
		}
	}
	return o
}

// Keys is every key that has a Service or a ServiceEntry, a rule or fence with an
// exact host, or a route with it as a parent; sorted.
func (s *Store) Keys() []model.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(s.known.all(), model.Key.Compare)
}

// Marked says whether something is marked that no Take has taken yet.
func (s *Store) Marked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.marks.since.IsZero()
}

// Mesh is what holds for all services.
func (s *Store) Mesh() ingest.Mesh {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mesh
}

// Nodes is what is known of all Nodes: immutable, another one after a change.
func (s *Store) Nodes() *ingest.Nodes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nodes.all()
}

// Pod returns a Pod, nil if it is not known.
func (s *Store) Pod(name ingest.PodName) *corev1.Pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pods[name]
}

// PodsIn are the Pods of a namespace, by name.
func (s *Store) PodsIn(namespace string) []*corev1.Pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.workloads[namespace]
	if w == nil {
		return nil
	}
	out := make([]*corev1.Pod, 0, len(w.pods))
	for _, name := range slices.Sorted(maps.Keys(w.pods)) {
		out = append(out, w.pods[name])
	}
	return out
}

// Namespace returns a Namespace, nil if it is not known.
func (s *Store) Namespace(name string) *corev1.Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.namespaces[name]
}

// targets are the Pods behind a slice's endpoints.
func targets(slice *discoveryv1.EndpointSlice) func(yield func(ingest.PodName) bool) {
	return func(yield func(ingest.PodName) bool) {
		for i := range slice.Endpoints {
			if pod, ok := target(slice, &slice.Endpoints[i]); ok && !yield(pod) {
				return
			}
		}
	}
}

// target is the Pod behind one endpoint; without a namespace it is in the slice's own.
func target(slice *discoveryv1.EndpointSlice, e *discoveryv1.Endpoint) (ingest.PodName, bool) {
	ref := e.TargetRef
	if ref == nil || ref.Kind != "Pod" {
		return ingest.PodName{}, false
	}
	pod := ingest.PodName{Namespace: ref.Namespace, Name: ref.Name}
	if pod.Namespace == "" {
		pod.Namespace = slice.Namespace
	}
	return pod, true
}
