package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// Mesh is what is looked at.
type Mesh struct {
	// Objects are the admitted ones, sorted by Ref.
	Objects []Object
	// Services are what ingest made of them, by key.
	Services []*model.Service
	// LocalityDefault is PILOT_ENABLE_LOCALITY_LOAD_BALANCING.
	LocalityDefault bool
	// Foreign are objects that were skipped, with their kind as KIND.GROUP.
	Foreign []model.ObjectRef
}

// Object is one admitted object; Object is of the type that Ref.Kind names.
type Object struct {
	Ref    model.ObjectRef
	Object any
}

// Rule is one way in which coastwise differs from Istio.
type Rule struct {
	// ID is stable: others script against it.
	ID string
	// Severity is that of a finding on an object of Istio's kinds or of Kubernetes';
	// on one of our own kinds it is info.
	Severity model.Severity
	// Title is what differs, in a few words.
	Title string
	// Istio is what Istio does, Here what coastwise does, and Keep what to write to
	// keep Istio's behaviour.
	Istio, Here, Keep string
	// find is nil where no object can show it.
	find func(*mesh) []hit
}

// hit is a field to which a rule applies.
type hit struct {
	object model.ObjectRef
	field  string
	// detail is what is to be said of this very field; may be "".
	detail string
}

// Finding is one thing that a user should know of an object. Its JSON is a contract:
// Istio, Here and Keep are "" for Problems; File is "" and Line 0 where unknown.
type Finding struct {
	Rule     string          `json:"rule"`
	Severity model.Severity  `json:"severity"`
	Object   model.ObjectRef `json:"object"`
	Field    string          `json:"field"`
	Message  string          `json:"message"`
	Istio    string          `json:"istio"`
	Here     string          `json:"coastwise"`
	Keep     string          `json:"keep"`
	File     string          `json:"file"`
	Document int             `json:"document"`
	Line     int             `json:"line"`
}

// Check finds where the rules of the table apply, sorted by object and field.
func Check(m Mesh) []Finding {
	index := newMesh(m)
	var out []Finding
	for _, rule := range Rules() {
		if rule.find == nil {
			continue
		}
		for _, h := range rule.find(index) {
			f := Finding{
				Rule: rule.ID, Severity: rule.Severity, Object: h.object, Field: h.field,
				Message: rule.Title, Istio: rule.Istio, Here: rule.Here, Keep: rule.Keep,
			}
			if h.detail != "" {
				f.Message += ": " + h.detail
			}
			if ours(h.object.Kind) {
				f.Severity = model.Info
			}
			out = append(out, f)
		}
	}
	return Sort(out)
}

// ours says that a kind is of our group, whose authors know that it is not Istio.
func ours(kind string) bool {
	switch kind {
	case v1alpha1.KindDestinationRule, v1alpha1.KindMeshConfig, v1alpha1.KindServiceEntry, v1alpha1.KindWorkloadEntry:
		return true
	}
	return false
}

// FromProblem makes a finding of a Problem; its rule is the reason.
func FromProblem(p model.Problem) Finding {
	return Finding{
		Rule: string(p.Reason), Severity: p.Severity, Object: p.Object, Field: p.Field,
		Message: p.Message, File: p.File, Document: p.Document,
	}
}

// Join adds the findings of Problems to those of the table, sorted. What the table
// says better, an explicit zero, is not said twice.
func Join(findings []Finding, problems []model.Problem) []Finding {
	zero := map[Finding]bool{}
	for _, f := range findings {
		if f.Rule == ruleZero {
			zero[Finding{Object: f.Object, Field: f.Field}] = true
		}
	}
	out := slices.Clone(findings)
	for _, p := range problems {
		if p.Reason != model.NotHonoured || !zero[Finding{Object: p.Object, Field: p.Field}] {
			out = append(out, FromProblem(p))
		}
	}
	return Sort(out)
}

// Sort orders findings in place by object, field, rule and message, drops
// repetitions and returns the result.
func Sort(findings []Finding) []Finding {
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(a.Object.Compare(b.Object), strings.Compare(a.Field, b.Field), strings.Compare(a.Rule, b.Rule),
			strings.Compare(a.Message, b.Message), strings.Compare(a.File, b.File), cmp.Compare(a.Document, b.Document))
	})
	return slices.Compact(findings)
}
