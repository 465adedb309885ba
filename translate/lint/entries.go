package lint

import (
	"github.com/coastwise/coastwise/translate/model"
)

// dnsOnePath is D7.
func dnsOnePath(m *mesh) []hit {
	return m.hits(func(c cell) (string, string) {
		if !c.acts() || len(c.setting().FailoverPriority) == 0 {
			return "", ""
		}
		for _, s := range c.services {
			switch {
			case s.Resolution != model.DNS:
			case localities(s) > 1:
				return c.settingAt() + ".failoverPriority", s.Host + " has endpoints in several localities, which crashes Istio"
			case len(c.Spec.Subsets) > 0:
				return c.settingAt() + ".failoverPriority", "subsets of " + s.Host + " have no failoverPriority in Istio"
			}
		}
		return "", ""
	})
}

// localities is in how many places the endpoints of a service are.
func localities(s *model.Service) int {
	found := map[model.Locality]bool{}
	for _, port := range s.Ports {
		for i := range port.Endpoints {
			found[port.Endpoints[i].Locality] = true
		}
	}
	return len(found)
}

// weightZero is semantics 6.5.
func weightZero(m *mesh) []hit {
	var out []hit
	for _, e := range m.entries {
		for i, w := range e.object.Spec.Endpoints {
			if w.Weight != nil && *w.Weight == 0 {
				out = append(out, hit{e.ref, index("spec.endpoints", i) + ".weight", w.Address})
			}
		}
	}
	for _, w := range m.workloads {
		if n := w.object.Spec.Weight; n != nil && *n == 0 {
			out = append(out, hit{w.ref, "spec.weight", w.object.Spec.Address})
		}
	}
	return out
}
