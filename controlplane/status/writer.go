package status

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/coastwise/coastwise/translate/model"
)

// FieldManager owns what is written, at the API server.
const FieldManager = "coastwise"

const (
	// passTime is the least time from one look at everything to the next, and bounds
	// how long writes of one look go on: what is written shall not be old.
	passTime = time.Second
	// writeTime bounds one write.
	writeTime = 5 * time.Second
)

// errNotLeading says that the lease ended before a write.
var errNotLeading = errors.New("this replica does not lead any more")

// writer writes statuses during one term.
type writer struct {
	client  dynamic.Interface
	until   func() time.Time // when the lease ends
	limit   *rate.Limiter
	metrics *metrics
	log     *slog.Logger
	memos   map[model.ObjectRef]*memo
	trouble string // the last told
}

// wish is a status to write.
type wish struct {
	object Object
	form   form
	status state
	base   state // what stands there
	memo   *memo
	grave  bool // more than words change
}

// wishes are those of the objects that have to be written now, the most urgent
// first: more than words before words, then what was not written for longest.
func (w *writer) wishes(objects []Object, m mesh, problems map[model.ObjectRef][]model.Problem, rollouts Rollouts, now time.Time) []wish {
	var out []wish
	present := map[model.ObjectRef]bool{}
	for _, o := range objects {
		f := formOf(o, m)
		if f == nil {
			continue // Istio's objects get no status from us, nor do those of other controllers
		}
		present[o.Ref] = true
		if wish, due := w.wish(o, f, rollouts.about(o, problems[o.Ref]), now); due {
			out = append(out, wish)
		}
	}
	maps.DeleteFunc(w.memos, func(ref model.ObjectRef, _ *memo) bool { return !present[ref] })
	slices.SortStableFunc(out, func(a, b wish) int {
		if a.grave != b.grave {
			if a.grave {
				return -1
			}
			return 1
		}
		return cmp.Or(a.memo.at.Compare(b.memo.at), a.object.Ref.Compare(b.object.Ref))
	})
	return out
}

// wish is the one of an object; due says whether it has to be written now.
func (w *writer) wish(o Object, f form, r Report, now time.Time) (_ wish, due bool) {
	m := w.memos[o.Ref]
	if m == nil || m.uid != o.UID {
		m = &memo{uid: o.UID}
		w.memos[o.Ref] = m
	}
	base := m.base(f.stands(), now)
	status := f.wish(base, r, metav1.NewTime(now.Truncate(time.Second)))
	m.settle(base, status, now)
	status.rest = f.rest(status)
	if same(base, status) {
		return wish{}, false
	}
	return wish{object: o, form: f, status: status, base: base, memo: m, grave: grave(base, status)}, m.due(base, status, now)
}

// write sends wishes until their time is over, and tells done of each that the server
// took. An error says that the server takes nothing at all now, or that ctx or the lease ended.
func (w *writer) write(ctx context.Context, wishes []wish, done func(wish)) error {
	waiting, stop := context.WithTimeout(ctx, passTime)
	defer stop()
	for _, wish := range wishes {
		if w.limit.Wait(waiting) != nil {
			return ctx.Err() // out of time: the next look knows better what to write
		}
		err := w.send(ctx, wish)
		if errors.Is(err, errNotLeading) || ctx.Err() != nil {
			return cmp.Or(ctx.Err(), err)
		}
		wish.memo.wrote(wish.form.stands(), wish.status, time.Now(), err == nil)
		switch {
		case err == nil:
			w.metrics.writes.WithLabelValues("written").Inc()
			w.tell(nil)
			done(wish)
		case stale(err):
			w.metrics.writes.WithLabelValues("stale").Inc()
			w.log.Debug("an object has changed since it was read", "object", wish.object.Ref.String(), "err", err)
		default:
			w.metrics.writes.WithLabelValues("failed").Inc()
			w.tell(fmt.Errorf("%s: %w", wish.object.Ref, err))
			if overall(err) {
				return err
			}
		}
	}
	return nil
}

// send writes one status onto the version that was read, unless the lease has ended.
func (w *writer) send(ctx context.Context, s wish) error {
	meta := map[string]any{"name": s.object.Ref.Name}
	if s.object.ResourceVersion != "" {
		meta["resourceVersion"] = s.object.ResourceVersion
	}
	how, status := s.form.patch(s.status)
	resource := s.form.resource()
	body, err := json.Marshal(map[string]any{
		"apiVersion": resource.GroupVersion().String(), "kind": s.object.Ref.Kind, "metadata": meta, "status": status,
	})
	if err != nil {
		return err
	}
	now, end := time.Now(), w.until()
	if !now.Before(end) {
		return errNotLeading
	}
	if latest := now.Add(writeTime); latest.Before(end) {
		end = latest
	}
	ctx, stop := context.WithDeadline(ctx, end)
	defer stop()
	all := w.client.Resource(resource)
	var at dynamic.ResourceInterface = all
	if s.object.Ref.Namespace != "" {
		at = all.Namespace(s.object.Ref.Namespace)
	}
	options := metav1.PatchOptions{FieldManager: FieldManager}
	if how == types.ApplyPatchType {
		force := true
		options.Force = &force
	}
	_, err = at.Patch(ctx, s.object.Ref.Name, how, body, options, "status")
	return err
}

// stale says that the object is not there any more, or is not what was read: the watch
// will bring the news.
func stale(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsConflict(err) }

// overall says that an error is not about the one object: no use trying the next.
func overall(err error) bool {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) {
		return true // no answer
	}
	code := status.Status().Code
	return code == 429 || code >= 500
}

// tell logs what is in the way of writing, once until it changes.
func (w *writer) tell(err error) {
	now := ""
	if err != nil {
		now = advice(err)
	}
	if now == w.trouble {
		return
	}
	w.trouble = now
	if now == "" {
		w.log.Info("statuses can be written again")
		return
	}
	w.log.Warn("a status cannot be written: "+now, "err", err)
}

// advice says what to do about an error, or what it means.
func advice(err error) string {
	switch {
	case apierrors.IsForbidden(err):
		return "this server may not patch */status; apply deploy/rbac.yaml (and deploy/rbac-gateway-api.yaml)"
	case strings.Contains(err.Error(), "not declared in schema"): // a 500, as the API server has it
		return "the CRD is of an older coastwise; apply crds/"
	case overall(err):
		return "the API server does not answer"
	case apierrors.IsInvalid(err):
		return "the object itself is not valid any more under its CRD; edit it"
	}
	return "the API server refuses it"
}
