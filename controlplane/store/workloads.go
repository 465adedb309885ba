package store

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// workloadIndex is, by namespace, what entries may select and which select what.
type workloadIndex map[string]*workloads

// workloads are those of one namespace.
type workloads struct {
	pods      map[string]*corev1.Pod
	entries   map[string]*v1alpha1.WorkloadEntry
	selecting map[string]*selection // by the name of the ServiceEntry
	// asking has the same by one of the labels that they ask for, so that a workload
	// costs what may select it and not all entries; without any they are under "".
	asking map[string]map[string]*selection
}

// selection is what one ServiceEntry selects, by name.
type selection struct {
	labels  map[string]string
	keys    []model.Key
	pods    map[string]bool
	entries map[string]bool
}

func (x workloadIndex) of(namespace string) *workloads {
	if x[namespace] == nil {
		x[namespace] = &workloads{
			pods: map[string]*corev1.Pod{}, entries: map[string]*v1alpha1.WorkloadEntry{}, selecting: map[string]*selection{},
			asking: map[string]map[string]*selection{},
		}
	}
	return x[namespace]
}

// tidy forgets a namespace in which nothing is left.
func (x workloadIndex) tidy(namespace string) {
	if w := x[namespace]; w != nil && len(w.pods)+len(w.entries)+len(w.selecting) == 0 {
		delete(x, namespace)
	}
}

// asked is the first label of a selector, "" if it has none.
func (sel *selection) asked() string {
	for _, key := range slices.Sorted(maps.Keys(sel.labels)) {
		return key + "=" + sel.labels[key]
	}
	return ""
}

// candidates are the selections that may select a workload that had some labels and
// has others, each once, by name.
func (w *workloads) candidates(was, is map[string]string) map[string]*selection {
	out := maps.Clone(w.asking[""])
	if out == nil {
		out = map[string]*selection{}
	}
	for _, labels := range []map[string]string{was, is} {
		for key, value := range labels {
			maps.Copy(out, w.asking[key+"="+value])
		}
	}
	return out
}

// selects says whether a selector picks a workload with these labels.
func (sel *selection) selects(labels map[string]string) bool {
	for key, value := range sel.labels {
		if have, ok := labels[key]; !ok || have != value {
			return false
		}
	}
	return true
}

// selectAll finds the workloads of an entry that came.
func (s *Store) selectAll(name objectName, e *v1alpha1.ServiceEntry) {
	w := s.workloads.of(name.namespace)
	sel := &selection{labels: e.Spec.WorkloadSelector.Labels, pods: map[string]bool{}, entries: map[string]bool{}}
	for _, host := range e.Spec.Hosts {
		sel.keys = append(sel.keys, model.Key{Namespace: e.Namespace, Host: host})
	}
	w.selecting[name.name] = sel
	asked := sel.asked()
	if w.asking[asked] == nil {
		w.asking[asked] = map[string]*selection{}
	}
	w.asking[asked][name.name] = sel
	for pod, p := range w.pods {
		if sel.selects(p.Labels) {
			sel.pods[pod] = true
			s.onNode(sel, p, +1)
		}
	}
	for entry, e := range w.entries {
		if sel.selects(ingest.WorkloadLabels(e)) {
			sel.entries[entry] = true
		}
	}
}

// unselect is the inverse of selectAll.
func (s *Store) unselect(name objectName) {
	w := s.workloads[name.namespace]
	if w == nil || w.selecting[name.name] == nil {
		return
	}
	sel := w.selecting[name.name]
	for pod := range sel.pods {
		s.onNode(sel, w.pods[pod], -1)
	}
	delete(w.selecting, name.name)
	if delete(w.asking[sel.asked()], name.name); len(w.asking[sel.asked()]) == 0 {
		delete(w.asking, sel.asked())
	}
	s.workloads.tidy(name.namespace)
}

// onNode counts the services that hang on the Node of a selected Pod.
func (s *Store) onNode(sel *selection, pod *corev1.Pod, by int) {
	if pod.Spec.NodeName == "" {
		return
	}
	for _, key := range sel.keys {
		s.byNode.add(pod.Spec.NodeName, key, by)
	}
}

// selectPod brings up to date what entries select of a Pod that came, went or
// changed, and marks those for whom it is another endpoint now.
func (s *Store) selectPod(name ingest.PodName, old, pod *corev1.Pod) {
	w := s.workloads.of(name.Namespace)
	defer s.workloads.tidy(name.Namespace)
	delete(w.pods, name.Name)
	if pod != nil {
		w.pods[name.Name] = pod
	}
	same := sameEndpoint(old, pod)
	for _, sel := range w.candidates(labelsOf(old), labelsOf(pod)) {
		was, is := sel.pods[name.Name], pod != nil && sel.selects(pod.Labels)
		if was {
			delete(sel.pods, name.Name)
			s.onNode(sel, old, -1)
		}
		if is {
			sel.pods[name.Name] = true
			s.onNode(sel, pod, +1)
		}
		if was != is || is && !same {
			s.marks.all(slices.Values(sel.keys))
		}
	}
}

func labelsOf(pod *corev1.Pod) map[string]string {
	if pod == nil {
		return nil
	}
	return pod.Labels
}

// sameEndpoint compares what ingest reads of a selected Pod.
func sameEndpoint(a, b *corev1.Pod) bool {
	if a == nil || b == nil {
		return a == b
	}
	return sameIdentity(a, b) && sameReadiness(a, b) && sameTunnel(a, b) &&
		(a.DeletionTimestamp == nil) == (b.DeletionTimestamp == nil) &&
		a.Status.Phase == b.Status.Phase && a.Status.PodIP == b.Status.PodIP &&
		slices.Equal(a.Status.PodIPs, b.Status.PodIPs)
}

func (s *Store) setWorkload(name objectName, entry *v1alpha1.WorkloadEntry) {
	w := s.workloads.of(name.namespace)
	defer s.workloads.tidy(name.namespace)
	old, changed := put(w.entries, name.name, entry)
	if !changed {
		return
	}
	s.marks.workload(entryWorkload(name))
	var had, has map[string]string
	if old != nil {
		had = ingest.WorkloadLabels(old)
	}
	if entry != nil {
		has = ingest.WorkloadLabels(entry)
	}
	for _, sel := range w.candidates(had, has) {
		was, is := sel.entries[name.name], entry != nil && sel.selects(has)
		delete(sel.entries, name.name)
		if is {
			sel.entries[name.name] = true
		}
		if was || is {
			s.marks.all(slices.Values(sel.keys))
		}
	}
}

// selected are the workloads of an entry, by name; none where it has no selector.
func (s *Store) selected(e *v1alpha1.ServiceEntry) (pods []*corev1.Pod, entries []*v1alpha1.WorkloadEntry) {
	w := s.workloads[e.Namespace]
	if w == nil || w.selecting[entryName(e)] == nil {
		return nil, nil
	}
	sel := w.selecting[entryName(e)]
	for _, name := range slices.Sorted(maps.Keys(sel.pods)) {
		pods = append(pods, w.pods[name])
	}
	for _, name := range slices.Sorted(maps.Keys(sel.entries)) {
		entries = append(entries, w.entries[name])
	}
	return pods, entries
}
