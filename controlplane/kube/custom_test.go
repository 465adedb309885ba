package kube

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"k8s.io/client-go/rest"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
)

const (
	ourRules   = "destinationrules.networking.coastwise.dev"
	ourMesh    = "meshconfigs.networking.coastwise.dev"
	istioRules = "destinationrules.networking.istio.io"
)

// custom under test: what it logs, and its store.
type customRun struct {
	*custom
	t   *testing.T
	st  *store.Store
	log *lines
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "")
}

func runCustom(t *testing.T, s *crdServer, options admit.Options) *customRun {
	t.Helper()
	st, out := store.New(), &lines{}
	log := slog.New(slog.NewTextHandler(out, nil))
	times := DefaultTimes()
	times.Discovery, times.Doubt, times.Denied, times.Pace = 20*time.Millisecond, 20*time.Millisecond, 50*time.Millisecond, 10*time.Millisecond
	l, err := newLink(&rest.Config{Host: s.URL}, times, newTroubles(log))
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCustom(l, st, newReports(st, log), log, options, times)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		l.close()
		<-ended
	})
	return &customRun{custom: c, t: t, st: st, log: out}
}

// leaks fails the test if anything runs on after it; call it first.
func leaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// until waits for something that is about to be so.
func (r *customRun) until(what string, so func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("never: %s\n%s", what, r.log.text())
		}
	}
}

// holds waits until the store holds just these rules, as NAMESPACE/NAME host, with a
// * for Istio's.
func (r *customRun) holds(want ...string) {
	r.t.Helper()
	slices.Sort(want)
	var got []string
	so := func() bool {
		got = nil
		for _, c := range r.st.Admitted() {
			if d, ok := c.Object.(*v1alpha1.DestinationRule); ok {
				name := c.Ref.Namespace + "/" + c.Ref.Name + " " + d.Spec.Host
				if strings.Contains(c.Ref.Kind, ".") {
					name += "*"
				}
				got = append(got, name)
			}
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	}
	for deadline := time.Now().Add(patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("rules (-want +got):\n%s\n%s", cmp.Diff(want, got), r.log.text())
		}
	}
}

// stays looks a few polls long whether the store still holds just these.
func (r *customRun) stays(s *crdServer, want ...string) {
	r.t.Helper()
	polls := func() (n int) {
		s.do(func() { n = s.asked["/readyz"] })
		return n
	}
	for begin := polls(); polls() < begin+5; time.Sleep(5 * time.Millisecond) {
		r.holds(want...)
	}
	r.holds(want...)
}

// aRule is a manifest with what an API server adds.
func aRule(name, uid string, generation int, spec string) string {
	return fmt.Sprintf(`{"metadata":{"namespace":"a","name":%q,"uid":%q,"generation":%d,"creationTimestamp":"2026-01-02T03:04:05Z",
		"managedFields":[{"manager":"kubectl"}]},"spec":%s}`, name, uid, generation, spec)
}

func TestKindsComeAndGo(t *testing.T) {
	leaks(t)
	s := newCRDServer(t)
	s.serve(ourRules, "v1alpha1")
	s.put(ourRules, aRule("x", "u1", 1, `{"host":"one"}`))
	r := runCustom(t, s, admit.Options{})
	r.until("synced", r.synced)
	r.holds("a/x one")

	s.put(istioRules, aRule("x", "u2", 1, `{"host":"two"}`))
	r.stays(s, "a/x one")
	s.serve(istioRules, "v1beta1")
	r.holds("a/x one", "a/x two*")
	s.serve(istioRules, "v1", "v1beta1")
	r.until("the newest version is read", func() bool {
		var n int
		s.do(func() { n = s.asked["/apis/networking.istio.io/v1/destinationrules"] })
		return n > 0
	})
	s.put(istioRules, aRule("y", "u3", 1, `{"host":"three"}`))
	r.holds("a/x one", "a/x two*", "a/y three*")

	s.serve(istioRules)
	r.holds("a/x one")
	s.serve(ourRules)
	r.holds()
	s.serve(ourRules, "v1alpha1")
	s.put(ourRules, aRule("x", "u4", 1, `{"host":"four"}`))
	r.holds("a/x four")
	if !r.synced() {
		t.Error("what came later made it unready")
	}
}

// TestOutageRemovesNothing: only an API server that is sure takes a kind away.
func TestOutageRemovesNothing(t *testing.T) {
	for name, refuse := range map[string]func(path string) int{
		"all of it":                  func(string) int { return 503 },
		"discovery":                  func(path string) int { return when(path == "/apis", 503) },
		"discovery is forbidden":     func(path string) int { return when(strings.HasPrefix(path, "/apis"), 403) },
		"one version":                func(path string) int { return when(path == "/apis/networking.coastwise.dev/v1alpha1", 503) },
		"one version is not found":   func(path string) int { return when(path == "/apis/networking.coastwise.dev/v1alpha1", 404) },
		"it starts: lists no groups": func(path string) int { return when(path == "/readyz", 500) },
		"it goes away when asked":    goesAway(),
		"it is sure of nothing yet":  func(path string) int { return when(strings.HasSuffix(path, "/destinationrules"), 503) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newCRDServer(t)
			s.serve(ourRules, "v1alpha1")
			s.put(ourRules, aRule("x", "u1", 1, `{"host":"one"}`))
			r := runCustom(t, s, admit.Options{})
			r.until("synced", r.synced)
			r.holds("a/x one")
			s.do(func() {
				s.refuse = refuse
				if strings.HasPrefix(name, "it ") {
					s.served[ourRules] = nil
				}
			})
			r.stays(s, "a/x one")
			s.do(func() { s.refuse, s.served[ourRules] = nil, []string{"v1alpha1"} })
			s.put(ourRules, aRule("x", "u1", 2, `{"host":"two"}`))
			r.holds("a/x two")
		})
	}
}

// goesAway is well until it was asked for rules, and starts then.
func goesAway() func(path string) int {
	asked := false
	return func(path string) int {
		asked = asked || strings.HasSuffix(path, "/destinationrules")
		return when(asked && path == "/readyz", 500)
	}
}

func when(so bool, code int) int {
	if so {
		return code
	}
	return 0
}

// TestReadiness: what is there counts, and what is not known does.
func TestReadiness(t *testing.T) {
	s := newCRDServer(t)
	s.do(func() { s.refuse = func(path string) int { return when(path == "/apis", 503) } })
	r := runCustom(t, s, admit.Options{})
	r.stays(s)
	if r.synced() || !slices.Equal(r.unread(), []string{"discovery: stub: 503"}) {
		t.Fatalf("synced without any discovery: %q", r.unread())
	}
	s.serve(ourRules, "v1alpha1")
	s.do(func() {
		s.refuse = func(path string) int { return when(strings.HasSuffix(path, "/destinationrules"), 503) }
	})
	r.until("one is waited for", func() bool { return slices.Equal(r.unread(), []string{ourRules + ": stub: 503"}) })
	if r.synced() {
		t.Fatal("synced without our rules")
	}
	s.do(func() { s.refuse = nil })
	r.until("synced", r.synced)
	s.do(func() { s.refuse = func(string) int { return 503 } })
	r.stays(s)
	if !r.synced() {
		t.Error("an outage made it unready")
	}
}

// TestNotSureYet: an API server that starts, and does not list our kinds, is no
// reason to be ready without their rules.
func TestNotSureYet(t *testing.T) {
	s := newCRDServer(t)
	s.do(func() { s.refuse = func(path string) int { return when(strings.HasSuffix(path, "/meshconfigs"), 503) } })
	r := runCustom(t, s, admit.Options{})
	r.until("one is waited for", func() bool { return len(r.unread()) == 1 })
	if got := r.unread()[0]; !strings.HasPrefix(got, ourMesh) || r.synced() {
		t.Fatalf("%q, synced: %v", got, r.synced())
	}
	s.do(func() { s.refuse = nil })
	r.until("synced", r.synced)
}

// TestForbidden: Istio's kinds block nothing, and act once they may be read; ours do.
func TestForbidden(t *testing.T) {
	leaks(t)
	s := newCRDServer(t)
	s.serve(ourRules, "v1alpha1")
	s.serve(istioRules, "v1")
	s.put(istioRules, aRule("x", "u2", 1, `{"host":"two"}`))
	s.do(func() { s.forbidden[istioRules], s.forbidden[ourRules] = true, true })
	r := runCustom(t, s, admit.Options{})
	r.until("only ours is waited for", func() bool { return slices.Equal(r.unread(), []string{ourRules + ": reading it is forbidden"}) })
	r.stays(s)
	if r.synced() || r.log.with("level=ERROR") != 1 || r.log.with("level=WARN") != 1 || r.log.with("grant list and watch") != 2 {
		t.Fatal(r.log.text())
	}
	s.do(func() { s.forbidden[ourRules] = false })
	r.until("synced", r.synced)
	if d := cmp.Diff([]string{istioRules}, r.forbidden()); d != "" {
		t.Fatal(d)
	}
	s.do(func() { s.forbidden[istioRules] = false })
	r.holds("a/x two*")
	s.do(func() { s.forbidden[istioRules] = true })
	s.serve(istioRules) // seen to be gone only by who may read
	r.stays(s, "a/x two*")
	s.do(func() { s.forbidden[istioRules] = false })
	r.holds()
}

// TestForbiddenAtFirst: an API server that starts forbids everything; that is neither
// told nor a reason to be ready without Istio's kinds.
func TestForbiddenAtFirst(t *testing.T) {
	s := newCRDServer(t)
	s.serve(istioRules, "v1")
	s.put(istioRules, aRule("x", "u2", 1, `{"host":"two"}`))
	refused := false
	s.do(func() {
		s.refuse = func(path string) int {
			first := strings.HasSuffix(path, "istio.io/v1/destinationrules") && !refused
			refused = refused || first
			return when(first, 403)
		}
	})
	r := runCustom(t, s, admit.Options{})
	r.until("synced", r.synced)
	if got := r.generations(); len(got) != 1 || r.log.with("forbidden") != 0 {
		t.Fatalf("ready with %v:\n%s", got, r.log.text())
	}
}

// TestNoForbiddenWithoutIstio: where Istio's CRDs are not installed its kinds are
// not asked for, since the base role gives no right to.
func TestNoForbiddenWithoutIstio(t *testing.T) {
	s := newCRDServer(t)
	r := runCustom(t, s, admit.Options{})
	r.until("synced", r.synced)
	r.stays(s)
	s.do(func() {
		for path := range s.asked {
			if strings.Contains(path, v1alpha1.IstioGroup) {
				t.Errorf("asked for %s", path)
			}
		}
		if n := s.asked["/apis/networking.coastwise.dev/v1alpha1/meshconfigs"]; n != 1 {
			t.Errorf("asked %d times for a kind that is not there", n)
		}
	})
}
