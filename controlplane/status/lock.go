package status

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// releaseTime bounds each request of giving the lease up: at shutdown nobody waits
// for an API server that does not answer.
const releaseTime = time.Second

// lock is a resourcelock that remembers when it was last renewed, bounds every
// request, and says once what is in the way.
type lock struct {
	resourcelock.Interface
	namespace string
	patience  time.Duration // for one request
	log       *slog.Logger
	// renewed is when the last successful renewal was sent; nil: not held.
	renewed atomic.Pointer[time.Time]
	ending  atomic.Bool
	won     bool   // this term was; only the elector's goroutine touches it
	trouble string // the last told; likewise
}

// RecordEvent hears of the end of the campaign, before the term begins.
func (l *lock) RecordEvent(what string) {
	if what == "became leader" {
		l.won = true
	}
	l.log.Info("leader election", "identity", l.Identity(), "lease", l.Describe(), "what", what)
}

// Get implements resourcelock.Interface.
func (l *lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	ctx, stop := l.bounded(ctx)
	defer stop()
	record, raw, err := l.Interface.Get(ctx)
	switch {
	case err == nil && record.HolderIdentity != l.Identity():
		l.renewed.Store(nil)
		l.tell(nil)
	case err != nil && !apierrors.IsNotFound(err):
		l.tell(err)
	}
	return record, raw, err
}

// Create implements resourcelock.Interface.
func (l *lock) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, r, l.Interface.Create)
}

// Update implements resourcelock.Interface.
func (l *lock) Update(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, r, l.Interface.Update)
}

func (l *lock) write(ctx context.Context, r resourcelock.LeaderElectionRecord, write func(context.Context, resourcelock.LeaderElectionRecord) error) error {
	ctx, stop := l.bounded(ctx)
	defer stop()
	sent := time.Now() // others count from when they see it, which is later
	err := write(ctx, r)
	switch {
	case err == nil && r.HolderIdentity == l.Identity():
		l.renewed.Store(&sent)
	case err == nil:
		l.renewed.Store(nil)
	}
	if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) { // another was faster
		l.tell(err)
	}
	return err
}

func (l *lock) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.ending.Load() {
		return context.WithTimeout(ctx, min(releaseTime, l.patience))
	}
	return context.WithTimeout(ctx, l.patience)
}

// tell logs what is in the way, once until it changes.
func (l *lock) tell(err error) {
	now := ""
	if err != nil && !l.ending.Load() {
		now = l.advice(err)
	}
	if now == l.trouble {
		return
	}
	l.trouble = now
	if now == "" {
		l.log.Info("the lease can be had again", "lease", l.Describe())
		return
	}
	l.log.Warn("no leader can be elected, so no status is written: "+now, "lease", l.Describe(), "err", err)
}

// advice says what to do about an error, or what it means.
func (l *lock) advice(err error) string {
	switch {
	case apierrors.IsForbidden(err):
		return "this server may not get, create and update leases in namespace " + l.namespace + "; apply deploy/rbac.yaml"
	case apierrors.IsUnauthorized(err):
		return "the API server does not take this server's credentials"
	case apierrors.IsNotFound(err):
		return "namespace " + l.namespace + " does not exist; create it, or set POD_NAMESPACE to the one that this server runs in"
	}
	return "the API server does not answer"
}
