package translate

import (
	"fmt"
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Chains are the ports of services as connections reach them that are told apart by
// their destination, for clients that the policies of policy rule. The services are in the order of Owners: of two
// that claim one virtual IP and port the first has it, and the loser is told.
func Chains(services []*model.Service, policy func(s *model.Service, port uint32) model.PolicyID) ([]envoy.Chain, []model.Problem) {
	owners := map[address]*model.Service{}
	var out []envoy.Chain
	var problems []model.Problem
	for _, s := range services {
		for _, port := range s.Ports {
			id := policy(s, port.Number)
			if id == model.NoPolicy || int(id) >= len(s.Policies) {
				continue
			}
			c := envoy.Chain{Service: s, Port: port.Number, Policy: id}
			for _, vip := range s.VIPs {
				if first := owners[address{vip, port.Number}]; first != nil {
					problems = append(problems, lostVIP(s, first, vip, port.Number))
					continue
				}
				owners[address{vip, port.Number}] = s
				c.VIPs = append(c.VIPs, vip)
			}
			out = append(out, c)
		}
	}
	return slices.Clip(out), model.SortProblems(problems)
}

// address is where connections to a service go.
type address struct {
	vip  string
	port uint32
}

// contestedVIPs are the services of which another one has a virtual IP and port too.
func contestedVIPs(services []*model.Service) map[*model.Service]bool {
	first, out := map[address]*model.Service{}, map[*model.Service]bool{}
	for _, s := range services {
		for _, port := range s.Ports {
			for _, vip := range s.VIPs {
				at := address{vip, port.Number}
				if other := first[at]; other != nil && other != s {
					out[other], out[s] = true, true
				}
				first[at] = s
			}
		}
	}
	return out
}

// lostVIPs are the problems of Chains whichever policies rule; the services that are not
// contested have none.
func lostVIPs(owners []*model.Service, contested map[*model.Service]bool) []model.Problem {
	if len(contested) == 0 {
		return nil
	}
	some := slices.DeleteFunc(slices.Clone(owners), func(s *model.Service) bool { return !contested[s] })
	_, lost := Chains(some, func(*model.Service, uint32) model.PolicyID { return 0 })
	return lost
}

// LostVIPs tell of each virtual IP and port that several services of a whole mesh claim,
// as Chains would, whoever may see them.
func LostVIPs(services []*model.Service) []model.Problem {
	contested := contestedVIPs(services)
	if len(contested) == 0 {
		return nil
	}
	some := slices.DeleteFunc(slices.Clone(services), func(s *model.Service) bool { return !contested[s] })
	slices.SortFunc(some, func(a, b *model.Service) int { return precedence("", a, b) })
	return lostVIPs(some, contested)
}

// lostVIP tells that another service has the address.
func lostVIP(s, first *model.Service, vip string, port uint32) model.Problem {
	field := "spec.clusterIPs"
	if isEntry(s) {
		field = "spec.addresses"
	}
	return lost(s, field, fmt.Sprintf("%s port %d is that of %s too, which connections to it reach instead; one of them needs another address", vip, port, first.Object))
}
