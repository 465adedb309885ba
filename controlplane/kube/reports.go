package kube

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/model"
)

// sourceName is under which name the store keeps the problems of the API server's objects.
const sourceName = "kube"

// reports is what is wrong with the objects of the API server. It is safe for
// concurrent use: each resource files its own.
type reports struct {
	store *store.Store
	log   *slog.Logger

	mu       sync.Mutex
	problems map[model.ObjectRef][]model.Problem
	refused  map[model.ObjectRef]bool // true: the store holds an admitted form
}

func newReports(st *store.Store, log *slog.Logger) *reports {
	return &reports{
		store: st, log: log,
		problems: map[model.ObjectRef][]model.Problem{}, refused: map[model.ObjectRef]bool{},
	}
}

// verdict is what admission said of one object; the zero one, with a Ref, says
// that nothing is wrong, or that it is gone.
type verdict struct {
	ref           model.ObjectRef
	problems      []model.Problem
	refused, held bool
}

// file takes verdicts, before the changes that they are about are applied: whoever
// is woken by the change finds them. Each new problem is logged once.
func (r *reports) file(verdicts []verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := false
	for _, v := range verdicts {
		delete(r.refused, v.ref)
		if v.refused {
			r.refused[v.ref] = v.held
		}
		before := r.problems[v.ref]
		if slices.Equal(before, v.problems) {
			continue
		}
		changed = true
		delete(r.problems, v.ref)
		if len(v.problems) > 0 {
			r.problems[v.ref] = v.problems
		}
		for _, p := range v.problems {
			if !slices.Contains(before, p) {
				r.tell(p)
			}
		}
	}
	if changed {
		r.store.SetProblems(sourceName, slices.Concat(slices.Collect(maps.Values(r.problems))...))
	}
}

func (r *reports) tell(p model.Problem) {
	level := slog.LevelInfo
	switch p.Severity {
	case model.Error:
		level = slog.LevelError
	case model.Warning:
		level = slog.LevelWarn
	}
	r.log.Log(context.Background(), level, "problem", "object", p.Object.String(), "field", p.Field, "reason", p.Reason, "message", p.Message)
}

// lists are the refused objects of which an admitted form is held, and those that
// are absent; sorted.
func (r *reports) lists() (held, absent []model.ObjectRef) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ref, has := range r.refused {
		if has {
			held = append(held, ref)
		} else {
			absent = append(absent, ref)
		}
	}
	slices.SortFunc(held, model.ObjectRef.Compare)
	slices.SortFunc(absent, model.ObjectRef.Compare)
	return held, absent
}
