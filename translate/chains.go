package translate

import (
	"fmt"
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Chains are the ports of services as connections reach them that are told apart by
// their destination, for clients that the policies of policy rule. The services are in
// the order of Owners: of two that claim one virtual IP and port the first has it, and
// the loser is told.
func Chains(services []*model.Service, policy func(s *model.Service, port uint32) model.PolicyID) ([]envoy.Chain, []model.Problem) {
	type at struct {
		vip  string
		port uint32
	}
	owners := map[at]*model.Service{}
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
				if first := owners[at{vip, port.Number}]; first != nil {
					problems = append(problems, lostVIP(s, first, vip, port.Number))
					continue
				}
				owners[at{vip, port.Number}] = s
				c.VIPs = append(c.VIPs, vip)
			}
			out = append(out, c)
		}
	}
	return slices.Clip(out), model.SortProblems(problems)
}

// lostVIP tells that another service has the address.
func lostVIP(s, first *model.Service, vip string, port uint32) model.Problem {
	field := "spec.clusterIPs"
	if isEntry(s) {
		field = "spec.addresses"
	}
	return lost(s, field, fmt.Sprintf("%s port %d is that of %s too, which connections to it reach instead", vip, port, first.Object))
}
