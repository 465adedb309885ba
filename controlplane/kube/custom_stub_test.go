package kube

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// crdServer is an API server with nothing but custom resources: discovery, LIST and
// watches. Objects belong to PLURAL.GROUP, whatever versions are served.
type crdServer struct {
	*httptest.Server
	t *testing.T

	mu        sync.Mutex
	served    map[string][]string // PLURAL.GROUP → versions
	kinds     map[string]string   // PLURAL.GROUP → kind
	objects   map[string]map[string]map[string]any
	watchers  map[string]map[chan []byte]bool
	forbidden map[string]bool
	refuse    func(path string) int // a status to answer with, 0 for none
	asked     map[string]int        // by path
	revision  int
}

func newCRDServer(t *testing.T) *crdServer {
	s := &crdServer{
		t: t, served: map[string][]string{}, kinds: map[string]string{}, objects: map[string]map[string]map[string]any{},
		watchers: map[string]map[chan []byte]bool{}, forbidden: map[string]bool{}, asked: map[string]int{},
	}
	for _, k := range crds() {
		s.kinds[k.String()] = k.kind
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *crdServer) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// serve installs a CRD, or without versions takes it away and its objects with it.
func (s *crdServer) serve(resource string, versions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served[resource] = versions
	if len(versions) == 0 {
		delete(s.objects, resource)
		for w := range s.watchers[resource] {
			close(w)
		}
		delete(s.watchers, resource)
	}
}

// put writes an object, in JSON without apiVersion, kind and resourceVersion.
func (s *crdServer) put(resource, manifest string) {
	var o map[string]any
	if err := json.Unmarshal([]byte(manifest), &o); err != nil {
		s.t.Fatal(err, manifest)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := fmt.Sprint(o["metadata"])
	if meta, ok := o["metadata"].(map[string]any); ok {
		s.revision++
		meta["resourceVersion"] = fmt.Sprint(s.revision)
		name = fmt.Sprint(meta["namespace"], "/", meta["name"])
	}
	event := "MODIFIED"
	if s.objects[resource] == nil {
		s.objects[resource] = map[string]map[string]any{}
	}
	if s.objects[resource][name] == nil {
		event = "ADDED"
	}
	s.objects[resource][name] = o
	s.tell(resource, event, o)
}

// drop deletes an object.
func (s *crdServer) drop(resource, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[resource][name]
	delete(s.objects[resource], name)
	s.revision++
	s.tell(resource, "DELETED", o)
}

func (s *crdServer) tell(resource, event string, o map[string]any) {
	for w := range s.watchers[resource] {
		w <- s.event(resource, event, o)
	}
}

func (s *crdServer) typed(resource string, o map[string]any) map[string]any {
	o = maps.Clone(o)
	_, group, _ := strings.Cut(resource, ".")
	version := "v1"
	if len(s.served[resource]) > 0 {
		version = s.served[resource][0]
	}
	o["apiVersion"], o["kind"] = group+"/"+version, s.kinds[resource]
	return o
}

func (s *crdServer) event(resource, event string, o map[string]any) []byte {
	raw, err := json.Marshal(map[string]any{"type": event, "object": s.typed(resource, o)})
	if err != nil {
		panic(err)
	}
	return append(raw, '\n')
}

func (s *crdServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked[r.URL.Path]++
	code := 0
	if s.refuse != nil {
		code = s.refuse(r.URL.Path)
	}
	s.mu.Unlock()
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case code != 0:
		fail(w, code)
	case r.URL.Path == "/readyz":
		fmt.Fprint(w, "ok")
	case parts[0] == "apis" && len(parts) == 1:
		s.groups(w)
	case parts[0] == "apis" && len(parts) == 3:
		s.resources(w, parts[1], parts[2])
	case parts[0] == "apis" && len(parts) == 4:
		s.read(w, r, parts[3]+"."+parts[1], parts[2])
	default:
		fail(w, http.StatusNotFound)
	}
}

func fail(w http.ResponseWriter, code int) {
	reason := map[int]metav1.StatusReason{403: metav1.StatusReasonForbidden, 404: metav1.StatusReasonNotFound, 503: metav1.StatusReasonServiceUnavailable}[code]
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	answer(w, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: reason, Code: int32(code), Message: fmt.Sprint("stub: ", code),
	})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client went
}

func (s *crdServer) groups(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	versions := map[string]map[string]bool{}
	for resource, served := range s.served {
		_, group, _ := strings.Cut(resource, ".")
		for _, v := range served {
			if versions[group] == nil {
				versions[group] = map[string]bool{}
			}
			versions[group][v] = true
		}
	}
	var list metav1.APIGroupList
	for group, vs := range versions {
		g := metav1.APIGroup{Name: group}
		for v := range vs {
			g.Versions = append(g.Versions, metav1.GroupVersionForDiscovery{GroupVersion: group + "/" + v, Version: v})
		}
		list.Groups = append(list.Groups, g)
	}
	answer(w, list)
}

func (s *crdServer) resources(w http.ResponseWriter, group, version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := metav1.APIResourceList{GroupVersion: group + "/" + version}
	for resource, served := range s.served {
		if plural, g, _ := strings.Cut(resource, "."); g == group && slices.Contains(served, version) {
			list.APIResources = append(list.APIResources, metav1.APIResource{Name: plural}, metav1.APIResource{Name: plural + "/status"})
		}
	}
	answer(w, list)
}

func (s *crdServer) read(w http.ResponseWriter, r *http.Request, resource, version string) {
	s.mu.Lock()
	forbidden, there := s.forbidden[resource], slices.Contains(s.served[resource], version)
	s.mu.Unlock()
	switch {
	case forbidden:
		fail(w, http.StatusForbidden)
	case !there:
		fail(w, http.StatusNotFound)
	case r.URL.Query().Get("watch") != "":
		s.watch(w, r, resource)
	default:
		s.list(w, resource)
	}
}

func (s *crdServer) list(w http.ResponseWriter, resource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []map[string]any{}
	for _, o := range s.objects[resource] {
		items = append(items, s.typed(resource, o))
	}
	list := s.typed(resource, map[string]any{"metadata": map[string]any{"resourceVersion": fmt.Sprint(s.revision)}, "items": items})
	list["kind"] = s.kinds[resource] + "List"
	answer(w, list)
}

// watch begins with all that there is and its end if that is asked for.
func (s *crdServer) watch(w http.ResponseWriter, r *http.Request, resource string) {
	events := make(chan []byte, 1000)
	s.mu.Lock()
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for _, o := range s.objects[resource] {
			events <- s.event(resource, "ADDED", o)
		}
		events <- s.event(resource, "BOOKMARK", map[string]any{"metadata": map[string]any{
			"resourceVersion": fmt.Sprint(s.revision), "annotations": map[string]any{metav1.InitialEventsAnnotationKey: "true"},
		}})
	}
	if s.watchers[resource] == nil {
		s.watchers[resource] = map[chan []byte]bool{}
	}
	s.watchers[resource][events] = true
	s.mu.Unlock()
	defer s.do(func() { delete(s.watchers[resource], events) })
	w.Header().Set("Content-Type", "application/json")
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case e, open := <-events:
			if !open {
				return
			}
			_, _ = w.Write(e)
		case <-r.Context().Done():
			return
		}
	}
}
