package status

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/coastwise/coastwise/translate/model"
)

func TestWritesKeepTheirRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var many []Object
		for i := range 200 {
			many = append(many, object(fmt.Sprintf("rule-%03d", i)))
		}
		a, w, began := newAPI(many...), &world{ready: true}, time.Now()
		start(t, a, w, "a", func(c *Config) { c.Rate, c.Burst = 10, 50 })
		sleep(time.Second)
		if n := a.by("a"); n < 50 || n > 60 {
			t.Errorf("%d in the first second", n)
		}
		sleep(30 * time.Second)
		if n := a.by("a"); n != 200 {
			t.Errorf("%d of 200 were written", n)
		}
		for i, p := range a.patches { // a bucket of 50 that gains 10 a second
			if least := time.Duration(i-50) * time.Second / 10; p.at.Sub(began) < least {
				t.Fatalf("write %d after %s, earliest is %s", i, p.at.Sub(began), least)
			}
		}
	})
}

// What changes a condition does not queue behind what changes words.
func TestWhatMattersGoesFirst(t *testing.T) {
	w := &writer{memos: map[model.ObjectRef]*memo{}}
	a, b, c := object("a"), object("b"), object("c")
	rollouts := Rollouts{Of: map[model.ObjectRef]model.Rollout{a.Ref: {Proxies: 3, Programmed: 3}, b.Ref: {Proxies: 1, Refused: 1}}}
	a.Status, b.Status = rolledStatus(2, 2), rolledStatus(2, 2)
	istio := object("d")
	istio.Ref.Kind += ".networking.istio.io"
	var got []string
	for _, x := range w.wishes([]Object{a, c, istio, b}, mesh{}, nil, rollouts, noon.Time) {
		got = append(got, x.object.Ref.Name)
	}
	if strings.Join(got, " ") != "b c a" {
		t.Errorf("order %v", got)
	}
	if len(w.memos) != 3 {
		t.Errorf("%d memos", len(w.memos))
	}
	w.wishes([]Object{a}, mesh{}, nil, rollouts, noon.Time)
	if len(w.memos) != 1 {
		t.Errorf("%d memos of objects that are gone", len(w.memos))
	}
}

func TestAServerThatTakesNothingIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("reviews"), object("ratings")), &world{ready: true}
		tried := 0
		a.failing(func(r *http.Request) (int, metav1.StatusReason) {
			if statuses(r) {
				tried++
				return -1, ""
			}
			return 0, ""
		})
		r := start(t, a, w, "a")
		sleep(2 * time.Minute)
		if tried < 4 || tried > 12 {
			t.Errorf("%d tries in two minutes", tried)
		}
		if n := r.log.count("a status cannot be written: the API server does not answer"); n != 1 {
			t.Errorf("told %d times", n)
		}
		a.failing(nil)
		sleep(2 * backoffLimit)
		if a.by("a") != 2 || r.log.count("statuses can be written again") != 1 {
			t.Errorf("%d writes after its return", a.by("a"))
		}
	})
}

func TestOneObjectThatIsRefusedHurtsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("bad"), object("good")), &world{ready: true}
		tried := 0
		a.failing(func(r *http.Request) (int, metav1.StatusReason) {
			if statuses(r) && strings.Contains(r.URL.Path, "/bad/") {
				tried++
				return http.StatusUnprocessableEntity, metav1.StatusReasonInvalid
			}
			return 0, ""
		})
		r := start(t, a, w, "a")
		sleep(10 * time.Minute)
		if a.by("a") != 1 || tried < 5 || tried > 15 {
			t.Errorf("%d written, the bad tried %d times", a.by("a"), tried)
		}
		if r.metric(t, "coastwise_status_writes_total") != float64(tried+1) {
			t.Error("not every write is counted")
		}
	})
}

// The view may be old: then the server refuses, silently, until the watch has caught up.
func TestAnOldViewOverwritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stale, a, w := object("reviews"), newAPI(object("reviews")), &world{ready: true}
		stale.ResourceVersion = "0"
		r := start(t, a, w, "a", func(c *Config) {
			c.Objects = func() []Object { w.Lock(); defer w.Unlock(); return []Object{stale, object("gone")} }
		})
		sleep(10 * time.Second)
		if a.by("a") != 0 || a.status("reviews") != "" {
			t.Error("a newer object got the status of an older one")
		}
		if r.log.count("level=WARN") != 0 {
			t.Error("it was told")
		}
		fresh := a.get("reviews")
		w.set(func(*world) { stale = fresh })
		sleep(20 * time.Second)
		if a.by("a") != 1 {
			t.Errorf("%d writes", a.by("a"))
		}
	})
}

// What is said of an edit is never written as said of the form before, nor the other way
// round: the one that comes while a look is taken is for the next.
func TestAnEditDuringALookIsForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("reviews")), &world{ready: true}
		edited := false
		r := start(t, a, w, "a", func(c *Config) {
			c.Problems = func() []model.Problem {
				if edited {
					return nil
				}
				edited = true
				next := object("reviews")
				next.Generation, next.Acts = 2, 2
				a.put(next)
				return []model.Problem{{Object: next.Ref, Field: "spec.host", Severity: model.Warning, Reason: model.TargetNotFound, Message: "of the form before"}}
			}
		})
		sleep(10 * time.Second)
		if got := a.status("reviews"); a.by("a") != 1 || strings.Contains(got, "TargetNotFound") || a.get("reviews").Status.ObservedGeneration != 2 {
			t.Errorf("%d written, the last %s", a.by("a"), got)
		}
		if r.metric(t, "coastwise_status_writes_total") != 2 { // one of them stale
			t.Error("the first look wrote nothing")
		}
	})
}

// While the watch brings nothing, what was written is not written again at once.
func TestALaggingWatchIsNoReasonToWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("reviews")), &world{ready: true}
		seen := a.get("reviews")
		start(t, a, w, "a", func(c *Config) { c.Objects = func() []Object { return []Object{seen} } })
		sleep(watchTime - time.Second)
		if a.by("a") != 1 || a.asked > 30 {
			t.Errorf("%d writes, %d requests", a.by("a"), a.asked)
		}
	})
}

func TestAStatusThatSomebodyElseWritesIsMendedWithoutAFight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("reviews")), &world{ready: true}
		start(t, a, w, "a")
		sleep(5 * time.Second)
		for range 600 {
			o := a.get("reviews")
			o.Status.Conditions = nil
			a.put(o)
			sleep(time.Second)
		}
		if n := a.by("a"); n < 5 || n > 12 {
			t.Errorf("%d writes in ten minutes of quarrel", n)
		}
	})
}

// A change wakes the leader: it is there within passTime.
func TestAChangeIsWrittenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w, changed := newAPI(object("reviews")), &world{ready: true}, make(chan struct{}, 1)
		start(t, a, w, "a", func(c *Config) { c.Changed = changed })
		sleep(10*time.Second + idleTime/2)
		w.set(func(w *world) {
			w.rollouts.Of = map[model.ObjectRef]model.Rollout{object("reviews").Ref: {Proxies: 1, Refused: 1, Proxy: "p"}}
		})
		changed <- struct{}{}
		sleep(passTime)
		if got := a.status("reviews"); !strings.Contains(got, "ProxyRejected") {
			t.Errorf("got\n%s", got)
		}
		began := time.Now()
		for range 100 { // woken all the time, it looks once a second
			changed <- struct{}{}
		}
		if took := time.Since(began); took < 95*passTime {
			t.Errorf("100 looks in %s", took)
		}
	})
}

// A replica that is silent takes all the time there is to ask it; what another's proxy
// refuses is there within 5 s all the same.
func TestASilentReplicaHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, w := newAPI(object("reviews")), &world{ready: true}
		start(t, a, w, "a", func(c *Config) {
			c.Rollouts = func(ctx context.Context) Rollouts {
				w.Lock()
				heard := w.rollouts
				w.Unlock()
				<-ctx.Done()
				return heard
			}
		})
		sleep(30*time.Second + time.Millisecond)
		w.set(func(w *world) {
			w.rollouts = Rollouts{Unheard: []string{"b"}, Of: map[model.ObjectRef]model.Rollout{object("reviews").Ref: {Proxies: 1, Refused: 1, Proxy: "p"}}}
		})
		sleep(5 * time.Second)
		if got := a.status("reviews"); !strings.Contains(got, "ProxyRejected: 0 of 1 proxies, 1 refused; not heard: b") {
			t.Errorf("got\n%s", got)
		}
	})
}

// What is in the way is told with what to do about it.
func TestWhatStopsAStatusIsToldWithItsRemedy(t *testing.T) {
	for want, err := range map[string]error{
		"apply deploy/rbac.yaml": apierrors.NewForbidden(schema.GroupResource{}, "x", errors.New("no")),
		"apply crds/":            apierrors.NewInternalError(errors.New("failed to create typed patch object: .status: field not declared in schema")),
		"does not answer":        errors.New("connection refused"),
		"edit it":                apierrors.NewInvalid(schema.GroupKind{}, "x", nil),
		"refuses it":             apierrors.NewBadRequest("no"),
	} {
		if got := advice(err); !strings.Contains(got, want) {
			t.Errorf("%v: %q lacks %q", err, got, want)
		}
	}
}
