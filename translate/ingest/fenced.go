package ingest

import (
	"reflect"
	"slices"

	"github.com/coastwise/coastwise/translate/model"
)

// Fenced is a former form of a service that could not be built anew, minus what
// the fences of now forbid: a service that is held back opens no border. It is
// made of the objects' fences alone, so that it stands where the rest fails.
func Fenced(former *model.Service, o Objects) *model.Service {
	o.Key = former.Key
	r := &resolver{rules: sortRules(o), service: former.Object.Namespace, meshAllowed: meshAllowed(o.Mesh), root: root(o.Mesh)}
	r.cover(o)
	s := *former
	s.Policies, s.Lookup = nil, map[model.PolicyKey]model.PolicyID{}
	namespaces := r.clients()
	for key := range former.Lookup {
		namespaces = append(namespaces, key.Namespace)
	}
	slices.Sort(namespaces)
	for _, port := range s.Ports {
		for _, ns := range slices.Compact(namespaces) {
			p := formerPolicy(former, ns, port.Number)
			p.Allowed = both(p.Allowed, r.allowed(r.visible(ns), port.Number))
			yield(&p)
			id := slices.IndexFunc(s.Policies, func(q model.Policy) bool { return reflect.DeepEqual(p, q) })
			if id < 0 {
				id = len(s.Policies)
				s.Policies = append(s.Policies, p)
			}
			s.Lookup[model.PolicyKey{Namespace: ns, Port: port.Number}] = model.PolicyID(id)
		}
	}
	return &s
}

func formerPolicy(s *model.Service, namespace string, port uint32) model.Policy {
	id, ok := s.Lookup[model.PolicyKey{Namespace: namespace, Port: port}]
	if !ok {
		id = s.Lookup[model.PolicyKey{Port: port}]
	}
	return s.Policies[id]
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
