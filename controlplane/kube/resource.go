package kube

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// burst is how many requests for a resource may follow each other at once: a
// watch-list that is refused, and the list in its place.
const burst = 2

// backoff of the reflectors is small: readers pace themselves, and end when they
// are told, which a reflector that waits does not.
func backoff() *wait.Backoff { return &wait.Backoff{Duration: 50 * time.Millisecond, Jitter: 1} }

// recipient is where the reflector of one resource writes.
type recipient interface {
	cache.TransformingStore
	stuck(limit time.Duration) bool // one write has been running for longer
	count() int                     // of the objects that the API server has
}

// resource is one resource of the API server, and how far it is read.
type resource struct {
	name     string // as in its path
	subject  string // its name among those of all groups, for messages and metrics
	fields   string // selector
	expected runtime.Object
	list     func() runtime.Object
	client   *rest.RESTClient
	link     *link
	troubles *troubles
	log      *slog.Logger
	sink     recipient
	times    Times
	pace     *rate.Limiter
	// denied is told of Forbidden, and says how long not to ask again; false where it is
	// an error like others, as it is where denied is nil.
	denied func(error) (respite time.Duration, told bool)

	synced     chan struct{} // closed when all was read once
	syncedOnce sync.Once
	reads      atomic.Uint64 // how often all was read

	mu      sync.Mutex
	resume  time.Time   // the server asked not to be asked before
	open    bool        // a watch is
	good    time.Time   // when the view was last known to be the server's
	absence uint64      // of link, as of the beginning of the last full read
	waiting *time.Timer // for the end of initial events
	reader  func()      // ends the reflector, so that one that lists takes over
}

// run follows the resource until ctx ends. A watch-list whose initial events have no end
// makes it change over to LIST for good.
func (r *resource) run(ctx context.Context) {
	for listing := false; ctx.Err() == nil; listing = true {
		inner, cancel := context.WithCancel(ctx)
		r.mu.Lock()
		r.reader = cancel
		r.mu.Unlock()
		cache.NewReflectorWithOptions(&reader{resource: r, listing: listing}, r.expected, r.sink,
			cache.ReflectorOptions{Name: r.subject, Backoff: backoff()}).RunWithContext(inner)
		cancel()
	}
}

// replaced notes that all has been read: the view is the server's.
func (r *resource) replaced() {
	r.mu.Lock()
	r.good = time.Now()
	r.mu.Unlock()
	r.reads.Add(1)
	r.stopWaiting()
	r.syncedOnce.Do(func() { close(r.synced) })
}

// expect starts to wait for the end of initial events.
func (r *resource) expect() {
	r.stopWaiting()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = time.AfterFunc(r.times.Bookmark, r.changeOver)
}

func (r *resource) stopWaiting() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting != nil {
		r.waiting.Stop()
		r.waiting = nil
	}
}

// changeOver gives up on the watch-list, unless the server is not even there.
func (r *resource) changeOver() {
	if r.troubles.of(serverSubject) != "" {
		r.expect()
		return
	}
	r.log.Warn("the API server began to stream a resource and did not say where its initial state ends; it is listed instead",
		"resource", r.subject, "waited", r.times.Bookmark)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = nil
	r.reader()
}

// isSynced says whether all was read once.
func (r *resource) isSynced() bool {
	select {
	case <-r.synced:
		return true
	default:
		return false
	}
}

// opened and closed follow the watch; wellNow says that the server is.
func (r *resource) opened() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = true
}

func (r *resource) closed() {
	r.stopWaiting()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = false
}

func (r *resource) wellNow(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open && r.isSynced() {
		r.good = now
	}
}

// age is how old the view is: nothing while a watch is open to a server that is well.
func (r *resource) age(now time.Time, well bool) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if well && r.open && r.isSynced() {
		return 0
	}
	return now.Sub(r.good)
}

// why says why the resource is not read.
func (r *resource) why() string {
	for _, subject := range []string{r.subject, serverSubject} {
		if trouble := r.troubles.of(subject); trouble != "" {
			return trouble
		}
	}
	return "the API server did not say where the initial state ends, or never answered"
}
