package status

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// api is as much of an API server as statuses need: one Lease with optimistic locking,
// statuses by server-side apply, Events, and a Service to look up. It is reached without
// a network, so that time may be a test's own.
type api struct {
	mu      sync.Mutex
	version int
	lease   *coordinationv1.Lease
	objects map[model.ObjectRef]*Object
	events  []eventsv1.Event
	patches []patch
	asked   int // requests in all
	// fail answers a request instead, if it does.
	fail func(*http.Request) (code int, reason metav1.StatusReason)
}

// patch is a status that was taken.
type patch struct {
	ref model.ObjectRef
	by  string
	at  time.Time
}

func newAPI(objects ...Object) *api {
	a := &api{objects: map[model.ObjectRef]*Object{}}
	for _, o := range objects {
		a.put(o)
	}
	return a
}

func (a *api) put(o Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	o.ResourceVersion = strconv.Itoa(a.version)
	a.objects[o.Ref] = &o
}

// list is what a watch that never lags has.
func (a *api) list() []Object {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Object
	for _, o := range a.objects {
		out = append(out, *o)
	}
	return out
}

// config reaches the API as somebody.
func (a *api) config(who string) *rest.Config {
	return &rest.Config{Host: "http://api", UserAgent: who, Transport: a, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
}

// RoundTrip implements http.RoundTripper.
func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	w := httptest.NewRecorder()
	if a.fail != nil {
		if code, reason := a.fail(r); code == -1 {
			return nil, io.ErrUnexpectedEOF
		} else if code != 0 {
			refuse(w, code, reason)
			return w.Result(), nil
		}
	}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	switch path := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/"); {
	case strings.Contains(r.URL.Path, "/leases"):
		a.serveLease(w, r, body)
	case path[len(path)-1] == "status":
		a.serveStatus(w, r, body)
	case strings.Contains(r.URL.Path, "/events.k8s.io/"):
		a.serveEvent(w, r, body)
	case path[len(path)-1] == "services" && r.URL.Query().Get("fieldSelector") == "metadata.name=reviews":
		answer(w, map[string]any{
			"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
			"items": []any{map[string]any{"metadata": map[string]any{"name": "reviews", "uid": "uid-of-service"}}},
		})
	case path[len(path)-1] == "services":
		answer(w, map[string]any{"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": []any{}})
	default:
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound)
	}
	return w.Result(), nil
}

func (a *api) serveLease(w http.ResponseWriter, r *http.Request, body []byte) {
	var sent coordinationv1.Lease
	if r.Method != http.MethodGet {
		if err := json.Unmarshal(body, &sent); err != nil {
			panic(err)
		}
	}
	switch {
	case r.Method == http.MethodGet && a.lease == nil:
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound)
		return
	case r.Method == http.MethodPost && a.lease != nil:
		refuse(w, http.StatusConflict, metav1.StatusReasonAlreadyExists)
		return
	case r.Method == http.MethodPut && sent.ResourceVersion != a.lease.ResourceVersion:
		refuse(w, http.StatusConflict, metav1.StatusReasonConflict)
		return
	case r.Method != http.MethodGet:
		a.version++
		sent.ResourceVersion = strconv.Itoa(a.version)
		a.lease = &sent
	}
	answer(w, a.lease)
}

func (a *api) serveStatus(w http.ResponseWriter, r *http.Request, body []byte) {
	var sent struct {
		Kind     string
		Metadata struct{ Name, ResourceVersion string }
		Status   json.RawMessage
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		panic(err)
	}
	q := r.URL.Query()
	if r.Method != http.MethodPatch || q.Get("fieldManager") != "coastwise" {
		panic(fmt.Sprint(r.Method, r.Header, r.URL))
	}
	ref := model.ObjectRef{Kind: sent.Kind, Name: sent.Metadata.Name}
	if _, rest, ok := strings.Cut(r.URL.Path, "/namespaces/"); ok {
		ref.Namespace, _, _ = strings.Cut(rest, "/")
	}
	o := a.objects[ref]
	switch {
	case o == nil:
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound)
	case sent.Metadata.ResourceVersion != o.ResourceVersion:
		refuse(w, http.StatusConflict, metav1.StatusReasonConflict)
	case o.Whole != nil:
		a.serveGatewayAPI(w, r, o, body)
	default:
		if r.Header.Get("Content-Type") != "application/apply-patch+yaml" || q.Get("force") != "true" {
			panic(fmt.Sprint(r.Method, r.Header, r.URL))
		}
		a.version++
		o.ResourceVersion, o.Status = strconv.Itoa(a.version), v1alpha1.Status{}
		if err := json.Unmarshal(sent.Status, &o.Status); err != nil {
			panic(err)
		}
		a.patches = append(a.patches, patch{ref, r.UserAgent(), time.Now()})
		answer(w, map[string]any{"kind": sent.Kind, "apiVersion": v1alpha1.APIVersion, "metadata": map[string]any{"name": ref.Name}})
	}
}

func (a *api) serveEvent(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method == http.MethodPatch { // a series; what is counted is its beginning
		answer(w, eventsv1.Event{TypeMeta: metav1.TypeMeta{Kind: "Event", APIVersion: "events.k8s.io/v1"}})
		return
	}
	var e eventsv1.Event
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&e); err != nil {
		panic(err)
	}
	a.events = append(a.events, e)
	answer(w, e)
}

func answer(w http.ResponseWriter, object any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object)
}

func refuse(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: string(reason),
	})
}
