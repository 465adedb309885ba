package kube

import (
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestWithoutTheBookmarkItLists: silence is no error, and would last for ever.
func TestWithoutTheBookmarkItLists(t *testing.T) {
	defer goleak.VerifyNone(t)
	api := newStub(t)
	defer api.stop()
	api.noBookmark = true
	api.put(aService("cart", nil))
	var log lines
	f := followAs(t, api, api.addr, slog.New(slog.NewTextHandler(&log, nil)), func(t *Times) { t.Bookmark, t.Start = 2*time.Second, patience })
	time.Sleep(150 * time.Millisecond)
	if f.Synced() || len(f.store.Keys()) > 0 {
		t.Error("synced before the server said that this is all")
	}
	f.synced()
	if f.service("cart") == nil || api.lists["services"] != 1 || log.with("is listed instead") != 5 {
		t.Errorf("%v, %d lists, %v", f.service("cart"), api.lists["services"], log.all)
	}
	api.put(aService("shoes", nil))
	eventually(t, "what came after the list", patience, func() bool { return f.service("shoes") != nil })
	f.stop()
	<-f.ended
	close(f.ended)
}

// TestTheStartEndsWithTheNamesOfWhatIsNotRead, and with the server's own words.
func TestTheStartEndsWithTheNamesOfWhatIsNotRead(t *testing.T) {
	defer goleak.VerifyNone(t)
	for name, c := range map[string]struct {
		fault func(string) int
		down  bool
		want  []string
		not   []string
	}{
		"forbidden": {
			fault: func(resource string) int { return map[string]int{"endpointslices": 403}[resource] },
			want:  []string{"not read within 2s: endpointslices.discovery.k8s.io: endpointslices: the stub says 403"}, not: []string{"services", "pods"},
		},
		"nobody listens": {down: true, want: []string{"services: 127.0.0.1", "connection refused", "pods"}},
	} {
		t.Run(name, func(t *testing.T) {
			api := newStub(t)
			defer api.stop()
			api.fault = c.fault
			if c.down {
				api.stop()
			}
			var log lines
			f := followAs(t, api, api.addr, slog.New(slog.NewTextHandler(&log, nil)), func(t *Times) { t.Start = 2 * time.Second })
			err := <-f.ended
			close(f.ended)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			for _, not := range c.not {
				if strings.Contains(err.Error(), not) {
					t.Errorf("%q names %q", err, not)
				}
			}
			if n := log.with("level=WARN"); n < 1 || n > 6 {
				t.Errorf("%d warnings, each cause is to be told once: %v", n, log.all)
			}
			if f.Synced() || len(f.store.Keys()) > 0 {
				t.Error("something was taken for all")
			}
		})
	}
}

// TestWhatWasDeletedMeanwhileIsGone: a watch that cannot go on reads everything again.
func TestWhatWasDeletedMeanwhileIsGone(t *testing.T) {
	api := newStub(t)
	api.put(aService("cart", nil), aService("ghost", nil), aSlice("ghost-1", "ghost", "10.0.0.9"))
	f := follow(t, api, nil).synced()
	api.set(func() {
		delete(api.objects["services"], "shop/ghost")
		delete(api.objects["endpointslices"], "shop/ghost-1")
	})
	api.expire()
	eventually(t, "ghosts are gone", patience, func() bool { return f.service("ghost") == nil && f.addresses("ghost") == "" })
	if f.service("cart") == nil {
		t.Error("what stays is gone too")
	}
}

// TestAStormIsAnsweredSlowly: no resource is asked for more often than the pace,
// whatever the server says, and when it is over all is well soon.
func TestAStormIsAnsweredSlowly(t *testing.T) {
	for _, code := range []int{429, 500, 503, 403} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			api := newStub(t)
			api.put(aService("cart", nil))
			f := follow(t, api, nil).synced()
			api.set(func() { api.fault = func(string) int { return code }; clear(api.asked) })
			api.endWatches()
			began := time.Now()
			time.Sleep(time.Second)
			for _, resource := range []string{"services", "endpointslices", "nodes", "pods", "namespaces"} {
				eventually(t, resource+" is asked for again", patience, func() bool { return api.count(resource) >= 2 })
				n := api.count(resource)
				if storm := time.Since(began); n > int(storm/shortTimes().Pace)+burst+1 {
					t.Errorf("%s: asked %d times in %s", resource, n, storm)
				}
			}
			if f.service("cart") == nil || !f.Synced() {
				t.Error("what was known is forgotten")
			}
			api.set(func() { api.fault = nil })
			api.put(aService("shoes", nil))
			eventually(t, "what came in the storm", patience, func() bool { return f.service("shoes") != nil })
		})
	}
}

// TestAnOutageIsSatOut: what is known stays, the age says how old it is, and
// what changed arrives when the server is back.
func TestAnOutageIsSatOut(t *testing.T) {
	defer goleak.VerifyNone(t)
	api := newStub(t)
	api.put(aService("cart", nil))
	f := follow(t, api, nil).synced()
	before := time.Now()
	eventually(t, "age 0", patience, func() bool { return f.Age()["services"] == 0 })
	api.stop()
	time.Sleep(400 * time.Millisecond)
	if age := f.Age()["services"]; age < 200*time.Millisecond || age > time.Since(before)+300*time.Millisecond {
		t.Errorf("age %s after 400ms without a server, and it was 0 %s ago", age, time.Since(before))
	}
	if f.service("cart") == nil || !f.Synced() || !f.Alive() {
		t.Error("what was known is forgotten")
	}
	api.put(aService("shoes", nil))
	api.start()
	eventually(t, "what changed meanwhile", patience, func() bool { return f.service("shoes") != nil })
	eventually(t, "age 0 again", patience, func() bool { return f.Age()["services"] == 0 })
	f.stop()
	<-f.ended
	close(f.ended)
	api.stop()
}

// TestAgeCountsFromTheLastFullRead: a server that goes again before it was next asked
// whether it is well has been read meanwhile.
func TestAgeCountsFromTheLastFullRead(t *testing.T) {
	now := time.Now()
	r := &resource{synced: make(chan struct{}), good: now.Add(-time.Hour)}
	r.opened()
	r.replaced()
	if age := r.age(now, true); age != 0 {
		t.Errorf("age %s while it is watched", age)
	}
	r.closed()
	if age := r.age(now.Add(5*time.Second), false); age < 4*time.Second || age > 5*time.Second {
		t.Errorf("age %s 5s after the last full read", age)
	}
}

// TestAServerThatWentBackInTimeIsBelieved: it would let us watch from a version that it
// has not reached, and say nothing until then.
func TestAServerThatWentBackInTimeIsBelieved(t *testing.T) {
	api := newStub(t)
	kept := aService("cart", nil)
	api.put(kept)
	old := api.version
	api.put(aService("later", nil), aService("cart", func(s *corev1.Service) { s.Spec.Ports[0].Port = 81 }))
	for range 50 {
		api.put(aService("busy", nil))
	}
	f := follow(t, api, nil).synced()
	// A watch that ends soon and without an event would be taken for a failure.
	api.put(aService("live", nil))
	eventually(t, "an event", patience, func() bool { return f.service("live") != nil })
	api.stop()
	api.set(func() { api.objects = map[string]map[string]runtime.Object{} })
	api.put(kept)
	api.backTo(old)
	time.Sleep(50 * time.Millisecond)
	api.start()
	eventually(t, "the state of the backup", patience, func() bool {
		s := f.service("cart")
		return f.service("later") == nil && s != nil && s.Spec.Ports[0].Port == 80
	})
	api.put(aService("new", nil))
	eventually(t, "what came after the backup", patience, func() bool { return f.service("new") != nil })
}

// hole is a way to a server that swallows everything, when it is told to.
type hole struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func newHole(t *testing.T, to string) *hole {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{Listener: l}
	t.Cleanup(func() {
		l.Close()
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, c := range h.conns {
			c.Close()
		}
	})
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			h.mu.Lock()
			swallowed := new(bool) // those that are open when the hole opens stay swallowed
			h.conns = append(h.conns, in, out, &swallowing{Conn: in, swallowed: swallowed})
			h.mu.Unlock()
			go h.copy(out, in, swallowed)
			go h.copy(in, out, swallowed)
		}
	}()
	return h
}

type swallowing struct {
	net.Conn
	swallowed *bool
}

func (h *hole) copy(to io.Writer, from io.Reader, swallowed *bool) {
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		h.mu.Lock()
		lost := *swallowed
		h.mu.Unlock()
		if !lost {
			to.Write(b[:n])
		}
	}
}

// swallow loses all that is sent from now on through what is connected.
func (h *hole) swallow() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		if s, ok := c.(*swallowing); ok {
			*s.swallowed = true
		}
	}
}

// TestAConnectionThatLeadsNowhereIsLeft: a network that drops packets tells nobody.
func TestAConnectionThatLeadsNowhereIsLeft(t *testing.T) {
	api := newStub(t)
	api.put(aService("cart", nil))
	h := newHole(t, api.addr)
	f := followAs(t, api, h.Addr().String(), quiet(), nil).synced()
	h.swallow()
	api.put(aService("shoes", nil))
	time.Sleep(300 * time.Millisecond)
	if f.service("shoes") != nil {
		t.Fatal("the hole leaks")
	}
	if age := f.Age()["services"]; age < 100*time.Millisecond {
		t.Errorf("age %s while nothing comes through", age)
	}
	eventually(t, "what was lost in the hole", patience, func() bool { return f.service("shoes") != nil })
}
