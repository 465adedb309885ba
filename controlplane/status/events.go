package status

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedeventsv1 "k8s.io/client-go/kubernetes/typed/events/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// maxNote is what the API allows as the text of an Event, in characters; here bytes.
const maxNote = 1024

// event is one that is to be sent.
type event struct {
	regarding            corev1.ObjectReference
	kind                 string // Normal or Warning
	reason, action, note string
}

// actions say what was tried when a condition changed.
var actions = map[string]string{
	Accepted: "Admit", ResolvedRefs: "Resolve", Programmed: "Program",
	Conflicted: "Admit", PartiallyInvalid: "Admit", RouteProgrammed: "Program",
}

// good is the status of a condition that leaves nothing to mend.
func good(kind string) metav1.ConditionStatus {
	if kind == Conflicted || kind == PartiallyInvalid {
		return metav1.ConditionFalse
	}
	return metav1.ConditionTrue
}

// follows says of a condition that it only repeats that another one is amiss.
func follows(c *metav1.Condition) bool {
	return c.Reason == Pending || c.Type == Programmed && c.Reason == string(gatewayv1.GatewayReasonInvalid)
}

// transitions are the Events of a status that was written: a Warning where a
// condition became False or has another reason now, Normal where one became True
// again, and where the proxies have all of a new generation. Pending is none: it passes.
// What several parts of an object say alike is told once.
func transitions(w wish) []event {
	var out []event
	for _, c := range changes(w.base, w.status) {
		e := event{
			regarding: corev1.ObjectReference{
				APIVersion: w.form.resource().GroupVersion().String(), Kind: w.object.Ref.Kind,
				Namespace: w.object.Ref.Namespace, Name: w.object.Ref.Name, UID: w.object.UID,
			},
			kind: corev1.EventTypeNormal, reason: c.is.Reason, action: actions[c.is.Type], note: clip(c.is.Message, maxNote),
		}
		ok := good(c.is.Type)
		recovered := c.was != nil && c.was.Status != ok
		switch {
		case follows(c.is):
			continue
		case c.is.Status != ok:
			e.kind = corev1.EventTypeWarning
		case !recovered && c.is.Type != Programmed && c.is.Type != RouteProgrammed:
			continue // what was never amiss needs no telling
		}
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// recorder sends Events during one term; like ones within some minutes become a series
// of one.
type recorder struct {
	events.EventRecorder
	stop func()
}

// newRecorder sends until ctx ends or stop is called.
func newRecorder(ctx context.Context, client typedeventsv1.EventsV1Interface, leads func() bool, log *slog.Logger) (*recorder, error) {
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard()))
	broadcaster := events.NewBroadcaster(&sink{EventSinkImpl: events.EventSinkImpl{Interface: client}, leads: leads, log: log})
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		cancel()
		return nil, err
	}
	return &recorder{
		EventRecorder: broadcaster.NewRecorder(scheme.Scheme, FieldManager),
		stop:          func() { cancel(); broadcaster.Shutdown() },
	}, nil
}

func (r *recorder) send(e event) {
	r.Eventf(&e.regarding, nil, e.kind, e.reason, e.action, "%s", e.note)
}

// sink writes Events while this replica leads, and says once what is in the way.
type sink struct {
	events.EventSinkImpl
	leads func() bool
	log   *slog.Logger

	mu      sync.Mutex
	trouble metav1.StatusReason
}

// Create implements events.EventSink.
func (s *sink) Create(ctx context.Context, e *eventsv1.Event) (*eventsv1.Event, error) {
	if !s.leads() {
		return nil, &rest.RequestConstructionError{Err: errNotLeading} // not tried again
	}
	out, err := s.EventSinkImpl.Create(ctx, e)
	s.tell(err)
	return out, err
}

// Patch implements events.EventSink.
func (s *sink) Patch(ctx context.Context, e *eventsv1.Event, data []byte) (*eventsv1.Event, error) {
	if !s.leads() {
		return nil, &rest.RequestConstructionError{Err: errNotLeading}
	}
	out, err := s.EventSinkImpl.Patch(ctx, e, data)
	if !apierrors.IsNotFound(err) { // it is made anew
		s.tell(err)
	}
	return out, err
}

// tell logs a refusal, once until it changes. An API server that is away is told by
// others, and a namespace that is being deleted takes no Events.
func (s *sink) tell(err error) {
	now := apierrors.ReasonForError(err)
	if err != nil && now == metav1.StatusReasonUnknown || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return
	}
	s.mu.Lock()
	changed := now != s.trouble
	s.trouble = now
	s.mu.Unlock()
	if changed && err != nil {
		s.log.Warn("an Event cannot be written; may this server create and patch events.events.k8s.io (deploy/rbac.yaml)?", "err", err)
	}
}
