package kube

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// stub is an API server in so far as a reflector asks one: it lists and watches,
// and fails as it is told.
type stub struct {
	t       *testing.T
	http    *httptest.Server
	addr    string
	stopped bool

	mu        sync.Mutex
	version   int
	compacted int // what is asked from before has expired
	objects   map[string]map[string]runtime.Object
	events    []stubEvent
	changed   chan struct{}
	cut       chan struct{} // closed to end all watches
	asked     map[string]int
	lists     map[string]int

	noBookmark bool
	fault      func(resource string) int // a status, 0 for none
}

type stubEvent struct {
	version  int
	resource string
	kind     string
	object   runtime.Object
}

func newStub(t *testing.T) *stub {
	s := &stub{
		t: t, version: 100, objects: map[string]map[string]runtime.Object{}, changed: make(chan struct{}), cut: make(chan struct{}),
		asked: map[string]int{}, lists: map[string]int{},
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *stub) start() {
	s.t.Helper()
	address := s.addr
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	s.http = &httptest.Server{Listener: l, Config: &http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0)}, EnableHTTP2: true}
	s.http.StartTLS()
	s.stopped = false
}

// stop ends the server as SIGKILL does: it keeps what it has stored.
func (s *stub) stop() {
	if s.stopped {
		return
	}
	s.stopped = true
	s.http.Listener.Close() // first: whoever loses a watch must find nobody
	s.http.CloseClientConnections()
	s.endWatches()
	s.http.Close()
}

func (s *stub) endWatches() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.cut)
	s.cut = make(chan struct{})
}

func (s *stub) at(address string) *rest.Config {
	return &rest.Config{Host: "https://" + address, TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
}

func resourceOf(o runtime.Object) string {
	gvks, _, err := scheme.Scheme.ObjectKinds(o)
	if err != nil {
		panic(err)
	}
	o.GetObjectKind().SetGroupVersionKind(gvks[0])
	return strings.ToLower(gvks[0].Kind) + "s"
}

// put stores objects and tells whoever watches.
func (s *stub) put(objects ...runtime.Object) { s.apply(false, objects) }

// drop removes objects.
func (s *stub) drop(objects ...runtime.Object) { s.apply(true, objects) }

func (s *stub) apply(gone bool, objects []runtime.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range objects {
		o = o.DeepCopyObject()
		resource, meta := resourceOf(o), o.(metav1.Object)
		key := meta.GetNamespace() + "/" + meta.GetName()
		s.version++
		meta.SetResourceVersion(strconv.Itoa(s.version))
		if s.objects[resource] == nil {
			s.objects[resource] = map[string]runtime.Object{}
		}
		kind := "MODIFIED"
		if s.objects[resource][key] == nil {
			kind = "ADDED"
		}
		s.objects[resource][key] = o
		if gone {
			kind = "DELETED"
			delete(s.objects[resource], key)
		}
		s.events = append(s.events, stubEvent{s.version, resource, kind, o})
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// backTo makes the server one that knows less and counts from before, as one that
// was restored from a backup does.
func (s *stub) backTo(version int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version, s.events = version, nil
}

// expire ends all watches, and forgets what they could go on from.
func (s *stub) expire() {
	s.mu.Lock()
	s.version++
	s.compacted, s.events = s.version, nil
	s.mu.Unlock()
	s.endWatches()
}

func (s *stub) count(resource string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[resource]
}

func (s *stub) set(edit func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit()
}

// ServeHTTP implements http.Handler.
func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	s.mu.Lock()
	s.asked[resource]++
	fault := 0
	if s.fault != nil {
		fault = s.fault(resource)
	}
	s.mu.Unlock()
	q := r.URL.Query()
	switch {
	case fault != 0:
		refuse(w, fault, fmt.Sprintf("%s: the stub says %d", resource, fault))
	case resource == "readyz":
		fmt.Fprint(w, "ok")
	case resource == "apis": // no CRDs
		fmt.Fprint(w, "{}")
	case strings.HasPrefix(r.URL.Path, "/apis/networking."):
		refuse(w, 404, "no such resource")
	case q.Get("watch") != "":
		s.watch(w, r, resource)
	default:
		s.list(w, resource)
	}
}

func refuse(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	reason := map[int]metav1.StatusReason{403: metav1.StatusReasonForbidden, 404: metav1.StatusReasonNotFound, 410: metav1.StatusReasonExpired, 429: metav1.StatusReasonTooManyRequests}[code]
	if code == 429 {
		w.Header().Set("Retry-After", "0") // the worst: client-go itself would ask ten times in a row
	}
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Message: message, Reason: reason, Code: int32(code),
	})
}

func (s *stub) list(w http.ResponseWriter, resource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists[resource]++
	items := []runtime.Object{}
	for _, o := range s.objects[resource] {
		items = append(items, o)
	}
	version, kind := "v1", strings.ToUpper(resource[:1])+resource[1:len(resource)-1]+"List"
	if resource == "endpointslices" {
		version, kind = "discovery.k8s.io/v1", "EndpointSliceList"
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"kind": kind, "apiVersion": version, "metadata": map[string]any{"resourceVersion": strconv.Itoa(s.version)}, "items": items,
	})
}

func (s *stub) watch(w http.ResponseWriter, r *http.Request, resource string) {
	from, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	initial := r.URL.Query().Get("sendInitialEvents") == "true"
	s.mu.Lock()
	if !initial && from < s.compacted {
		s.mu.Unlock()
		refuse(w, 410, "too old resource version")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out, flush := json.NewEncoder(w), w.(http.Flusher)
	send := func(kind string, object any) { out.Encode(map[string]any{"type": kind, "object": object}) }
	if initial {
		from = s.version
		for _, o := range s.objects[resource] {
			send("ADDED", o)
		}
		if !s.noBookmark {
			send("BOOKMARK", map[string]any{
				"apiVersion": apiVersions[resource], "kind": kinds[resource],
				"metadata": map[string]any{"resourceVersion": strconv.Itoa(s.version), "annotations": map[string]string{metav1.InitialEventsAnnotationKey: "true"}},
			})
		}
	}
	cut := s.cut
	for {
		for _, e := range s.events {
			if e.version > from && e.resource == resource {
				send(e.kind, e.object)
			}
		}
		from = max(from, s.version) // one that asks from the future hears nothing until then
		changed := s.changed
		s.mu.Unlock()
		flush.Flush()
		select {
		case <-changed:
		case <-cut:
			return
		case <-r.Context().Done():
			return
		}
		s.mu.Lock()
	}
}

var (
	kinds       = map[string]string{"services": "Service", "endpointslices": "EndpointSlice", "nodes": "Node", "pods": "Pod", "namespaces": "Namespace"}
	apiVersions = map[string]string{"services": "v1", "endpointslices": "discovery.k8s.io/v1", "nodes": "v1", "pods": "v1", "namespaces": "v1"}
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
