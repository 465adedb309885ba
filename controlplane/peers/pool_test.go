package peers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coastwise/coastwise/translate/model"
)

// fleet is what one replica sees of the others.
type fleet struct {
	t       *testing.T
	mu      sync.Mutex
	members []Member
	leading bool
	partial bool
	pool    *Pool
}

func quick() times {
	return times{
		look: 20 * time.Millisecond, wait: 300 * time.Millisecond, silence: 4 * time.Second, patience: 300 * time.Millisecond,
		pause: 20 * time.Millisecond, maxPause: 200 * time.Millisecond,
	}
}

// newFleet runs the pool of a replica cw-0, whose one proxy of rule a is programmed.
func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, leading: true}
	f.pool = NewPool(PoolConfig{
		Name: "cw-0",
		Members: func() []Member {
			f.mu.Lock()
			defer f.mu.Unlock()
			return slices.Clone(f.members)
		},
		Leading: func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.leading
		},
		Own: func() (Report, bool) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return Report{Replica: "cw-0", Rollouts: map[model.ObjectRef]model.Rollout{rule("a"): {Proxies: 1, Programmed: 1}}}, !f.partial
		},
		Token: func() (string, error) { return "planted", nil },
		Log:   quiet(),
	})
	f.pool.times = quick()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- f.pool.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, goleak.IgnoreTopFunction("net/http/httptest.(*Server).goServe.func1"))
	})
	return f
}

func (f *fleet) edit(e func(*fleet)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e(f)
}

func (r *replica) as(name string, ready bool) Member {
	return Member{Name: name, Address: r.server.Listener.Addr().String(), Ready: ready}
}

// patience is how long what comes true may take.
const patience = 20 * time.Second

// soon waits until Joined says this of rule a, and these are unheard.
func (f *fleet) soon(within time.Duration, proxies, programmed int, unheard ...string) {
	f.t.Helper()
	var j Joined
	for deadline := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		j = f.pool.Joined()
		if r := j.Rollouts[rule("a")]; r.Proxies == proxies && r.Programmed == programmed && slices.Equal(j.Unheard, unheard) {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("not within %v: %d of %d and %v unheard; got %+v", within, programmed, proxies, unheard, j)
		}
	}
}

func TestPoolJoins(t *testing.T) {
	f := newFleet(t)
	one, two := newReplica(t, "cw-1"), newReplica(t, "cw-2")
	f.soon(0, 1, 1)
	f.edit(func(f *fleet) { f.members = []Member{one.as("cw-1", true), two.as("cw-2", true)} })
	f.soon(0, 1, 1, "cw-1", "cw-2") // at once, before anything was asked
	f.soon(patience, 3, 3)
	two.programmed(1, 4)
	f.soon(patience, 6, 3)

	f.edit(func(f *fleet) { f.partial = true })
	f.soon(0, 5, 2, "cw-0")
	f.edit(func(f *fleet) { f.partial = false })

	two.server.Listener.Close()
	two.server.CloseClientConnections()
	f.soon(patience, 2, 2, "cw-2")
	f.edit(func(f *fleet) { f.members = f.members[:1] })
	f.soon(patience, 2, 2)
}

// TestPoolHearsWhoSaysNothingNew: a replica whose report stays is heard all the same,
// and asked no more often than its long polls last.
func TestPoolHearsWhoSaysNothingNew(t *testing.T) {
	f := newFleet(t)
	one := newReplica(t, "cw-1")
	f.edit(func(f *fleet) { f.members = []Member{one.as("cw-1", true)} })
	f.soon(patience, 2, 2)
	before, began := one.calls(), time.Now()
	for time.Since(began) < 5*quick().wait || one.calls() < before+2 && time.Since(began) < patience {
		if j := f.pool.Joined(); len(j.Unheard) > 0 {
			t.Fatalf("unheard: %v", j.Unheard)
		}
		time.Sleep(15 * time.Millisecond)
	}
	took := time.Since(began)
	if n := one.calls() - before; n < 2 || n > int(took/quick().wait)+2 {
		t.Errorf("%d calls in %v, with polls of %v", n, took, quick().wait)
	}
}

// TestPoolAsksOnlyWhileItLeads: and once it does not, it has nothing of the others.
func TestPoolAsksOnlyWhileItLeads(t *testing.T) {
	f := newFleet(t)
	f.edit(func(f *fleet) { f.leading = false })
	time.Sleep(3 * quick().look)
	one := newReplica(t, "cw-1")
	f.edit(func(f *fleet) { f.members = []Member{one.as("cw-1", true)} })
	time.Sleep(5 * quick().look)
	if one.calls() != 0 {
		t.Errorf("%d calls of one that does not lead", one.calls())
	}
	f.edit(func(f *fleet) { f.leading = true })
	f.soon(patience, 2, 2)
	f.edit(func(f *fleet) { f.leading = false })
	f.soon(patience, 1, 1, "cw-1")
}

// TestPoolWaitsForWhoStarts: a Pod that was never ready nor heard serves nobody; for
// a while it is not missed.
func TestPoolWaitsForWhoStarts(t *testing.T) {
	f := newFleet(t)
	one := newReplica(t, "cw-1")
	one.edit(func(r *replica) { r.partial = true })
	f.edit(func(f *fleet) { f.members = []Member{one.as("cw-1", false)} })
	f.soon(0, 1, 1)
	time.Sleep(quick().silence / 5)
	f.soon(0, 1, 1)
	f.soon(patience, 1, 1, "cw-1")
	one.edit(func(r *replica) { r.partial = false })
	f.soon(patience, 2, 2)
}

// TestPoolKnowsWhoItAsks: an address that another has now says nothing of a replica,
// and one that moves is asked where it is.
func TestPoolKnowsWhoItAsks(t *testing.T) {
	f := newFleet(t)
	one, stranger := newReplica(t, "cw-1"), newReplica(t, "stranger")
	f.edit(func(f *fleet) { f.members = []Member{stranger.as("cw-1", true)} })
	began := time.Now()
	for stranger.calls() == 0 && time.Since(began) < patience {
		time.Sleep(quick().look)
	}
	time.Sleep(10 * quick().look)
	f.soon(0, 1, 1, "cw-1")
	if n, took := stranger.calls(), time.Since(began); n < 1 || n > 8+int(took/quick().maxPause) {
		t.Errorf("%d calls in %v: no back-off", n, took)
	}
	f.edit(func(f *fleet) { f.members = []Member{one.as("cw-1", true)} })
	f.soon(patience, 2, 2)
}

func TestPoolProxies(t *testing.T) {
	f := newFleet(t)
	f.edit(func(f *fleet) { f.leading = false })
	one, two := newReplica(t, "cw-1"), newReplica(t, "cw-2")
	tokens := make(chan string, 1)
	three := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens <- r.Header.Get("Authorization")
		http.Error(w, "out of order", http.StatusTeapot)
	}))
	defer three.Close()
	f.edit(func(f *fleet) {
		f.members = []Member{one.as("cw-1", true), two.as("cw-2", false), {Name: "cw-3", Address: three.Listener.Addr().String()}, {Name: "cw-4", Address: "127.0.0.1:1"}}
	})
	answers := f.pool.Proxies(t.Context())
	if len(answers) != 4 || string(answers[0].Body) != `[{"id":"default/of-cw-1"}]` || answers[1].Err != nil || answers[1].Replica != "cw-2" {
		t.Fatalf("%+v", answers)
	}
	if got := <-tokens; got != "Bearer planted" {
		t.Errorf("the token was %q", got)
	}
	for i, want := range []string{`answered 418 I'm a teapot: "out of order"`, "connection refused"} {
		if err := answers[2+i].Err; err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "planted") {
			t.Errorf("cw-%d: %v", 3+i, err)
		}
	}
}
