package kube

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
)

// mostPatience bounds for how long a server that is busy may put us off. One that
// starts says 5 s to whoever asks for a CRD's kind, and is there after one.
const mostPatience = 4 * time.Second

// reader asks for a resource on behalf of a reflector. A full read always asks for
// the latest state, and a watch goes on from what is known only if the server was
// there all the time: one that comes back may know less than it did, and would
// then stay silent until it has caught up.
type reader struct {
	*resource
	listing bool
}

var _ cache.ListerWatcherWithContext = (*reader)(nil)

// IsWatchListSemanticsUnSupported makes the reflector list.
func (r *reader) IsWatchListSemanticsUnSupported() bool { return r.listing }

// List is ListWithContext for those who have none.
func (r *reader) List(options metav1.ListOptions) (runtime.Object, error) {
	return r.ListWithContext(context.Background(), options)
}

// Watch is WatchWithContext for those who have none.
func (r *reader) Watch(options metav1.ListOptions) (watch.Interface, error) {
	return r.WatchWithContext(context.Background(), options)
}

// ListWithContext reads one page of the latest state.
func (r *reader) ListWithContext(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	options.ResourceVersion, options.ResourceVersionMatch = "", ""
	if options.Continue == "" {
		if err := r.wait(ctx); err != nil {
			return nil, err
		}
	}
	options.FieldSelector = r.fields
	out := r.list()
	err := r.client.Get().Resource(r.name).MaxRetries(0).SpecificallyVersionedParams(&options, scheme.ParameterCodec, corev1.SchemeGroupVersion).Do(ctx).Into(out)
	if err = r.outcome(ctx, err); err != nil {
		return nil, err
	}
	if options.Continue == "" {
		r.begun()
	}
	return out, nil
}

// WatchWithContext opens a watch.
func (r *reader) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	initial := options.SendInitialEvents != nil && *options.SendInitialEvents
	if !initial && r.doubtful() {
		return nil, errAway()
	}
	if err := r.wait(ctx); err != nil {
		return nil, err
	}
	if initial {
		options.ResourceVersion = ""
		r.expect()
	}
	options.Watch, options.FieldSelector = true, r.fields
	w, err := r.client.Get().Resource(r.name).MaxRetries(0).SpecificallyVersionedParams(&options, scheme.ParameterCodec, corev1.SchemeGroupVersion).Watch(ctx)
	if err = r.outcome(ctx, err); err != nil {
		r.stopWaiting()
		return nil, err
	}
	switch {
	case initial:
		r.begun()
	case r.doubtful(): // it went away while the watch was being opened
		w.Stop()
		return nil, errAway()
	}
	r.opened()
	return &opened{Interface: w, closed: r.closed}, nil
}

// errAway makes a reflector read everything again.
func errAway() error {
	return apierrors.NewResourceExpired("the API server was away, and may have gone back in time")
}

// begun notes that a full read has: the server was there to answer.
func (r *resource) begun() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.absence = r.link.absences.Load()
}

// doubtful says that the server was away since the last full read began.
func (r *resource) doubtful() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.absence != r.link.absences.Load()
}

// wait keeps the pace.
func (r *resource) wait(ctx context.Context) error {
	if err := r.pace.Wait(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	resume := r.resume
	r.mu.Unlock()
	timer := time.NewTimer(time.Until(resume))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outcome notes what came of a request.
func (r *resource) outcome(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return err
	}
	if r.denied != nil && apierrors.IsForbidden(err) {
		if respite, told := r.denied(err); told {
			r.notBefore(respite)
			return err
		}
	}
	r.troubles.note(r.subject, err)
	if err == nil {
		return nil
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Code >= http.StatusInternalServerError {
		r.link.absences.Add(1)
	}
	if seconds, ok := apierrors.SuggestsClientDelay(err); ok && apierrors.IsTooManyRequests(err) {
		r.notBefore(min(time.Duration(seconds)*time.Second, mostPatience))
	}
	return err
}

// notBefore puts the next request off.
func (r *resource) notBefore(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resume = time.Now().Add(d)
}

// opened is a watch that tells when it is stopped.
type opened struct {
	watch.Interface
	once   sync.Once
	closed func()
}

// Stop ends the watch. A reflector always calls it, whoever ended the stream.
func (w *opened) Stop() {
	w.Interface.Stop()
	w.once.Do(w.closed)
}
