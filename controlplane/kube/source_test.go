package kube

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

func shortTimes() Times {
	return Times{
		Bookmark: 300 * time.Millisecond, Start: 5 * time.Second, Probe: 30 * time.Millisecond,
		Silence: 600 * time.Millisecond, Pace: 100 * time.Millisecond, Redial: 20 * time.Millisecond,
		Discovery: 50 * time.Millisecond, Doubt: 50 * time.Millisecond, Denied: 100 * time.Millisecond,
	}
}

// following is a source that runs.
type following struct {
	*Source
	t     *testing.T
	store *store.Store
	ended chan error
	stop  context.CancelFunc
}

func follow(t *testing.T, api *stub, edit func(*Times)) *following {
	t.Helper()
	return followAs(t, api, api.addr, quiet(), edit)
}

func followAs(t *testing.T, api *stub, address string, log *slog.Logger, edit func(*Times)) *following {
	t.Helper()
	times := shortTimes()
	if edit != nil {
		edit(&times)
	}
	f := &following{t: t, store: store.New(), ended: make(chan error, 1)}
	var err error
	if f.Source, err = New(api.at(address), f.store, log, WithTimes(times)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f.stop = cancel
	go func() { f.ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err, told := <-f.ended:
			if told && err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	return f
}

func (f *following) synced() *following {
	f.t.Helper()
	select {
	case <-f.Done():
	case err := <-f.ended:
		f.t.Fatalf("Run ended: %v", err)
	case <-time.After(patience):
		f.t.Fatal("never synced")
	}
	return f
}

// patience is how long what comes true may take.
const patience = 20 * time.Second

func eventually(t *testing.T, what string, within time.Duration, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

func aService(name string, edit func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Spec:       corev1.ServiceSpec{Type: "ClusterIP", Ports: []corev1.ServicePort{{Port: 80}}},
	}
	if edit != nil {
		edit(s)
	}
	return s
}

func aSlice(name, service string, addresses ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	for _, a := range addresses {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{a}})
	}
	return s
}

// addresses are those that the store has for a service of the namespace shop.
func (f *following) addresses(name string) string {
	var out []string
	for _, s := range f.store.Objects(model.ServiceKey("shop", name)).Slices {
		for _, e := range s.Endpoints {
			out = append(out, e.Addresses...)
		}
	}
	return strings.Join(out, " ")
}

func (f *following) service(name string) *corev1.Service {
	return f.store.Objects(model.ServiceKey("shop", name)).Service
}

func TestEverythingIsReadAtOnceAndFollowed(t *testing.T) {
	defer goleak.VerifyNone(t)
	api := newStub(t)
	defer api.stop()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cart-0", UID: "u"}, Spec: corev1.PodSpec{NodeName: "n1"}}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", Labels: map[string]string{corev1.LabelTopologyZone: "z", corev1.LabelTopologyRegion: "r"}}}
	api.put(
		aService("cart", nil), aService("shoes", nil), aSlice("cart-1", "cart", "10.0.0.1", "10.0.0.2"), node, pod,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"a": "b"}}},
	)
	f := follow(t, api, nil).synced()
	if !f.Synced() || f.service("cart") == nil || f.service("shoes") == nil || f.addresses("cart") != "10.0.0.1 10.0.0.2" {
		t.Errorf("of the Services: %v %q", f.service("cart"), f.addresses("cart"))
	}
	if p := f.store.Pod(ingest.PodName{Namespace: "shop", Name: "cart-0"}); p == nil || p.Spec.NodeName != "n1" || p.UID != "u" {
		t.Errorf("of the Pod: %v", p)
	}
	if l := f.store.Nodes().ByName["n1"].Locality; l.Zone != "z" || f.store.Namespace("shop").Labels["a"] != "b" {
		t.Errorf("of the Node: %v", l)
	}
	api.put(aSlice("cart-1", "cart", "10.0.0.3"))
	api.drop(aService("shoes", nil), node, pod)
	eventually(t, "an edit and deletions", patience, func() bool {
		return f.addresses("cart") == "10.0.0.3" && f.service("shoes") == nil && len(f.store.Nodes().ByName) == 0 &&
			f.store.Pod(ingest.PodName{Namespace: "shop", Name: "cart-0"}) == nil
	})
	eventually(t, "age 0", patience, func() bool { return len(f.Age()) == 5 && f.Age()["pods"] == 0 && f.Age()["services"] == 0 })
	if got := f.Stats(); got.Objects["services"] != 1 || got.Objects["pods"] != 0 || got.Reads["services"] != 1 || !f.Alive() {
		t.Errorf("%+v", got)
	}
	if n := api.lists["services"]; n != 0 {
		t.Errorf("%d lists, where a watch is enough", n)
	}
	f.stop()
	if err := <-f.ended; err != nil {
		t.Error(err)
	}
	close(f.ended)
}

// TestARefusedEditChangesNothing is semantics 8.1 for objects of the API server.
func TestARefusedEditChangesNothing(t *testing.T) {
	api := newStub(t)
	bad := func(s *corev1.Service) {
		s.Annotations = map[string]string{"networking.coastwise.dev/export-to": "Not A Name"}
		s.Spec.Ports[0].Port = 81
	}
	api.put(aService("never", bad), aService("edited", nil))
	f := follow(t, api, nil).synced()
	if f.service("never") != nil || len(f.Stats().Unadmitted) != 1 || len(f.store.Problems()) != 1 {
		t.Fatalf("never admitted: %v %+v %v", f.service("never"), f.Stats(), f.store.Problems())
	}
	if p := f.store.Problems()[0]; p.Object.String() != "Service shop/never" || p.Reason != model.Invalid || p.Field != "metadata.annotations[networking.coastwise.dev/export-to]" {
		t.Errorf("%+v", p)
	}
	api.put(aService("edited", bad))
	eventually(t, "the edit is refused", patience, func() bool { return len(f.Stats().Held) == 1 && len(f.store.Problems()) == 2 })
	api.expire()
	eventually(t, "read again", patience, func() bool { return f.Stats().Reads["services"] == 2 })
	if s := f.service("edited"); s == nil || s.Spec.Ports[0].Port != 80 || len(f.Stats().Held) != 1 {
		t.Fatalf("a refused edit took the place of what was admitted: %v %+v", s, f.Stats())
	}
	api.put(aService("never", nil))
	api.drop(aService("edited", nil))
	eventually(t, "mended, and gone", patience, func() bool {
		return f.service("never") != nil && f.service("edited") == nil && len(f.store.Problems()) == 0 && len(f.Stats().Held)+len(f.Stats().Unadmitted) == 0
	})
}

// TestMadeAgainMeanwhile: one that was deleted and made again while nobody watched is
// another, and has no admitted form.
func TestMadeAgainMeanwhile(t *testing.T) {
	s := &sink{
		kind: "Service", store: store.New(), trim: newTrimmer().trim, held: map[cache.ObjectName]known{}, replaced: func() {},
	}
	s.reports = newReports(s.store, quiet())
	is := func(uid types.UID, export string) *corev1.Service {
		return aService("x", func(s *corev1.Service) {
			s.UID, s.Annotations = uid, map[string]string{"networking.coastwise.dev/export-to": export}
		})
	}
	for _, step := range []struct {
		what           string
		object         *corev1.Service
		services, held int
	}{
		{"admitted", is("u1", "*"), 1, 0},
		{"a refused edit", is("u1", "Not A Name"), 1, 1},
		{"another, refused", is("u2", "Not A Name"), 0, 0},
		{"the former's uid says nothing now", is("u1", "Not A Name"), 0, 0},
		{"mended", is("u2", "*"), 1, 0},
	} {
		if err := s.Replace([]any{step.object}, ""); err != nil {
			t.Fatal(err)
		}
		if held, _ := s.reports.lists(); len(s.store.Keys()) != step.services || len(held) != step.held {
			t.Errorf("%s: %d Services, held %v", step.what, len(s.store.Keys()), held)
		}
	}
}

// TestTheFirstReadIsOneBatch: no reader of the store ever sees a part of it.
func TestTheFirstReadIsOneBatch(t *testing.T) {
	api := newStub(t)
	var objects []runtime.Object
	for i := range 200 {
		objects = append(objects, aService("s"+strings.Repeat("x", i%40)+string(rune('a'+i/40)), nil))
	}
	api.put(objects...)
	f := follow(t, api, nil)
	seen := map[int]bool{}
	for n := 0; n < 200; {
		n = len(f.store.Keys())
		seen[n] = true
	}
	f.synced()
	delete(seen, 0)
	if len(seen) != 1 {
		t.Errorf("numbers of Services that could be seen: %v", seen)
	}
}

// lines collects what is logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(b))
	return len(b), nil
}

func (l *lines) with(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}
