package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// outlierDoesNotPin is D1.
func outlierDoesNotPin(m *mesh) []hit {
	if m.meshOn() {
		return nil // it pins here too, by level 4 of semantics 3
	}
	return m.hits(func(c cell) (string, string) {
		zoneAware := c.LoadBalancer != nil && c.LoadBalancer.ZoneAwareLbSetting != nil
		if c.OutlierDetection == nil || c.setting().Speaks() || zoneAware || c.passes() || servicesSpeak(c.services) {
			return "", ""
		}
		return c.OutlierDetectionAt, ""
	})
}

// servicesSpeak says that there are services, and that all have hints,
// trafficDistribution or its annotation, which count where the rule does not speak.
func servicesSpeak(services []*model.Service) bool {
	for _, s := range services {
		if !slices.ContainsFunc(s.Policies, func(p model.Policy) bool {
			return p.Mode == model.Hints || p.Setting == model.AnnotationSetting
		}) {
			return false
		}
	}
	return len(services) > 0
}

// failoverByReadiness is D2.
func failoverByReadiness(m *mesh) []hit {
	return m.hits(func(c cell) (string, string) {
		if !c.acts() || c.OutlierDetection != nil || len(c.setting().Distribute) > 0 {
			return "", ""
		}
		return c.settingAt(), ""
	})
}

// distributeWithFailover is D3.
func distributeWithFailover(m *mesh) []hit {
	return m.hits(func(c cell) (string, string) {
		switch {
		case !c.acts() || len(c.setting().Distribute) == 0:
			return "", ""
		case len(c.setting().Failover) > 0:
			return c.settingAt() + ".failover", "Istio refuses this object"
		case len(c.setting().FailoverPriority) > 0:
			return c.settingAt() + ".failoverPriority", "Istio ignores failoverPriority here"
		}
		return "", ""
	})
}

// failoverThreshold is D4.
func failoverThreshold(m *mesh) []hit {
	var out []hit
	for _, s := range m.settings() {
		if s.FailoverThreshold != nil {
			out = append(out, hit{s.object, s.field + ".failoverThreshold", fmt.Sprintf("below %d %%", *s.FailoverThreshold)})
		}
	}
	return out
}

// mostSpecificPattern is D5.
func mostSpecificPattern(m *mesh) []hit {
	var out []hit
	for _, s := range m.settings() {
		var earlier []model.Pattern
		for i, d := range s.Distribute {
			at := index(s.field+".distribute", i)
			from := model.ParsePattern(d.From)
			for _, e := range earlier {
				if covers(e, from) {
					out = append(out, hit{s.object, at + ".from", fmt.Sprintf("%s stands behind %s, which covers it", d.From, e)})
					break
				}
			}
			earlier = append(earlier, from)
			if general, special, ok := overlapping(d.To); ok {
				out = append(out, hit{s.object, at + ".to", fmt.Sprintf("%s covers %s", general, special)})
			}
		}
	}
	return out
}

// overlapping are the first two patterns of which one covers the other.
func overlapping(to map[string]int32) (general, special string, ok bool) {
	patterns := slices.Sorted(maps.Keys(to))
	for _, a := range patterns {
		for _, b := range patterns {
			if a != b && covers(model.ParsePattern(a), model.ParsePattern(b)) {
				return a, b, true
			}
		}
	}
	return "", "", false
}

// covers says that every locality of b is one of a.
func covers(a, b model.Pattern) bool { return a.Depth() <= b.Depth() && a.Covers(model.Locality(b)) }

// zoneAware is D13.
func zoneAware(m *mesh) []hit {
	var out []hit
	if m.config != nil && m.config.Spec.ZoneAwareLbSetting != nil {
		out = append(out, hit{meshRef(), "spec.zoneAwareLbSetting", ""})
	}
	for _, b := range m.balancers() {
		if b.ZoneAwareLbSetting != nil {
			out = append(out, hit{b.rule.ref, b.field + ".zoneAwareLbSetting", ""})
		}
	}
	return out
}

// noLocalityWeights is D14.
func noLocalityWeights(m *mesh) []hit {
	return m.hits(func(c cell) (string, string) {
		if !c.acts() || c.OutlierDetection == nil || len(c.setting().Distribute) > 0 {
			return "", ""
		}
		switch s := c.setting(); {
		case len(s.Failover) > 0:
			return c.settingAt() + ".failover", ""
		case len(s.FailoverPriority) > 0:
			return c.settingAt() + ".failoverPriority", ""
		}
		return "", ""
	})
}

// unknownIsNotEqual is semantics 6.1.
func unknownIsNotEqual(m *mesh) []hit {
	var out []hit
	for _, s := range m.settings() {
		for i, entry := range s.FailoverPriority {
			if l := model.ParsePriorityLabel(entry); !l.Ordinary() && !l.Fixed {
				out = append(out, hit{s.object, index(s.field+".failoverPriority", i), l.Key})
			}
		}
	}
	return out
}

// meshWideLocality is the other side of D1.
func meshWideLocality(m *mesh) []hit {
	if m.config == nil || m.config.Spec.LocalityLbSetting == nil || !m.meshOn() {
		return nil
	}
	return []hit{{meshRef(), "spec.localityLbSetting", ""}}
}

// rootNamespace is semantics 3: where rules for all stand.
func rootNamespace(m *mesh) []hit {
	const theirs = "istio-system"
	if m.config != nil && m.config.Spec.RootNamespace == theirs {
		return nil
	}
	var out []hit
	for _, r := range m.rules {
		own := strings.HasSuffix(r.Spec.Host, "."+theirs+"."+model.ClusterDomain) || !strings.Contains(r.Spec.Host, ".") && r.Spec.Host != "*"
		if r.Namespace == theirs && v1alpha1.IsIstio(r.APIVersion) && !own {
			out = append(out, hit{r.ref, "metadata.namespace", ""})
		}
	}
	return out
}
