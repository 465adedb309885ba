package ingest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// distribute reads the entries into an order of its own, so that neither the
// order of the entries nor that of the destinations counts (destination-rule.md D5).
func distribute(entries []v1alpha1.Distribute) []model.Distribute {
	var out []model.Distribute
	for _, d := range entries {
		out = append(out, model.Distribute{From: model.ParsePattern(d.From), To: shares(d.To)})
	}
	slices.SortFunc(out, func(a, b model.Distribute) int { return comparePatterns(a.From, b.From) })
	return out
}

func shares(to map[string]int32) []model.Share {
	var out []model.Share
	for _, pattern := range slices.Sorted(maps.Keys(to)) {
		out = append(out, model.Share{To: model.ParsePattern(pattern), Percent: uint8(min(max(to[pattern], 1), 100))})
	}
	slices.SortFunc(out, func(a, b model.Share) int { return comparePatterns(a.To, b.To) })
	return out
}

func comparePatterns(a, b model.Pattern) int {
	return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.SubZone, b.SubZone))
}

func failoverPriority(entries []string) []model.PriorityLabel {
	var out []model.PriorityLabel
	for _, entry := range entries {
		out = append(out, model.ParsePriorityLabel(entry))
	}
	return out
}

// compared has an empty set for each ordinary label that some policy compares
// with the client's; nil if there is none.
func compared(policies []model.Policy) map[string]map[string]bool {
	var out map[string]map[string]bool
	for _, p := range policies {
		for _, l := range p.FailoverPriority {
			if l.Fixed || !l.Ordinary() {
				continue
			}
			if out == nil {
				out = map[string]map[string]bool{}
			}
			out[l.Key] = map[string]bool{}
		}
	}
	return out
}
