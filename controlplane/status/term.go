package status

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/time/rate"

	"github.com/coastwise/coastwise/translate/model"
)

// maxQueue bounds the Events that wait for their turn.
const maxQueue = 1000

// term is what a leader does while it is one.
type term struct {
	*Controller
	writer   *writer
	recorder *recorder
	limit    *rate.Limiter // of Events
	queue    []event
}

// guarded is a look at everything; a panic in it is contained, and tried again.
func (t *term) guarded(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			t.config.Log.Error("statuses could not be made", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return t.look(ctx)
}

// look compares what every object should say with what it says, and writes the
// difference. An error says that the API server takes nothing now.
func (t *term) look(ctx context.Context) error {
	if !t.config.Ready() {
		return nil
	}
	// Before all that is said of them: what is said of a newer form then meets an older
	// version, onto which the server does not write.
	objects := t.config.Objects()
	asking, stop := context.WithTimeout(ctx, askTime)
	rollouts := t.config.Rollouts(asking)
	stop()
	problems := append(t.config.Problems(), rollouts.Problems...)
	byObject := map[model.ObjectRef][]model.Problem{}
	for _, p := range problems {
		byObject[p.Object] = append(byObject[p.Object], p)
	}
	wishes := t.writer.wishes(objects, newMesh(objects, t.config.gateways()), byObject, rollouts, time.Now())
	err := t.writer.write(ctx, wishes, func(w wish) {
		for _, e := range transitions(w) {
			t.enqueue(e)
		}
	})
	for len(t.queue) > 0 && t.limit.Allow() {
		t.recorder.send(t.queue[0])
		t.queue = t.queue[1:]
	}
	if err != nil {
		return err
	}
	return t.tellOthers(ctx, problems)
}

func (t *term) enqueue(e event) {
	if len(t.queue) >= maxQueue {
		t.metrics.dropped.Inc()
		return
	}
	t.queue = append(t.queue, e)
}

// tellOthers sends the Events of objects that have no status from us, as far as the
// limit allows; the rest waits for the next look.
func (t *term) tellOthers(ctx context.Context, problems []model.Problem) error {
	for _, n := range t.told.news(tellings(problems)) {
		if !t.election.Leads() || !t.limit.Allow() {
			return nil
		}
		lookup, stop := context.WithTimeout(ctx, writeTime)
		e, ok, err := n.event(lookup, t.metadata)
		stop()
		if err != nil && overall(err) {
			return err
		}
		t.told[n] = true // one that may not be looked up, or is gone, is not asked for again
		if err != nil {
			t.config.Log.Debug("no Event for a problem", "object", n.object.String(), "err", err)
		}
		if ok {
			t.recorder.send(e)
		}
	}
	return nil
}
