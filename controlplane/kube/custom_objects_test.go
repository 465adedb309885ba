package kube

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// fenced is a rule with a fence, and with a field that does not exist if broken.
func fenced(host, region string, broken bool) string {
	more := ""
	if broken {
		more = `,"hots":"typo"`
	}
	return fmt.Sprintf(`{"host":%q,"trafficPolicy":{"loadBalancer":{"localityLbSetting":{"allowedRegions":[%q]}}}%s}`, host, region, more)
}

// service is what the store has of the service that a rule of this host is for.
func (r *customRun) service(host string) ingest.Objects {
	return r.st.Objects(model.ServiceKey("a", host))
}

// regions are what the fences of refused rules allow.
func (r *customRun) regions(host string) string {
	var out []string
	for _, f := range r.service(host).Fences {
		out = append(out, strings.Join(f.AllowedRegions, "+"))
	}
	return strings.Join(out, " ")
}

// TestKept: what is held of an object is what a user wrote, its identity and its age.
func TestKept(t *testing.T) {
	s := newCRDServer(t)
	s.serve(ourRules, "v1alpha1")
	s.put(ourRules, `{"metadata":{"namespace":"a","name":"x","uid":"u1","generation":7,"creationTimestamp":"2026-01-02T03:04:05Z",
		"labels":{"l":"1"},"annotations":{"note":"n","kubectl.kubernetes.io/last-applied-configuration":"{}"},
		"managedFields":[{"manager":"kubectl"}],"finalizers":["f"],"selfLink":"s","ownerReferences":[{"name":"o"}]},
		"spec":{"host":"one"},"status":{"observedGeneration":6}}`)
	r := runCustom(t, s, admit.Options{})
	r.holds("a/x one")
	want := &v1alpha1.DestinationRule{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: "DestinationRule"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "a", Name: "x", UID: "u1", Generation: 7, Labels: map[string]string{"l": "1"}, Annotations: map[string]string{"note": "n"},
			CreationTimestamp: metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		},
		Spec: v1alpha1.DestinationRuleSpec{Host: "one"},
	}
	if d := cmp.Diff(want, r.st.Admitted()[0].Object); d != "" {
		t.Fatal(d)
	}
}

// TestStatusChangesNothing: what we write ourselves comes back and marks no service.
func TestStatusChangesNothing(t *testing.T) {
	s := newCRDServer(t)
	s.serve(ourRules, "v1alpha1")
	s.put(ourRules, aRule("x", "u1", 1, `{"host":"one"}`))
	r := runCustom(t, s, admit.Options{})
	r.holds("a/x one")
	r.st.Take()
	<-r.changed
	s.put(ourRules, strings.Replace(aRule("x", "u1", 1, `{"host":"one"}`), `"spec"`,
		`"status":{"observedGeneration":1,"conditions":[{"type":"Accepted","status":"True"}]},"spec"`, 1))
	<-r.changed
	got := r.written()
	if len(got) != 1 || got[0].Status.ObservedGeneration != 1 || len(got[0].Status.Conditions) != 1 || got[0].ResourceVersion != "2" {
		t.Fatalf("%+v", got)
	}
	if d := r.st.Take(); !d.Empty() {
		t.Fatalf("a status marks %+v", d)
	}
}

// TestRefusedEdit: the last admitted form acts and is told of as such; of an object
// made again it does not; a process that never admitted one has its fence.
func TestRefusedEdit(t *testing.T) {
	s := newCRDServer(t)
	s.serve(ourRules, "v1alpha1")
	s.put(ourRules, aRule("x", "u1", 1, fenced("one", "eu", false)))
	s.put(ourRules, aRule("z", "u9", 4, fenced("zed", "us", true)))
	r := runCustom(t, s, admit.Options{})
	r.until("synced", r.synced)
	states := func() string {
		var out []string
		for _, w := range r.written() {
			out = append(out, fmt.Sprintf("%s@%d %s %d", w.Ref.Name, w.Generation, w.State, w.Acting))
		}
		return strings.Join(out, ", ")
	}
	const z = ", z@4 absent 0"
	if r.regions("zed") != "us" {
		t.Fatalf("fence of what was never admitted: %q", r.regions("zed"))
	}
	s.put(ourRules, aRule("x", "u1", 2, fenced("two", "us", true)))
	r.until("held", func() bool { return states() == "x@2 held 1"+z })
	r.holds("a/x one")
	if d := cmp.Diff(map[model.ObjectRef]int64{rule("x"): 1}, r.generations()); d != "" {
		t.Fatal(d)
	}
	held, absent := r.reports.lists()
	if d := cmp.Diff([][]model.ObjectRef{{rule("x")}, {rule("z")}}, [][]model.ObjectRef{held, absent}); d != "" {
		t.Fatal(d)
	}
	s.put(ourRules, aRule("x", "u2", 1, fenced("one", "us", true))) // a delete that was missed
	r.until("absent", func() bool { return states() == "x@1 absent 0"+z })
	r.holds()
	if got := r.regions("one"); got != "us" {
		t.Fatalf("fence %q, want us", got)
	}
	s.put(ourRules, aRule("x", "u2", 2, fenced("one", "us", false)))
	r.until("admitted", func() bool { return states() == "x@2 admitted 2"+z })
	r.holds("a/x one")
	if got := r.regions("one"); got != "" {
		t.Fatalf("the fence %q stayed", got)
	}
}

// TestAbsurd: no object keeps the others out, whether it was there or comes later.
func TestAbsurd(t *testing.T) {
	absurd := []string{
		`{"metadata":{"namespace":"a","name":"bad","uid":"u"},"spec":"text"}`,
		`{"metadata":{"namespace":"a","name":"bad","uid":"u","labels":7,"annotations":[1],"generation":"x","creationTimestamp":{}},"spec":{"host":"one"}}`,
		`{"metadata":{"namespace":"a","name":"bad","uid":{}},"spec":{"host":["one"],"subsets":{"a":1},"trafficPolicy":[[]]},"status":[1]}`,
		`{"metadata":{"namespace":7,"name":"bad"},"spec":null}`,
		`{"metadata":{"namespace":"a","name":{"no":"name"}},"spec":{"host":"one"}}`,
		`{"metadata":"text","spec":{"host":"one"}}`,
		`{"metadata":{"namespace":"A a","name":"/ \u0000"},"spec":{"host":"one","subsets":[{"name":1e308,"labels":[null]}]}}`,
	}
	for i, bad := range absurd {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			s := newCRDServer(t)
			s.serve(ourRules, "v1alpha1")
			for n := range 3 {
				s.put(ourRules, aRule(fmt.Sprint("g", n), "u", 1, `{"host":"one"}`))
			}
			s.put(ourRules, bad)
			r := runCustom(t, s, admit.Options{})
			r.until("synced", r.synced)
			r.holds("a/g0 one", "a/g1 one", "a/g2 one")
			s.put(ourRules, bad)
			s.put(ourRules, aRule("g0", "u", 2, `{"host":"two"}`))
			r.holds("a/g0 two", "a/g1 one", "a/g2 one")
			if r.log.with("level=ERROR") == 0 {
				t.Errorf("nothing was said of %s", bad)
			}
		})
	}
}

// TestPanic: a mistake of ours costs one object, and never its fence.
func TestPanic(t *testing.T) {
	const tls = `,"tls":{"mode":"SIMPLE","credentialName":"c"}}`
	s := newCRDServer(t)
	s.serve(ourRules, "v1alpha1")
	s.put(ourRules, aRule("good", "u", 1, `{"host":"one"}`))
	s.put(ourRules, aRule("bad", "u", 1, strings.Replace(fenced("one", "eu", false), "}}}", "}}"+tls, 1)))
	r := runCustom(t, s, admit.Options{Credential: func([]string) (string, error) { panic("a mistake") }})
	r.until("synced", r.synced)
	r.holds("a/good one")
	want := []model.Fence{{Object: rule("bad"), Host: "one", Field: "spec", AllowedRegions: []string{}}}
	if d := cmp.Diff(want, r.service("one").Fences); d != "" {
		t.Fatal(d)
	}
	told := r.st.Problems()
	if d := cmp.Diff([]model.Problem{{Object: rule("bad"), Field: "spec", Severity: model.Error, Reason: model.BuildFailed}}, told, cmpopts.IgnoreFields(model.Problem{}, "Message")); d != "" {
		t.Fatal(d)
	}
	if r.log.with("msg=problem") != 1 || r.log.with("a mistake") == 0 {
		t.Fatal(r.log.text())
	}
}

// TestCredentials: what is refused for the want of a secret is admitted when that
// is there, with no change on the API server.
func TestCredentials(t *testing.T) {
	var there atomic.Bool
	s := newCRDServer(t)
	s.serve(ourRules, "v1alpha1")
	s.put(ourRules, aRule("x", "u", 1, `{"host":"one","trafficPolicy":{"tls":{"mode":"SIMPLE","credentialName":"c"}}}`))
	r := runCustom(t, s, admit.Options{Credential: func([]string) (string, error) {
		if there.Load() {
			return "/secrets", nil
		}
		return "", errors.New("none")
	}})
	r.until("synced", r.synced)
	r.stays(s)
	there.Store(true)
	r.holds("a/x one")
	there.Store(false)
	r.until("held", func() bool { held, _ := r.reports.lists(); return len(held) == 1 })
	r.holds("a/x one")
}

// TestAnotherAnswer: two objects that got two answers about one secret differ from
// what a fresh process would have.
func TestAnotherAnswer(t *testing.T) {
	dir := ""
	c := newCredentials(func([]string) (string, error) { return dir, nil })
	ask := func(d string) {
		dir = d
		_, _ = c.credential([]string{"s"})
	}
	ask("/one")
	if ask("/one"); c.renewed() {
		t.Error("the same answer twice")
	}
	ask("/two")
	if !c.renewed() || c.renewed() {
		t.Error("two answers go unnoticed, or are noticed twice")
	}
}

// TestBesideFiles: a file's object counts, and the API server's is told of.
func TestBesideFiles(t *testing.T) {
	s := newCRDServer(t)
	s.serve(ourRules, "v1alpha1")
	s.put(ourRules, aRule("x", "u", 1, `{"host":"one"}`))
	r := runCustom(t, s, admit.Options{})
	r.holds("a/x one")
	mine := &v1alpha1.DestinationRule{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "x"}, Spec: v1alpha1.DestinationRuleSpec{Host: "mine"}}
	r.st.Apply([]store.Change{{Ref: rule("x"), Object: mine}})
	r.holds("a/x mine")
	if w := r.written(); !w[0].Shadowed || len(r.generations()) != 0 || r.st.Problems()[0].Reason != model.DuplicateObject {
		t.Fatalf("%+v %v %v", w, r.generations(), r.st.Problems())
	}
	s.put(ourRules, aRule("x", "u", 2, `{"host":"two"}`))
	r.until("read", func() bool { return r.written()[0].Generation == 2 })
	r.holds("a/x mine")
	r.st.Apply([]store.Change{{Ref: rule("x")}})
	r.holds("a/x two")
	s.drop(ourRules, "a/x")
	r.holds()
	if got := r.written(); len(got) != 0 || len(r.st.Problems()) != 0 {
		t.Fatal(got, r.st.Problems())
	}
}

// TestLateWrites: what a reflector still writes after its kind is gone is not heard.
func TestLateWrites(t *testing.T) {
	s := newCRDServer(t)
	s.serve(ourRules, "v1alpha1")
	s.put(ourRules, aRule("x", "u", 1, `{"host":"one"}`))
	r := runCustom(t, s, admit.Options{})
	r.holds("a/x one")
	old := r.state(crds()[0]).sink
	s.serve(ourRules)
	r.holds()
	late := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"namespace": "a", "name": "x"}, "spec": map[string]any{"host": "late"},
	}}
	if err := errors.Join(old.Add(late), old.Replace([]any{late}, "9")); err != nil {
		t.Fatal(err)
	}
	r.holds()
}
