package status

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// LeaseName is the Lease, in the namespace of the replicas, whose holder writes.
const LeaseName = "coastwise"

// Lease says how long a leader that is gone keeps the others waiting.
type Lease struct {
	// Duration is how long a lease counts after its last renewal; Deadline how long
	// the leader tries to renew before it stops leading, less than Duration; Retry
	// the time between tries, less than Deadline/1.2. Duration counts in whole seconds.
	Duration, Deadline, Retry time.Duration
}

// DefaultLease is Kubernetes' own: 15, 10 and 2 seconds.
func DefaultLease() Lease {
	return Lease{Duration: 15 * time.Second, Deadline: 10 * time.Second, Retry: 2 * time.Second}
}

// Election makes one of several replicas the leader.
type Election struct {
	lease Lease
	lock  *lock
}

// NewElection stands by for the Lease of a namespace. The name is this replica's; what
// is behind it in the identity tells two processes of one name apart.
func NewElection(leases coordinationv1.LeasesGetter, namespace, name string, lease Lease, log *slog.Logger) *Election {
	return &Election{lease: lease, lock: &lock{
		Interface: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: LeaseName},
			Client:     leases,
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity(name)},
		},
		namespace: namespace, patience: lease.Deadline / 2, log: log,
	}}
}

func identity(name string) string {
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails
	return name + "_" + hex.EncodeToString(random)
}

// Leads says whether this process may write now: it holds the lease, and by its own
// clock nobody else can. A process that was stopped and goes on later does not lead
// until it has renewed.
func (e *Election) Leads() bool { return time.Now().Before(e.Until()) }

// Until is when the lease ends unless it is renewed; the zero time if it is not held.
func (e *Election) Until() time.Time {
	if renewed := e.lock.renewed.Load(); renewed != nil {
		return renewed.Add(e.lease.Duration)
	}
	return time.Time{}
}

// Run campaigns until ctx ends, again whenever the lease is lost, and calls lead for
// each term. lead has to return when its context ends; only then the lease is given up
// or asked for again. An error says that the Lease makes no sense.
func (e *Election) Run(ctx context.Context, lead func(context.Context)) error {
	for ctx.Err() == nil {
		if err := e.term(ctx, lead); err != nil {
			return fmt.Errorf("leader election: %w", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(e.lease.Retry):
		}
	}
	return nil
}

// term is one election: it returns when the lease is lost, or ctx has ended and the
// lease is given up.
func (e *Election) term(ctx context.Context, lead func(context.Context)) error {
	// The elector outlives ctx until lead has returned: it gives the lease up when its
	// own context ends, and by then nothing may be written any more. What it would log
	// every two seconds through klog the lock says once.
	elector, stop := context.WithCancel(klog.NewContext(context.WithoutCancel(ctx), logr.Discard()))
	defer stop()
	begun, over := make(chan struct{}), make(chan struct{})
	le, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: e.lock, Name: LeaseName, ReleaseOnCancel: true,
		LeaseDuration: e.lease.Duration, RenewDeadline: e.lease.Deadline, RetryPeriod: e.lease.Retry,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				defer close(over)
				work, end := context.WithCancel(ctx)
				defer end()
				defer context.AfterFunc(leading, end)()
				close(begun)
				lead(work)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	e.lock.won = false
	defer context.AfterFunc(ctx, func() {
		e.lock.ending.Store(true)
		select {
		case <-begun:
			<-over
		default: // what begins now finds its context ended
		}
		stop()
	})()
	le.Run(elector)
	e.lock.renewed.Store(nil)
	if e.lock.won {
		<-over
	}
	return nil
}
