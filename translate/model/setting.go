package model

import (
	"slices"
	"strings"
)

// The labels that are not read from a Pod or claim: their values are the place,
// node and network of semantics 1 and 2, and unknown never matches.
const (
	LabelRegion  = "topology.kubernetes.io/region"
	LabelZone    = "topology.kubernetes.io/zone"
	LabelSubZone = "topology.istio.io/subzone"
	LabelNode    = "kubernetes.io/hostname"
	LabelNetwork = "topology.istio.io/network"
)

// Place is an object's field, where Problems of a setting are reported.
type Place struct {
	Object ObjectRef
	Field  string
}

// Distribute is the shares of the clients that stand in From (semantics 6.2).
type Distribute struct {
	From Pattern
	// To is sorted by pattern; no pattern stands twice.
	To []Share
}

// Share is what the localities of one pattern get together.
type Share struct {
	To Pattern
	// Percent is 1..100.
	Percent uint8
}

// Pattern is REGION[/ZONE[/SUBZONE]]; an empty part stands for "*", which takes
// unknown too. After an empty part all are empty.
type Pattern Locality

// ParsePattern reads a pattern that admission accepted.
func ParsePattern(s string) Pattern {
	parts := append(strings.SplitN(s, "/", 3), "", "")
	for i, part := range parts {
		if part == "*" {
			parts[i] = ""
		}
	}
	return Pattern{Region: parts[0], Zone: parts[1], SubZone: parts[2]}
}

// String is the pattern without trailing "*", or "*".
func (p Pattern) String() string {
	if p == (Pattern{}) {
		return "*"
	}
	return Locality(p).String()
}

// Depth is how many levels it names: of two patterns that cover one locality the
// deeper is the more specific.
func (p Pattern) Depth() int {
	depth := 0
	for _, part := range []string{p.Region, p.Zone, p.SubZone} {
		if part != "" {
			depth++
		}
	}
	return depth
}

// Covers says whether a locality has every level that the pattern names. Other
// has no name.
func (p Pattern) Covers(l Locality) bool {
	covers := func(want, have string) bool { return want == "" || want == have && want != Other }
	return covers(p.Region, l.Region) && covers(p.Zone, l.Zone) && covers(p.SubZone, l.SubZone)
}

// PriorityLabel is one entry of failoverPriority (semantics 6.1).
type PriorityLabel struct {
	Key string
	// Fixed says that endpoints are compared with Value instead of the client.
	Fixed bool
	Value string
}

// ParsePriorityLabel reads LABEL or LABEL=VALUE.
func ParsePriorityLabel(s string) PriorityLabel {
	key, value, fixed := strings.Cut(s, "=")
	return PriorityLabel{Key: key, Fixed: fixed, Value: value}
}

// Ordinary says that the label is read from the Pod, entry or claim.
func (l PriorityLabel) Ordinary() bool {
	switch l.Key {
	case LabelRegion, LabelZone, LabelSubZone, LabelNode, LabelNetwork:
		return false
	}
	return true
}

// asks says whether the client is asked for a label.
func (p Policy) asks(key string) bool {
	return slices.ContainsFunc(p.FailoverPriority, func(l PriorityLabel) bool { return l.Key == key && !l.Fixed })
}

// Weighted says whether the cluster weighs localities (semantics 6.3).
func (p Policy) Weighted() bool { return p.Mode == Levels && len(p.Distribute) > 0 }

// Graded says whether the default levels of semantics 2.2 play a part below the
// localities that distribute lists.
func (p Policy) Graded() bool { return p.Failover != nil || len(p.FailoverPriority) == 0 }

// Strict says that what distribute does not list gets nothing.
func (p Policy) Strict() bool { return p.Failover == nil && len(p.FailoverPriority) == 0 }
