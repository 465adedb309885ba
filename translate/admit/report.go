package admit

import (
	"fmt"
	"slices"

	"github.com/coastwise/coastwise/translate/model"
)

// report collects the Problems of one object.
//
// Covered are the places whose shape is wrong. Nothing else is said there, nor
// around it: a missing value is no second mistake where its name is misspelt.
type report struct {
	object   model.ObjectRef
	options  Options
	problems []model.Problem
	covered  []path
	// istio says that the object is of Istio's group.
	istio bool
}

func (r *report) add(severity model.Severity, reason model.Reason, p path, format string, args ...any) {
	r.problems = append(r.problems, model.Problem{
		Object: r.object, Field: string(p), Severity: severity, Reason: reason,
		Message: fmt.Sprintf(format, args...),
	})
}

// misshapen files a mistake in the shape of the document and covers its place.
func (r *report) misshapen(reason model.Reason, p path, format string, args ...any) {
	r.add(model.Error, reason, p, format, args...)
	r.covered = append(r.covered, p)
}

// invalid files a value that is not allowed.
func (r *report) invalid(p path, format string, args ...any) {
	if !r.isCovered(p) {
		r.add(model.Error, model.Invalid, p, format, args...)
	}
}

func (r *report) isCovered(p path) bool {
	return slices.ContainsFunc(r.covered, func(c path) bool { return c.holds(p) || p.holds(c) })
}

// refused says whether a Problem forbids using the object.
func (r *report) refused() bool {
	return slices.ContainsFunc(r.problems, func(p model.Problem) bool { return p.Severity == model.Error })
}

// isWrong says whether the value at p itself is a mistake.
func (r *report) isWrong(p path) bool {
	return slices.ContainsFunc(r.problems, func(q model.Problem) bool {
		return q.Field == string(p) && q.Severity == model.Error
	})
}
