package model

import "strings"

// The traffic-distribution annotation of a Service, ServiceEntry or Namespace
// (semantics 5.4). On one object our spelling hides Istio's.
const (
	DistributionAnnotation      = "networking.coastwise.dev/traffic-distribution"
	IstioDistributionAnnotation = "networking.istio.io/traffic-distribution"
)

// AnnotationSetting is the Policy.Setting of those annotations.
const AnnotationSetting = "traffic-distribution annotation"

// Distribution is what a traffic-distribution annotation asks for.
type Distribution string

// The distributions.
const (
	NoDistribution Distribution = ""
	// PreferZone is PreferClose and PreferSameZone.
	PreferZone Distribution = "zone"
	// PreferNode is PreferSameNode.
	PreferNode Distribution = "node"
)

// ParseDistribution reads the value of a traffic-distribution annotation, in any
// case; "" asks for nothing. A value that is not known asks for nothing either.
func ParseDistribution(s string) (d Distribution, known bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "":
		return NoDistribution, true
	case "preferclose", "prefersamezone":
		return PreferZone, true
	case "prefersamenode":
		return PreferNode, true
	}
	return NoDistribution, false
}

// DistributionOf is what the annotations of one object ask for. said is false
// where they say nothing at all: then the Namespace's count.
func DistributionOf(annotations map[string]string) (d Distribution, said bool) {
	for _, key := range []string{DistributionAnnotation, IstioDistributionAnnotation} {
		if written := annotations[key]; written != "" {
			d, _ = ParseDistribution(written)
			return d, true
		}
	}
	return NoDistribution, false
}

// Tiers are the labels that stand for it, most important first: failoverPriority
// with the exception of the network (reference/destination-rule.md 3.4, 3.5).
func (d Distribution) Tiers() []PriorityLabel {
	keys := []string{LabelNetwork, LabelRegion, LabelZone}
	switch d {
	case NoDistribution:
		return nil
	case PreferNode:
		keys = append(keys, LabelNode)
	}
	out := make([]PriorityLabel, len(keys))
	for i, key := range keys {
		out[i] = PriorityLabel{Key: key}
	}
	return out
}
