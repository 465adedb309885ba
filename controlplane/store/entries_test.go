package store

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// entry selects the workloads whose label v is this, unless it is "".
func entry(namespace, name, selected string, hosts ...string) Change {
	e := &v1alpha1.ServiceEntry{ObjectMeta: meta(namespace, name), Spec: v1alpha1.ServiceEntrySpec{Hosts: hosts, Resolution: "STATIC"}}
	if selected != "" {
		e.Spec.WorkloadSelector = &v1alpha1.LabelSelector{Labels: map[string]string{"v": selected}}
	}
	return Change{Ref: model.ObjectRef{Kind: v1alpha1.KindServiceEntry, Namespace: namespace, Name: name}, Object: e}
}

// workload has a label v in its spec, and another in its metadata over it.
func workload(namespace, name, inSpec, over string) Change {
	w := &v1alpha1.WorkloadEntry{ObjectMeta: meta(namespace, name), Spec: v1alpha1.WorkloadEntrySpec{
		Address: "10.1.0.1", Labels: map[string]string{"v": inSpec},
	}}
	if over != inSpec {
		w.Labels = map[string]string{"v": over}
	}
	return Change{Ref: model.ObjectRef{Kind: v1alpha1.KindWorkloadEntry, Namespace: namespace, Name: name}, Object: w}
}

func labelled(v, node string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Labels, p.Spec.NodeName = map[string]string{"v": v}, node }
}

var api = model.Key{Namespace: "a", Host: "api.example.com"}

// TestMarksOfEntries says, change by change, which entries' services are rebuilt.
func TestMarksOfEntries(t *testing.T) {
	selecting := entry("a", "e", "x", api.Host, "more.example.com")
	more := model.Key{Namespace: "a", Host: "more.example.com"}
	changed := func(change func(*corev1.Pod)) Change {
		return pod("a", "q", func(p *corev1.Pod) {
			labelled("x", "n1")(p)
			change(p)
		})
	}
	leaving := func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }
	failed := func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }
	addressed := func(p *corev1.Pod) { p.Status.PodIPs = []corev1.PodIP{{IP: "2001:db8::1"}} }
	ready := func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	same := func(p *corev1.Pod) { p.Status.Message = "nothing that counts" }
	for _, tc := range []struct {
		name   string
		before []Change // on top of base
		change Change
		want   []model.Key
	}{
		{"an entry", nil, entry("a", "e", "", api.Host), []model.Key{api}},
		{"the same again", []Change{selecting}, selecting, nil},
		{"gone", []Change{selecting}, gone(selecting), []model.Key{api, more}},
		{"another host", []Change{entry("a", "e", "", api.Host)}, entry("a", "e", "", "more.example.com"), []model.Key{api, more}},
		{"a rule for it", []Change{selecting}, rule("b", "r", api.Host), []model.Key{{Host: api.Host}, api}},
		{"a wildcard rule", []Change{selecting}, rule("b", "r", "*.example.com"), []model.Key{api, more}},
		{"an entry that a rule waits for", []Change{rule("b", "r", api.Host)}, selecting, []model.Key{{Host: api.Host}, api, more}},
		{
			"an entry with a short form",
			[]Change{rule("b", "r", "x.a")},
			entry("b", "e", "", "x.a"),
			[]model.Key{{Host: "x.a"}, x, {Namespace: "b", Host: "x.a"}},
		},
		{
			"an entry with a short form, of whose Service another has the host",
			[]Change{rule("b", "r", "z.a"), entry("c", "e", "", "z.a.svc.cluster.local")},
			entry("b", "e", "", "z.a"),
			[]model.Key{{Host: "z.a"}, model.ServiceKey("a", "z"), {Namespace: "b", Host: "z.a"}, {Namespace: "c", Host: "z.a.svc.cluster.local"}},
		},
		{"a Service of its host", []Change{entry("b", "e", "", "z.a.svc.cluster.local")}, service("a", "z"), []model.Key{model.ServiceKey("a", "z"), {Namespace: "b", Host: "z.a.svc.cluster.local"}}},
		{"a workload that it selects", []Change{selecting}, workload("a", "w", "x", "x"), []model.Key{api, more}},
		{"one that it selects no more", []Change{selecting, workload("a", "w", "x", "x")}, workload("a", "w", "x", "y"), []model.Key{api, more}},
		{"one that it does not select", []Change{selecting}, workload("a", "w", "y", "y"), nil},
		{"one of another namespace", []Change{selecting}, workload("b", "w", "x", "x"), nil},
		{"a Pod that it selects", []Change{selecting}, pod("a", "q", labelled("x", "n1")), []model.Key{api, more}},
		{"a Pod that it selects no more", []Change{selecting, pod("a", "q", labelled("x", "n1"))}, pod("a", "q", labelled("y", "n1")), []model.Key{api, more}},
		{"a Pod that leaves", []Change{selecting, pod("a", "q", labelled("x", "n1"))}, changed(leaving), []model.Key{api, more}},
		{"a Pod that fails", []Change{selecting, pod("a", "q", labelled("x", "n1"))}, changed(failed), []model.Key{api, more}},
		{"a Pod with another address", []Change{selecting, pod("a", "q", labelled("x", "n1"))}, changed(addressed), []model.Key{api, more}},
		{"a Pod that becomes ready", []Change{selecting, pod("a", "q", labelled("x", "n1"))}, changed(ready), []model.Key{api, more}},
		{"a Pod that is the same endpoint", []Change{selecting, pod("a", "q", labelled("x", "n1"))}, changed(same), nil},
		{"a Pod that it does not select", []Change{selecting}, pod("a", "q", labelled("y", "n1")), nil},
		{"the Node of a Pod", []Change{selecting, pod("a", "q", labelled("x", "n3"))}, node("n3", "r", "z3"), []model.Key{api, more}},
		{"the Node of a Pod that it selects no more", []Change{selecting, pod("a", "q", labelled("x", "n3")), pod("a", "q", labelled("y", "n3"))}, node("n3", "r", "z3"), nil},
		{"the Node of a Pod whose entry is gone", []Change{selecting, pod("a", "q", labelled("x", "n3")), gone(selecting)}, node("n3", "r", "z3"), nil},
		{"another Node of the Pod's zone", []Change{selecting, node("n3", "r", "z3"), pod("a", "q", labelled("x", "n3"))}, node("n4", "other", "z3"), []model.Key{api, more}},
		{"its Namespace", []Change{selecting}, namespaceOf("a", map[string]string{"k": "v"}), []model.Key{x, api, more}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New()
			s.Apply(base())
			s.Apply(tc.before)
			s.Take()
			s.Apply([]Change{tc.change})
			slices.SortFunc(tc.want, model.Key.Compare)
			if d := cmp.Diff(tc.want, s.Take().Keys); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestShortFormWithoutEntry: a rule with a short form is for the Service, and for the
// form as a host only while an entry has that.
func TestShortFormWithoutEntry(t *testing.T) {
	s := New()
	declares := entry("b", "e", "", "z.a")
	s.Apply([]Change{rule("b", "r", "z.a"), declares})
	counts := func() [4]int {
		short, full := s.Objects(model.Key{Namespace: "b", Host: "z.a"}), s.Objects(model.ServiceKey("a", "z"))
		return [4]int{len(short.Rules), len(short.Shadowed), len(full.Rules), len(full.Shadowed)}
	}
	if got, want := counts(), [4]int{1, 0, 0, 1}; got != want {
		t.Errorf("with the entry: %v, want %v", got, want)
	}
	s.Apply([]Change{gone(declares)})
	if got, want := counts(), [4]int{0, 0, 1, 0}; got != want {
		t.Errorf("without it: %v, want %v", got, want)
	}
}

// entryNames is what a key has of entries and what they select, by name.
type entryNames struct {
	Entries, Pods, Workloads []string
	Owner                    string
	Declared                 bool
}

func namesOf(o ingest.Objects) entryNames {
	n := entryNames{Declared: o.Declared || o.Service != nil}
	for _, e := range o.Entries {
		n.Entries = append(n.Entries, e.Name)
	}
	for _, p := range o.Selected {
		n.Pods = append(n.Pods, p.Name)
	}
	for _, w := range o.Workloads {
		n.Workloads = append(n.Workloads, w.Name)
	}
	if o.Owner.Name != "" {
		n.Owner = o.Owner.Namespace + "/" + o.Owner.Name
	}
	return n
}

func isService(world map[model.ObjectRef]Change, key model.Key) bool {
	for _, c := range world {
		if s, ok := c.Object.(*corev1.Service); ok && model.ServiceKey(s.Namespace, s.Name) == key {
			return true
		}
	}
	return false
}

// scanEntries is the same the slow way.
func scanEntries(world map[model.ObjectRef]Change, key model.Key) entryNames {
	n := entryNames{Declared: isService(world, key)}
	var first *v1alpha1.ServiceEntry
	var all []*v1alpha1.ServiceEntry
	for _, ref := range slices.SortedFunc(maps.Keys(world), model.ObjectRef.Compare) {
		e, ok := world[ref].Object.(*v1alpha1.ServiceEntry)
		if !ok || !slices.Contains(e.Spec.Hosts, key.Host) {
			continue
		}
		n.Declared = true
		if e.Namespace == key.Namespace {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b *v1alpha1.ServiceEntry) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	for i, e := range all {
		n.Entries = append(n.Entries, e.Name)
		if i == 0 {
			first = e
		}
	}
	if first == nil {
		return n
	}
	for _, ref := range slices.SortedFunc(maps.Keys(world), model.ObjectRef.Compare) {
		if s, ok := world[ref].Object.(*corev1.Service); ok && model.ServiceKey(s.Namespace, s.Name).Host == key.Host {
			n.Owner = s.Namespace + "/" + s.Name
		}
		if first.Spec.WorkloadSelector == nil || ref.Namespace != key.Namespace {
			continue
		}
		want := first.Spec.WorkloadSelector.Labels["v"]
		switch w := world[ref].Object.(type) {
		case *corev1.Pod:
			if w.Labels["v"] == want {
				n.Pods = append(n.Pods, ref.Name)
			}
		case *v1alpha1.WorkloadEntry:
			if label, over := w.Labels["v"]; over && label == want || !over && w.Spec.Labels["v"] == want {
				n.Workloads = append(n.Workloads, ref.Name)
			}
		}
	}
	return n
}
