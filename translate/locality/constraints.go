package locality

import (
	"fmt"
	"strings"

	"github.com/coastwise/coastwise/translate/model"
)

// constrain leaves out what may not be used at all: semantics 4, in its order,
// then the drained endpoints of 6.5. What follows sees only what it left.
func constrain(cs []candidate, view model.View, policy model.Policy) []Note {
	var notes []Note
	if before, emptied := drop(cs, fence(policy.Allowed)); emptied {
		notes = append(notes, nothingAllowed(before, policy.Allowed))
	}
	if policy.Local {
		if view.Node == "" {
			notes = append(notes, Note{Reason: model.NoNode, Message: "traffic stays on the client's node, and the client's node is unknown: it gets no endpoint"})
		}
		drop(cs, otherNode(view.Node))
	}
	if before, emptied := drop(cs, otherSubset(policy.SubsetLabels)); emptied {
		notes = append(notes, Note{Reason: model.EmptySubset, Message: fmt.Sprintf("none of the %d endpoints that the client may use has the labels %s",
			before, model.FormatLabels(policy.SubsetLabels))})
	}
	drop(cs, drained)
	return notes
}

// drop leaves out every endpoint for which why gives a reason. It counts those
// that were in before, and says whether there were some and none is left.
func drop(cs []candidate, why func(*model.Endpoint) string) (before int, emptied bool) {
	left := false
	for i := range cs {
		c := &cs[i]
		if !c.in() {
			continue
		}
		before++
		c.out = why(c.Endpoint)
		left = left || c.in()
	}
	return before, before > 0 && !left
}

// fence is semantics 4.1: the Node's region decides, and unknown is not allowed.
func fence(allowed *model.Allowed) func(*model.Endpoint) string {
	return func(e *model.Endpoint) string {
		switch {
		case allowed.Has(e.Region):
			return ""
		case e.Region == "":
			return RegionUnknown
		default:
			return RegionNotAllowed
		}
	}
}

func nothingAllowed(endpoints int, allowed *model.Allowed) Note {
	regions := "no region is allowed"
	if len(allowed.Regions) > 0 {
		regions = "allowed: " + strings.Join(allowed.Regions, ", ")
	}
	return Note{Reason: model.NothingAllowed, Message: fmt.Sprintf("none of the %d endpoints stands in an allowed region (%s)", endpoints, regions)}
}

// otherNode is semantics 4.2; a client without a known node gets nothing.
func otherNode(node string) func(*model.Endpoint) string {
	return func(e *model.Endpoint) string {
		if same(node, e.Node) {
			return ""
		}
		return OtherNode
	}
}

// otherSubset is semantics 4.3; no labels keep all.
func otherSubset(labels map[string]string) func(*model.Endpoint) string {
	return func(e *model.Endpoint) string {
		for key, value := range labels {
			if have, ok := e.Labels[key]; !ok || have != value {
				return OtherSubset
			}
		}
		return ""
	}
}

// drained is semantics 6.5: an explicit weight of 0.
func drained(e *model.Endpoint) string {
	if e.Weight == 0 {
		return Drained
	}
	return ""
}
