package ingest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/translate/model"
)

// Fenced is a former form of a service that could not be built anew, minus what
// the fences of now forbid: a service that is held back opens no border. It is
// made of the objects' fences alone, so that it stands where the rest fails.
func Fenced(former *model.Service, o Objects) *model.Service {
	o.Key = former.Key
	r := &resolver{rules: sortRules(o), service: former.Object.Namespace, meshAllowed: meshAllowed(o.Mesh), root: root(o.Mesh), held: true}
	r.cover(o)
	s := *former
	s.Policies, s.Lookup, s.Subsets = nil, map[model.PolicyKey]model.PolicyID{}, map[model.PolicyKey][]string{}
	t := newTable(&s)
	for _, class := range formerClasses(former, r.clients()) {
		c := client{namespace: class.Namespace, waypoint: class.Waypoint}
		known := formerClass(former, class)
		if names := former.Subsets[known]; names != nil {
			s.Subsets[class] = names
		}
		for _, port := range s.Ports {
			for _, subset := range append([]string{""}, s.Subsets[class]...) {
				known.Port, known.Subset = port.Number, subset
				p := former.Policies[former.Lookup[known]]
				p.Allowed = both(p.Allowed, r.allowed(c, port.Number, subset))
				yield(&p)
				key := class
				key.Port, key.Subset = port.Number, subset
				t.put(key, p)
			}
		}
	}
	return &s
}

// formerClasses are the classes that a service knows, and those that the rules of
// now add, sorted.
func formerClasses(s *model.Service, clients []client) []model.PolicyKey {
	found := map[model.PolicyKey]bool{}
	for key := range s.Lookup {
		found[key.Class()] = true
	}
	for _, c := range clients {
		found[c.key()] = true
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b model.PolicyKey) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Selectors, b.Selectors), compareBool(a.Waypoint, b.Waypoint))
	})
}

// formerClass is the class that a client had.
func formerClass(s *model.Service, class model.PolicyKey) model.PolicyKey {
	for _, c := range []model.PolicyKey{class, {Waypoint: class.Waypoint}} {
		if len(s.Ports) > 0 {
			c.Port = s.Ports[0].Number
		}
		if _, ok := s.Lookup[c]; ok {
			return c.Class()
		}
	}
	return model.PolicyKey{}
}

// both allows what two fences allow.
func both(a, b *model.Allowed) *model.Allowed {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	return intersect(append(slices.Clone(a.From), b.From...))
}
