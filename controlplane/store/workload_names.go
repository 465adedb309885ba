package store

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

func podWorkload(name ingest.PodName) model.WorkloadName {
	return model.WorkloadName{Kind: model.PodWorkload, Namespace: name.Namespace, Name: name.Name}
}

// entryWorkload is the WorkloadEntry of a name that may end with the group.
func entryWorkload(name objectName) model.WorkloadName {
	own, _, istio := strings.Cut(name.name, "/")
	return model.WorkloadName{Kind: model.WorkloadEntryWorkload, Istio: istio, Namespace: name.namespace, Name: own}
}

// Workload is the Pod or the WorkloadEntry of a name; both are nil where it is not known.
func (s *Store) Workload(name model.WorkloadName) (*corev1.Pod, *v1alpha1.WorkloadEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name.Kind {
	case model.PodWorkload:
		return s.pods[ingest.PodName{Namespace: name.Namespace, Name: name.Name}], nil
	case model.WorkloadEntryWorkload:
		if w := s.workloads[name.Namespace]; w != nil {
			key := name.Name
			if name.Istio {
				key += "/" + v1alpha1.IstioGroup
			}
			return nil, w.entries[key]
		}
	}
	return nil, nil
}

// WorkloadsIn are the names of the Pods and WorkloadEntries of a namespace, sorted.
func (s *Store) WorkloadsIn(namespace string) []model.WorkloadName {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(s.workloads.names(namespace), model.WorkloadName.Compare)
}

// Workloads are those of all namespaces, sorted.
func (s *Store) Workloads() []model.WorkloadName {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []model.WorkloadName
	for namespace := range maps.Keys(s.workloads) {
		out = slices.AppendSeq(out, s.workloads.names(namespace))
	}
	slices.SortFunc(out, model.WorkloadName.Compare)
	return out
}

// names are those of one namespace, in no order.
func (x workloadIndex) names(namespace string) func(yield func(model.WorkloadName) bool) {
	return func(yield func(model.WorkloadName) bool) {
		w := x[namespace]
		if w == nil {
			return
		}
		for name := range w.pods {
			if !yield(podWorkload(ingest.PodName{Namespace: namespace, Name: name})) {
				return
			}
		}
		for name := range w.entries {
			if !yield(entryWorkload(objectName{namespace, name})) {
				return
			}
		}
	}
}
