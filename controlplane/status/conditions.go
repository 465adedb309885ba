package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// The condition types. Where a condition is True its reason is its type.
const (
	Accepted     = "Accepted"
	ResolvedRefs = "ResolvedRefs"
	Programmed   = "Programmed"
)

// Pending is the reason of a condition that time alone may mend (semantics 10).
const Pending = "Pending"

// Conditions are the condition types that a kind has, of ours or of the Gateway API: a
// workload has no resource of its own, and a mesh default refers to nothing. Those of a
// route are of each of its parents.
func Conditions(kind string) []string {
	switch kind {
	case KindGatewayClass:
		return []string{Accepted}
	case KindGateway:
		return []string{Accepted, Programmed}
	case KindHTTPRoute, KindGRPCRoute:
		return []string{Accepted, ResolvedRefs, RouteProgrammed}
	case v1alpha1.KindWorkloadEntry:
		return []string{Accepted}
	case v1alpha1.KindMeshConfig:
		return []string{Accepted, Programmed}
	}
	return []string{Accepted, ResolvedRefs, Programmed}
}

// The reasons of each condition, gravest first (semantics 10).
var reasons = map[string][]model.Reason{
	Accepted:     {model.Invalid, model.UnknownField, model.NotHonoured, model.DuplicateObject, model.Conflicted},
	ResolvedRefs: {model.TargetNotFound, model.EmptySubset},
	Programmed:   {model.BuildFailed, model.ProxyRejected, model.NothingAllowed},
}

// Wish is the status that an object should have. A condition that keeps its status
// keeps the time of its last transition too; another one has now.
//
// What is told of an object and flips no condition (infos, and warnings such as a
// field that is not honoured) stands in the message of Accepted, or of ResolvedRefs
// if its reason is one of that. While an edit is refused the conditions speak of that
// edit: it is not Accepted, not Programmed, and whether its references resolve is
// Unknown; Programmed says which generation acts in its place.
func Wish(o Object, r Report, now metav1.Time) v1alpha1.Status {
	found := sift(o.Ref.Kind, r.Problems)
	out := v1alpha1.Status{ObservedGeneration: o.Generation}
	accepted, resolved := found.accepted(o), found.resolved(o)
	for _, kind := range Conditions(o.Ref.Kind) {
		c := accepted
		switch kind {
		case ResolvedRefs:
			c = resolved
		case Programmed:
			sound := accepted.Status == metav1.ConditionTrue && resolved.Status == metav1.ConditionTrue
			c = found.programmed(o, r, sound)
		}
		c.Type, c.ObservedGeneration, c.LastTransitionTime = kind, o.Generation, now
		c.Message = clip(c.Message, maxMessage)
		if was := find(o.Status.Conditions, kind); was != nil && was.Status == c.Status {
			c.LastTransitionTime = was.LastTransitionTime
		}
		out.Conditions = append(out.Conditions, c)
	}
	return out
}

// find is the condition of a type, or nil.
func find(all []metav1.Condition, kind string) *metav1.Condition {
	for i := range all {
		if all[i].Type == kind {
			return &all[i]
		}
	}
	return nil
}

// findings are the Problems of one object by the condition that they flip, and those
// that only accompany one.
type findings struct{ flips, notes map[string][]model.Problem }

// sift sorts Problems into conditions. One that its source read from a file is not
// about the object that the API server has.
func sift(kind string, problems []model.Problem) findings {
	f := findings{flips: map[string][]model.Problem{}, notes: map[string][]model.Problem{}}
	has := Conditions(kind)
	for _, p := range model.SortProblems(slices.Clone(problems)) {
		if p.File != "" {
			continue
		}
		condition := conditionOf(p.Reason)
		switch {
		case !slices.Contains(has, condition):
			f.notes[Accepted] = append(f.notes[Accepted], p)
		case flips(p, condition):
			f.flips[condition] = append(f.flips[condition], p)
		case condition == ResolvedRefs:
			f.notes[ResolvedRefs] = append(f.notes[ResolvedRefs], p)
		default:
			f.notes[Accepted] = append(f.notes[Accepted], p)
		}
	}
	return f
}

// conditionOf is the condition that a reason belongs to; those of none are told
// with Accepted.
func conditionOf(r model.Reason) string {
	for _, condition := range []string{ResolvedRefs, Programmed} {
		if slices.Contains(reasons[condition], r) {
			return condition
		}
	}
	return Accepted
}

// flips says whether a Problem makes its condition False. An error does always, so
// that no mistake passes for an accepted object.
func flips(p model.Problem, condition string) bool {
	switch p.Severity {
	case model.Error:
		return true
	case model.Info:
		return false
	}
	return p.Reason != model.NotHonoured && slices.Contains(reasons[condition], p.Reason)
}

// reason is the gravest of a condition's reasons among Problems that flip it. An
// error that the table gives no condition counts as Invalid.
func reason(condition string, problems []model.Problem) string {
	for _, r := range reasons[condition] {
		if slices.ContainsFunc(problems, func(p model.Problem) bool { return p.Reason == r }) {
			return string(r)
		}
	}
	return string(model.Invalid)
}

// refused is a condition that is False for Problems.
func refused(condition string, problems []model.Problem) metav1.Condition {
	return metav1.Condition{Status: metav1.ConditionFalse, Reason: reason(condition, problems), Message: list(problems)}
}

func (f findings) accepted(o Object) metav1.Condition {
	if bad := f.flips[Accepted]; len(bad) > 0 {
		c := refused(Accepted, bad)
		if o.Acts == o.Generation {
			c.Message = list(slices.Concat(bad, f.notes[Accepted]))
		}
		return c
	}
	if o.Acts != o.Generation {
		// Refused without a word: the source owes us the Problem, and will bring it.
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: Pending, Message: fmt.Sprintf("generation %d has not been read yet", o.Generation)}
	}
	return metav1.Condition{
		Status: metav1.ConditionTrue, Reason: Accepted, Message: cmp.Or(list(f.notes[Accepted]), "the object is valid"),
	}
}

func (f findings) resolved(o Object) metav1.Condition {
	bad, notes := f.flips[ResolvedRefs], f.notes[ResolvedRefs]
	switch {
	case o.Acts == 0:
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: Pending, Message: noForm}
	case o.Acts != o.Generation:
		return metav1.Condition{
			Status: metav1.ConditionUnknown, Reason: Pending,
			Message: join(fmt.Sprintf("generation %d does not act; generation %d does", o.Generation, o.Acts), list(slices.Concat(bad, notes))),
		}
	case len(bad) > 0:
		c := refused(ResolvedRefs, bad)
		c.Message = list(slices.Concat(bad, notes))
		return c
	}
	return metav1.Condition{
		Status: metav1.ConditionTrue, Reason: ResolvedRefs, Message: cmp.Or(list(notes), "everything that it names exists"),
	}
}

// join puts texts one a line, without the empty ones.
func join(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n")
}
