package status

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// told takes the Events that came since the last call.
func (a *api) told() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, e := range a.events {
		if e.ReportingController != "coastwise" || e.ReportingInstance == "" || e.EventTime.IsZero() || e.Action == "" {
			out = append(out, fmt.Sprintf("an Event that the API refuses: %+v", e))
		}
		out = append(out, fmt.Sprintf("%s: %s %s/%s (%s) %s %s: %s", e.Namespace, e.Regarding.Kind, e.Regarding.Namespace, e.Regarding.Name, e.Regarding.UID, e.Type, e.Reason, e.Note))
	}
	a.events = nil
	return strings.Join(out, "\n")
}

func TestEventsTellTransitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mesh := Object{Ref: model.ObjectRef{Kind: v1alpha1.KindMeshConfig, Name: "default"}, UID: "m", Generation: 1, Acts: 1}
		a, w := newAPI(object("reviews")), &world{ready: true}
		r := start(t, a, w, "a")
		expect := func(what string, want ...string) {
			t.Helper()
			sleep(10 * time.Second)
			if got := a.told(); got != strings.Join(want, "\n") {
				t.Errorf("%s: got\n%s\nwant\n%s", what, got, strings.Join(want, "\n"))
			}
		}
		const about = "shop: DestinationRule shop/reviews (reviews) "
		roll := func(r model.Rollout) {
			w.set(func(w *world) { w.rollouts.Of = map[model.ObjectRef]model.Rollout{object("reviews").Ref: r} })
		}
		expect("a new rule", about+"Normal Programmed: no proxy holds it")
		roll(model.Rollout{Proxies: 2, Programmed: 1})
		expect("on its way")
		roll(model.Rollout{Proxies: 2, Programmed: 1, Refused: 1, Proxy: "p", Resource: "r", Message: "m"})
		expect("refused", about+"Warning ProxyRejected: 1 of 2 proxies, 1 refused\np refused r: m")
		roll(model.Rollout{Proxies: 3, Programmed: 2, Refused: 1, Proxy: "p", Resource: "r", Message: "m"})
		expect("other words")
		w.set(func(w *world) {
			w.problems = []model.Problem{problem(model.Warning, model.Conflicted, "spec.host", "another is older")}
		})
		expect("lost", about+"Warning Conflicted: spec.host: another is older")
		w.set(func(w *world) { w.problems = nil })
		expect("won", about+"Normal Accepted: the object is valid")
		a.put(mesh)
		expect("a cluster's object", "default: MeshConfig /default (m) Normal Programmed: no proxy holds it")
		r.stop()
		start(t, a, w, "b")
		expect("another process says nothing again")
	})
}

func TestObjectsWithoutAStatusAreToldOncePerProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(), &world{ready: true}
		service := func(name, message string) model.Problem {
			return model.Problem{
				Object: model.ObjectRef{Kind: "Service", Namespace: "shop", Name: name}, Field: "spec.trafficDistribution",
				Severity: model.Info, Reason: model.HintsDropped, Message: message,
			}
		}
		file := service("reviews", "of a file")
		file.File = "a.yaml"
		both := []model.Problem{service("reviews", "a"), service("reviews", "b"), service("gone", "a"), file, {Object: model.ObjectRef{Kind: "Proxy", Name: "p"}, Severity: model.Error, Reason: model.Invalid}}
		w.problems = both
		lookups := 0
		a.failing(func(r *http.Request) (int, metav1.StatusReason) {
			if strings.HasSuffix(r.URL.Path, "/services") {
				lookups++
			}
			return 0, ""
		})
		r := start(t, a, w, "a")
		const want = "shop: Service shop/reviews (uid-of-service) Normal HintsDropped: spec.trafficDistribution: a\nspec.trafficDistribution: b"
		sleep(time.Minute)
		if got := a.told(); got != want {
			t.Errorf("got\n%s", got)
		}
		if lookups != 2 {
			t.Errorf("%d look-ups", lookups)
		}
		w.set(func(w *world) { w.problems = nil })
		sleep(20 * time.Minute) // longer than a series
		w.set(func(w *world) { w.problems = both })
		sleep(10 * time.Second)
		if got := a.told(); got != want {
			t.Errorf("gone and back: got\n%s", got)
		}
		if r.log.count("level=WARN") != 0 {
			t.Error("a warning for nothing")
		}
	})
}

func TestEventsThatAreForbiddenAreToldOnceAndStopNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("a"), object("b"), object("c")), &world{ready: true}
		a.failing(func(r *http.Request) (int, metav1.StatusReason) {
			if strings.Contains(r.URL.Path, "/events.k8s.io/") {
				return http.StatusForbidden, metav1.StatusReasonForbidden
			}
			return 0, ""
		})
		r := start(t, a, w, "a")
		sleep(10 * time.Second)
		if n := r.log.count("an Event cannot be written"); n != 1 || a.by("a") != 3 {
			t.Errorf("told %d times; %d statuses", n, a.by("a"))
		}
	})
}

func TestEventsKeepTheirRateAndAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var many []Object
		for i := range 100 {
			many = append(many, object(fmt.Sprintf("rule-%03d", i)))
		}
		a, w := newAPI(many...), &world{ready: true}
		for _, o := range many {
			for _, reason := range []model.Reason{model.Conflicted, model.TargetNotFound, model.NothingAllowed} {
				w.problems = append(w.problems, model.Problem{Object: o.Ref, Severity: model.Warning, Reason: reason, Message: "x"})
			}
		}
		r := start(t, a, w, "a", func(c *Config) { c.Rate, c.Burst = 5, 20 })
		sleep(time.Second)
		a.mu.Lock()
		if n := len(a.events); n > 30 {
			t.Errorf("%d Events in the first second", n)
		}
		a.mu.Unlock()
		sleep(2 * time.Minute)
		if n := strings.Count(a.told(), " Warning "); n != 300 {
			t.Errorf("%d of 300 Events", n)
		}
		if r.metric(t, "coastwise_events_dropped_total") != 0 {
			t.Error("Events were dropped")
		}
	})
}

// What waits in the recorder when the lease ends is not sent, and not tried again.
func TestEventsOfAFormerLeaderAreNotSent(t *testing.T) {
	a := newAPI()
	client, err := kubernetes.NewForConfig(a.config("a"))
	if err != nil {
		t.Fatal(err)
	}
	leads := true
	s := &sink{EventSinkImpl: events.EventSinkImpl{Interface: client.EventsV1()}, leads: func() bool { return leads }, log: slog.Default()}
	e := &eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "e"}}
	send := func() []error {
		_, created := s.Create(t.Context(), e)
		_, patched := s.Patch(t.Context(), e, []byte("{}"))
		return []error{created, patched}
	}
	if errs := send(); errors.Join(errs...) != nil || a.asked != 2 {
		t.Fatalf("%v, %d requests", errs, a.asked)
	}
	leads = false
	for _, err := range send() {
		if final := (*rest.RequestConstructionError)(nil); !errors.As(err, &final) || !errors.Is(final.Err, errNotLeading) {
			t.Errorf("%v: the recorder would try it again", err)
		}
	}
	if a.asked != 2 {
		t.Error("the server was asked")
	}
}
