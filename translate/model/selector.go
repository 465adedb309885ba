package model

import (
	"slices"
	"strings"
)

// Selector picks clients by their labels: a rule's workloadSelector.
type Selector struct {
	// Text is canonical: FormatLabels of Labels, "*" if there is none.
	Text   string
	Labels map[string]string
}

// NewSelector is the selector for these labels, all of which must be carried.
func NewSelector(labels map[string]string) Selector {
	text := FormatLabels(labels)
	if text == "" {
		text = "*"
	}
	return Selector{Text: text, Labels: labels}
}

// Matches says whether labels carry all that the selector wants.
func (s Selector) Matches(labels map[string]string) bool {
	for key, value := range s.Labels {
		if have, ok := labels[key]; !ok || have != value {
			return false
		}
	}
	return true
}

// JoinSelectors is the canonical form of a set of selectors, given by their
// Text: sorted, without repetitions, apart by ";", which no label contains.
func JoinSelectors(texts []string) string {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), ";")
}
