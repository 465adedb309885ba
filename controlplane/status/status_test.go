package status

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

func object(name string) Object {
	return Object{Ref: model.ObjectRef{Kind: v1alpha1.KindDestinationRule, Namespace: "shop", Name: name}, UID: types.UID(name), Generation: 1, Acts: 1}
}

// world is what the other parts say; tests change it under its lock.
type world struct {
	sync.Mutex
	problems []model.Problem
	rollouts Rollouts
	ready    bool
	panics   bool
}

func (w *world) set(edit func(*world)) {
	w.Lock()
	defer w.Unlock()
	edit(w)
}

// logs is a log that may be read while it is written.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), s)
}

// replica is one server's Controller, running until stop.
type replica struct {
	*Controller
	log  *logs
	stop func()
}

func start(t *testing.T, a *api, w *world, name string, edit ...func(*Config)) *replica {
	t.Helper()
	out := &replica{log: &logs{}}
	c := Config{
		REST: a.config(name), Namespace: "ours", Name: name, Objects: a.list, Log: slog.New(slog.NewTextHandler(out.log, nil)),
		Ready: func() bool { w.Lock(); defer w.Unlock(); return w.ready },
		Problems: func() []model.Problem {
			w.Lock()
			defer w.Unlock()
			if w.panics {
				panic("oh")
			}
			return append([]model.Problem{}, w.problems...)
		},
		Rollouts: func(context.Context) Rollouts { w.Lock(); defer w.Unlock(); return w.rollouts },
	}
	for _, e := range edit {
		e(&c)
	}
	var err error
	if out.Controller, err = New(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- out.Run(ctx) }()
	out.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(out.stop)
	return out
}

// metric is the value of one, summed over its labels.
func (r *replica) metric(t *testing.T, name string) (sum float64) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(r.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func (a *api) status(name string) string { return text(a.get(name).Status) }

func (a *api) get(name string) Object {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *a.objects[object(name).Ref]
}

// by counts the statuses that somebody wrote.
func (a *api) by(who string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.patches {
		if p.by == who {
			n++
		}
	}
	return n
}

func (a *api) failing(f func(*http.Request) (int, metav1.StatusReason)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail = f
}

func leases(r *http.Request) bool   { return strings.Contains(r.URL.Path, "/leases") }
func statuses(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/status") }

// sleep lets time pass, to the end of what it brings.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestOneReplicaWritesAndAnotherTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("reviews"), object("ratings")), &world{ready: true}
		first := start(t, a, w, "a")
		sleep(time.Second)
		second := start(t, a, w, "b")
		sleep(30 * time.Second)
		if want := strings.Join([]string{valid, resolves, nobody}, "\n"); a.status("reviews") != want {
			t.Errorf("got\n%s\nwant\n%s", a.status("reviews"), want)
		}
		if a.by("a") != 2 || a.by("b") != 0 {
			t.Errorf("a wrote %d times, b %d", a.by("a"), a.by("b"))
		}
		if l, o := first.metric(t, "coastwise_leader"), second.metric(t, "coastwise_leader"); l != 1 || o != 0 {
			t.Errorf("coastwise_leader: %v, %v", l, o)
		}
		first.stop() // it gives the lease up
		w.set(func(w *world) {
			w.rollouts.Of = map[model.ObjectRef]model.Rollout{object("reviews").Ref: {Proxies: 1, Refused: 1, Proxy: "p", Resource: "r", Message: "m"}}
		})
		sleep(5 * time.Second)
		if got := a.status("reviews"); !strings.Contains(got, "Programmed False ProxyRejected: 0 of 1 proxies, 1 refused | p refused r: m") {
			t.Errorf("after the change of leader:\n%s", got)
		}
		if a.by("a") != 2 || a.by("b") != 1 {
			t.Errorf("what stood there was written again: a %d, b %d", a.by("a"), a.by("b"))
		}
	})
}

// The leader that cannot renew writes no more, though statuses would still be taken,
// and campaigns again.
func TestALeaderWithoutItsLeaseIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("reviews")), &world{ready: true}
		first := start(t, a, w, "a")
		sleep(time.Second)
		start(t, a, w, "b")
		sleep(10 * time.Second)
		a.failing(func(r *http.Request) (int, metav1.StatusReason) {
			if leases(r) && r.UserAgent() == "a" {
				return -1, "" // no answer
			}
			return 0, ""
		})
		before := a.by("a")
		sleep(16 * time.Second)
		if first.Leads() {
			t.Error("it thinks it leads")
		}
		for i := range 20 { // something changes all the time
			w.set(func(w *world) {
				w.problems = []model.Problem{problem(model.Warning, model.NotHonoured, fmt.Sprint("spec.", i), "x")}
			})
			sleep(time.Second)
		}
		if a.by("a") != before || a.by("b") == 0 {
			t.Errorf("a wrote %d times without a lease, b %d times", a.by("a")-before, a.by("b"))
		}
		if n := first.log.count("the API server does not answer"); n != 1 {
			t.Errorf("told %d times", n)
		}
		a.failing(nil)
		sleep(30 * time.Second)
		if n := first.log.count("the lease can be had again"); n != 1 {
			t.Errorf("the end was told %d times", n)
		}
	})
}

// A process that was stopped for longer than its lease wakes with a term that is over.
func TestNothingIsSentAfterTheLease(t *testing.T) {
	a := newAPI(object("reviews"))
	c, err := New(Config{REST: a.config("a")})
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{client: c.dynamic, until: func() time.Time { return time.Now().Add(-time.Millisecond) }}
	if err := w.send(t.Context(), wish{object: a.get("reviews"), form: own{a.get("reviews"), "destinationrules"}}); err != errNotLeading { //nolint:errorlint // it is that one
		t.Errorf("got %v", err)
	}
	if a.asked != 0 {
		t.Error("the server was asked")
	}
	// What is under way ends with the lease too.
	end := time.Now().Add(time.Second)
	w.until = func() time.Time { return end }
	a.failing(func(r *http.Request) (int, metav1.StatusReason) {
		if at, ok := r.Context().Deadline(); !ok || at.After(end) {
			t.Errorf("it may last until %v, and the lease until %v", at, end)
		}
		return 0, ""
	})
	if err := w.send(t.Context(), wish{object: a.get("reviews"), form: own{a.get("reviews"), "destinationrules"}}); err != nil || a.by("a") != 1 {
		t.Errorf("%d written: %v", a.by("a"), err)
	}
}

func TestWhatIsInTheWayOfALeaderIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("reviews")), &world{ready: true}
		a.failing(func(r *http.Request) (int, metav1.StatusReason) {
			if leases(r) && r.Method == http.MethodPost {
				return http.StatusNotFound, metav1.StatusReasonNotFound
			}
			return 0, ""
		})
		r := start(t, a, w, "a")
		sleep(time.Minute)
		if n := r.log.count("namespace ours does not exist; create it, or set POD_NAMESPACE"); n != 1 {
			t.Errorf("the namespace: told %d times", n)
		}
		a.failing(func(r *http.Request) (int, metav1.StatusReason) {
			if leases(r) {
				return http.StatusForbidden, metav1.StatusReasonForbidden
			}
			return 0, ""
		})
		sleep(time.Minute)
		if n := r.log.count("may not get, create and update leases in namespace ours; apply deploy/rbac.yaml"); n != 1 {
			t.Errorf("the right: told %d times", n)
		}
		a.failing(nil)
		sleep(10 * time.Second)
		if r.log.count("level=WARN") != 2 || a.by("a") != 1 || !r.Leads() {
			t.Errorf("%d warnings, %d writes", r.log.count("level=WARN"), a.by("a"))
		}
	})
}

func TestNothingIsSaidBeforeAllIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("reviews")), &world{}
		start(t, a, w, "a")
		sleep(20 * time.Second)
		if a.by("a") != 0 {
			t.Error("a status was written")
		}
		w.set(func(w *world) { w.ready = true })
		sleep(5 * time.Second)
		if a.by("a") != 1 {
			t.Error("no status was written")
		}
	})
}

func TestAPanicIsContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("reviews")), &world{ready: true, panics: true}
		r := start(t, a, w, "a")
		sleep(time.Minute)
		if n := r.log.count("statuses could not be made"); n < 2 || n > 8 {
			t.Errorf("%d panics in a minute", n)
		}
		w.set(func(w *world) { w.panics = false })
		sleep(31 * time.Second)
		if a.by("a") != 1 {
			t.Error("it did not recover")
		}
	})
}
