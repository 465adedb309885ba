package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func service(namespace, name string) Change {
	return Change{
		Ref:    model.ObjectRef{Kind: "Service", Namespace: namespace, Name: name},
		Object: &corev1.Service{ObjectMeta: meta(namespace, name)},
	}
}

// at is an endpoint on a Node, in a zone, of a Pod; each may be "".
func at(node, zone, pod string) discoveryv1.Endpoint {
	e := discoveryv1.Endpoint{Addresses: []string{"10.0.0.1"}}
	if node != "" {
		e.NodeName = &node
	}
	if zone != "" {
		e.Zone = &zone
	}
	if pod != "" {
		e.TargetRef = &corev1.ObjectReference{Kind: "Pod", Name: pod}
	}
	return e
}

func slice(namespace, name, service string, endpoints ...discoveryv1.Endpoint) Change {
	s := &discoveryv1.EndpointSlice{ObjectMeta: meta(namespace, name), Endpoints: endpoints}
	if service != "" {
		s.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	}
	return Change{Ref: model.ObjectRef{Kind: "EndpointSlice", Namespace: namespace, Name: name}, Object: s}
}

func rule(namespace, name, host string) Change {
	return Change{
		Ref: model.ObjectRef{Kind: "DestinationRule", Namespace: namespace, Name: name},
		Object: &v1alpha1.DestinationRule{
			ObjectMeta: meta(namespace, name),
			Spec:       v1alpha1.DestinationRuleSpec{Host: host},
		},
	}
}

func fence(namespace, name, host string, regions ...string) Change {
	ref := model.ObjectRef{Kind: "DestinationRule", Namespace: namespace, Name: name}
	return Change{Ref: ref, Fence: &model.Fence{Object: ref, Host: host, AllowedRegions: regions}}
}

func node(name, region, zone string) Change {
	labels := map[string]string{}
	if region != "" {
		labels[corev1.LabelTopologyRegion] = region
	}
	if zone != "" {
		labels[corev1.LabelTopologyZone] = zone
	}
	n := &corev1.Node{ObjectMeta: meta("", name)}
	n.Labels = labels
	return Change{Ref: model.ObjectRef{Kind: "Node", Name: name}, Object: n}
}

func pod(namespace, name string, change func(*corev1.Pod)) Change {
	p := &corev1.Pod{ObjectMeta: meta(namespace, name)}
	if change != nil {
		change(p)
	}
	return Change{Ref: model.ObjectRef{Kind: "Pod", Namespace: namespace, Name: name}, Object: p}
}

func namespaceOf(name string, labels map[string]string) Change {
	n := &corev1.Namespace{ObjectMeta: meta("", name)}
	n.Labels = labels
	return Change{Ref: model.ObjectRef{Kind: "Namespace", Name: name}, Object: n}
}

func annotatedNamespace(name, key, value string) Change {
	c := namespaceOf(name, nil)
	c.Object.(*corev1.Namespace).Annotations = map[string]string{key: value}
	return c
}

func mesh(root string) Change {
	return Change{
		Ref: model.ObjectRef{Kind: "MeshConfig", Name: "default"},
		Object: &v1alpha1.MeshConfig{
			ObjectMeta: meta("", "default"),
			Spec:       v1alpha1.MeshConfigSpec{RootNamespace: root},
		},
	}
}

func gone(c Change) Change { return Change{Ref: c.Ref} }

// base is two services with one endpoint each, in two zones of one region.
func base() []Change {
	return []Change{
		service("a", "x"), service("b", "y"),
		slice("a", "x-1", "x", at("n1", "z1", "p1")),
		slice("b", "y-1", "y", at("n2", "z2", "p2")),
		node("n1", "r", "z1"), node("n2", "r", "z2"),
		pod("a", "p1", nil), pod("b", "p2", nil),
		namespaceOf("a", nil), namespaceOf("b", nil),
	}
}

var (
	x = model.ServiceKey("a", "x")
	y = model.ServiceKey("b", "y")
)

func started(at time.Time) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.StartTime = &metav1.Time{Time: at} }
}

func heartbeat(c Change) Change {
	n := c.Object.(*corev1.Node).DeepCopy()
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Reason: "beat"}}
	n.ResourceVersion = "7"
	return Change{Ref: c.Ref, Object: n}
}

// TestMarks says, change by change, what a world of two services must rebuild.
func TestMarks(t *testing.T) {
	when := time.Unix(1e9, 0)
	podA := ingest.PodName{Namespace: "a", Name: "p1"}
	for _, tc := range []struct {
		name   string
		before []Change // on top of base
		change Change
		want   Dirty
	}{
		{"a new service", nil, service("c", "z"), Dirty{Keys: []model.Key{model.ServiceKey("c", "z")}}},
		{"an equal service", nil, service("a", "x"), Dirty{}},
		{"a service goes", nil, gone(service("a", "x")), Dirty{Keys: []model.Key{x}}},
		{"an unknown service goes", nil, gone(service("c", "z")), Dirty{}},
		{"an equal slice", nil, slice("a", "x-1", "x", at("n1", "z1", "p1")), Dirty{}},
		{"an endpoint moves", nil, slice("a", "x-1", "x", at("n2", "z2", "p1")), Dirty{Keys: []model.Key{x}}},
		{
			"a slice changes service", nil,
			slice("a", "x-1", "w", at("n1", "z1", "p1")),
			Dirty{Keys: []model.Key{model.ServiceKey("a", "w"), x}},
		},
		{"a slice of nobody", nil, slice("a", "stray", "", at("n1", "z1", "p1")), Dirty{}},
		{"a rule of a client's namespace", nil, rule("far", "r", "x.a.svc.cluster.local"), Dirty{Keys: []model.Key{x}}},
		{"a short host", nil, rule("b", "r", "y"), Dirty{Keys: []model.Key{y}}},
		{"a rule moves", []Change{rule("a", "r", "x")}, rule("a", "r", "y.b"), Dirty{Keys: []model.Key{x, y}}},
		{"an equal rule", []Change{rule("a", "r", "x")}, rule("a", "r", "x"), Dirty{}},
		{"a wildcard rule", nil, rule("a", "r", "*.b.svc.cluster.local"), Dirty{Keys: []model.Key{y}}},
		{"a rule for all", nil, rule("a", "r", "*"), Dirty{Keys: []model.Key{x, y}}},
		{"a rule for all goes", []Change{rule("a", "r", "*")}, gone(rule("a", "r", "")), Dirty{Keys: []model.Key{x, y}}},
		{"a fence", nil, fence("a", "r", "x", "r1"), Dirty{Keys: []model.Key{x}}},
		{"an equal fence", []Change{fence("a", "r", "x", "r1")}, fence("a", "r", "x", "r1"), Dirty{}},
		{"a fence narrows", []Change{fence("a", "r", "x", "r1")}, fence("a", "r", "x"), Dirty{Keys: []model.Key{x}}},
		{"a fence is mended", []Change{fence("a", "r", "*.a")}, rule("a", "r", "y.b"), Dirty{Keys: []model.Key{x, y}}},
		{"a heartbeat", nil, heartbeat(node("n1", "r", "z1")), Dirty{}},
		{"a node moves", nil, node("n1", "r", "z9"), Dirty{Keys: []model.Key{x}, Nodes: true}},
		{"a node moves where others agree", []Change{node("n3", "r", "z1"), node("n4", "r", "z2")}, node("n1", "r", "z2"), Dirty{Keys: []model.Key{x}, Nodes: true}},
		{
			"an agreement reaches a zone without a known node",
			[]Change{slice("a", "x-1", "x", at("n9", "z5", ""))},
			node("n3", "r", "z5"),
			Dirty{Keys: []model.Key{x}, Nodes: true},
		},
		{"a node goes", nil, gone(node("n1", "", "")), Dirty{Keys: []model.Key{x}, Nodes: true}},
		{"an unknown node goes", nil, gone(node("n9", "", "")), Dirty{}},
		{"a node nobody is on", nil, node("n3", "r", "z1"), Dirty{Nodes: true}},
		{"a node without labels is known", nil, node("n3", "", ""), Dirty{Nodes: true}},
		{"a node breaks its zone's agreement", nil, node("n3", "other", "z1"), Dirty{Keys: []model.Key{x}, Nodes: true}},
		{
			"an agreement reaches a node without region",
			[]Change{node("n1", "", "z5"), slice("a", "x-1", "x", at("n1", "", ""))},
			node("n3", "r", "z5"),
			Dirty{Keys: []model.Key{x}, Nodes: true},
		},
		{
			"a pod's label", nil,
			pod("a", "p1", func(p *corev1.Pod) { p.Labels = map[string]string{"v": "1"} }),
			Dirty{Keys: []model.Key{x}, Pods: []ingest.PodName{podA}},
		},
		{
			"a pod's node", nil,
			pod("a", "p1", func(p *corev1.Pod) { p.Spec.NodeName = "n2" }),
			Dirty{Keys: []model.Key{x}, Pods: []ingest.PodName{podA}},
		},
		{"a pod goes", nil, gone(pod("a", "p1", nil)), Dirty{Keys: []model.Key{x}, Pods: []ingest.PodName{podA}}},
		{
			"a pod nobody targets", nil, pod("b", "p1", nil),
			Dirty{Pods: []ingest.PodName{{Namespace: "b", Name: "p1"}}},
		},
		{"a pod starts", nil, pod("a", "p1", started(when)), Dirty{Keys: []model.Key{x}}},
		{
			"the same start elsewhere",
			[]Change{pod("a", "p1", started(when))},
			pod("a", "p1", started(when.In(time.FixedZone("far", 3600)))),
			Dirty{},
		},
		{
			"a pod becomes ready", nil,
			pod("a", "p1", func(p *corev1.Pod) {
				p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
			}),
			Dirty{Keys: []model.Key{x}},
		},
		{
			"another condition of a pod", nil,
			pod("a", "p1", func(p *corev1.Pod) {
				p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}}
			}),
			Dirty{},
		},
		{
			"a namespace's label", nil,
			namespaceOf("a", map[string]string{"k": "v"}),
			Dirty{Keys: []model.Key{x}, Namespaces: []string{"a"}},
		},
		{
			"a namespace's annotation", nil,
			annotatedNamespace("a", "networking.coastwise.dev/traffic-distribution", "PreferClose"),
			Dirty{Keys: []model.Key{x}, Namespaces: []string{"a"}},
		},
		{"an equal namespace", nil, namespaceOf("a", nil), Dirty{}},
		{"a namespace goes", nil, gone(namespaceOf("b", nil)), Dirty{Keys: []model.Key{y}, Namespaces: []string{"b"}}},
		{"a mesh config", nil, mesh("root"), Dirty{Keys: []model.Key{x, y}, Mesh: true}},
		{"an equal mesh config", []Change{mesh("root")}, mesh("root"), Dirty{}},
		{"a mesh config goes", []Change{mesh("root")}, gone(mesh("")), Dirty{Keys: []model.Key{x, y}, Mesh: true}},
		{
			"a mesh config's fence", nil,
			Change{Ref: mesh("").Ref, Fence: &model.Fence{Object: mesh("").Ref}},
			Dirty{Keys: []model.Key{x, y}, Mesh: true},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New()
			s.Apply(append(base(), tc.before...))
			s.Take()
			s.Apply([]Change{tc.change})
			got := s.Take()
			if got.Empty() != got.Since.IsZero() {
				t.Errorf("Since is %v of %+v", got.Since, got)
			}
			got.Since = time.Time{}
			got.Workloads = nil // see TestMarksOfWorkloads
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("marks (-want +got):\n%s", d)
			}
		})
	}
}

// TestWake: one value however many batches, none for a batch that changes
// nothing, and Since stays that of the first mark.
func TestWake(t *testing.T) {
	s := New()
	s.Apply(nil)
	if len(s.Wake()) != 0 {
		t.Fatal("woken by nothing")
	}
	before := time.Now()
	s.Apply(base())
	after := time.Now()
	s.Apply([]Change{service("c", "z")})
	s.Apply(base())
	if len(s.Wake()) != 1 {
		t.Fatalf("%d wakes", len(s.Wake()))
	}
	<-s.Wake()
	d := s.Take()
	if d.Since.Before(before) || d.Since.After(after) {
		t.Errorf("Since %v is not between %v and %v", d.Since, before, after)
	}
	if d := s.Take(); !d.Empty() || !d.Since.IsZero() {
		t.Errorf("taken twice: %+v", d)
	}
	s.Apply(base())
	if len(s.Wake()) != 0 {
		t.Error("woken by equal objects")
	}
}

// TestSetMesh: flags mark every key, and only when they change.
func TestSetMesh(t *testing.T) {
	s := New()
	s.Apply(append(base(), rule("a", "r", "ghost")))
	s.Take()
	s.SetMesh(true, false)
	d := s.Take()
	want := []model.Key{model.ServiceKey("a", "ghost"), x, y}
	if !d.Mesh || !cmp.Equal(d.Keys, want) || len(s.Wake()) != 1 {
		t.Errorf("marks %+v", d)
	}
	if m := s.Objects(x).Mesh; !m.Suspend || m.LocalityDefault {
		t.Errorf("mesh %+v", m)
	}
	s.SetMesh(true, false)
	if d := s.Take(); !d.Empty() {
		t.Errorf("marked again: %+v", d)
	}
}

// TestProblems: each source replaces its own, the whole is sorted and free of
// repetitions.
func TestProblems(t *testing.T) {
	s := New()
	p := func(name string) model.Problem { return model.Problem{Object: model.ObjectRef{Name: name}} }
	s.SetProblems("files", []model.Problem{p("c"), p("a")})
	s.SetProblems("kube", []model.Problem{p("b"), p("a")})
	if d := cmp.Diff([]model.Problem{p("a"), p("b"), p("c")}, s.Problems()); d != "" {
		t.Error(d)
	}
	s.SetProblems("files", nil)
	if d := cmp.Diff([]model.Problem{p("a"), p("b")}, s.Problems()); d != "" {
		t.Error(d)
	}
}

// TestForeignKind: a kind without a place breaks the contract with admission.
func TestForeignKind(t *testing.T) {
	s := New()
	s.Apply([]Change{{Ref: model.ObjectRef{Kind: "Widget", Name: "w"}}})
	defer func() {
		if recover() == nil {
			t.Error("took an object that it has no place for")
		}
	}()
	s.Apply([]Change{{Ref: model.ObjectRef{Kind: "Widget", Name: "w"}, Object: &corev1.Pod{}}})
}
