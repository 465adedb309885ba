package status

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (a *api) holder() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lease == nil || a.lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *a.lease.Spec.HolderIdentity
}

func stand(t *testing.T, a *api, lease Lease) *Election {
	t.Helper()
	c, err := New(Config{REST: a.config("a")})
	if err != nil {
		t.Fatal(err)
	}
	return NewElection(c.client.CoordinationV1(), "ours", "a", lease, slog.New(slog.NewTextHandler(io.Discard, nil)))
}

func TestTheLeaseIsGivenUpOnlyWhenNothingIsWrittenAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI()
		e := stand(t, a, DefaultLease())
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- e.Run(ctx, func(ctx context.Context) {
				<-ctx.Done()
				time.Sleep(3 * time.Second)
			})
		}()
		sleep(time.Minute)
		if !e.Leads() {
			t.Fatal("it does not lead")
		}
		stop()
		sleep(2 * time.Second)
		if a.holder() == "" {
			t.Error("given up while something is written")
		}
		sleep(2 * time.Second)
		if a.holder() != "" || e.Leads() {
			t.Errorf("kept by %s", a.holder())
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestALeaseThatIsNotRenewedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI()
		e := stand(t, a, DefaultLease())
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- e.Run(ctx, func(ctx context.Context) { <-ctx.Done() }) }()
		sleep(31 * time.Second)
		until := e.Until()
		a.failing(func(r *http.Request) (int, metav1.StatusReason) { return http.StatusInternalServerError, "" })
		sleep(6 * time.Second)
		if !e.Until().Equal(until) {
			t.Errorf("a renewal that failed counts: %s", e.Until().Sub(until))
		}
		if time.Sleep(time.Until(until.Add(-2 * time.Second))); e.Leads() {
			t.Error("the term is over, and it leads")
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestLeasesThatMakeNoSense(t *testing.T) {
	e := stand(t, newAPI(), Lease{Duration: time.Second, Deadline: time.Second, Retry: time.Second})
	if err := e.Run(t.Context(), func(context.Context) {}); err == nil {
		t.Error("no error")
	}
}
