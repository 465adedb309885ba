package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Owners are the services that clients of a namespace are served, of those that
// they may see: of several with one host the first (semantics 9.2). They come in
// the order in which they keep domains: Kubernetes Services by key; then entries,
// the namespace's own first, then the older, then by namespace and name. The losers
// of a host, and of a domain such as a virtual IP, are told.
func Owners(namespace string, visible []*model.Service) ([]*model.Service, []model.Problem) {
	entries := slices.ContainsFunc(visible, isEntry)
	owners := slices.Clone(visible)
	slices.SortFunc(owners, func(a, b *model.Service) int { return precedence(namespace, a, b) })
	if !entries {
		return owners, nil
	}
	var problems []model.Problem
	of := make(map[string]*model.Service, len(owners))
	owners = slices.DeleteFunc(owners, func(s *model.Service) bool {
		first := of[s.Host]
		if first == nil {
			of[s.Host] = s
			return false
		}
		problems = append(problems, lost(s, s.HostField, fmt.Sprintf(
			"%s is the host of %s too, which clients that see both get instead: their own namespace's first, then the older, then the first by namespace and name", s.Host, first.Object)))
		return true
	})
	return owners, model.SortProblems(append(problems, lostDomains(namespace, owners)...))
}

func isEntry(s *model.Service) bool { return s.HostField != "" }

// precedence is semantics 9.2.
func precedence(namespace string, a, b *model.Service) int {
	if !isEntry(a) || !isEntry(b) {
		return cmp.Or(before(!isEntry(a), !isEntry(b)), a.Compare(b.Key))
	}
	return cmp.Or(before(a.Namespace == namespace, b.Namespace == namespace), cmp.Compare(a.Created, b.Created),
		cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Host, b.Host))
}

// before puts what is true first.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// lostDomains are those of entries that an earlier service has.
func lostDomains(namespace string, owners []*model.Service) []model.Problem {
	of := map[string]*model.Service{}
	for _, s := range owners {
		if isEntry(s) {
			for _, d := range envoy.Domains(namespace, s) {
				of[d] = nil
			}
		}
	}
	var out []model.Problem
	for _, s := range owners {
		var told *model.Service
		for _, d := range envoy.Domains(namespace, s) {
			first, contested := of[d]
			switch {
			case !contested:
			case first == nil:
				of[d] = s
			case first != s && first != told:
				told = first
				out = append(out, lost(s, domainField(s, d), taken(s, first, d)))
			}
		}
	}
	return out
}

// taken says who has a domain of s: another object, or an earlier host of the same.
func taken(s, first *model.Service, domain string) string {
	if s.Object == first.Object {
		return fmt.Sprintf("%s leads to %s, its first host with that port, and not to %s: write one entry for each", domain, first.Host, s.Host)
	}
	return fmt.Sprintf("%s is a domain of %s already: clients that see both reach that one by it", domain, first.Object)
}

// domainField is where an entry says what a domain is made of.
func domainField(s *model.Service, domain string) string {
	for _, ip := range s.Addresses {
		for _, name := range []string{ip, "[" + ip + "]"} {
			if domain == name || strings.HasPrefix(domain, name+":") {
				return "spec.addresses"
			}
		}
	}
	return s.HostField
}

func lost(s *model.Service, field, message string) model.Problem {
	return model.Problem{Object: s.Object, Field: field, Severity: model.Warning, Reason: model.Conflicted, Message: message}
}
