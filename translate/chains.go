package translate

import (
	"fmt"
	"maps"
	"slices"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// Chains are the ports of services as connections reach them that are told apart by
// their destination, for clients that the policies of policy rule. The services are in
// the order of Owners: of two that claim one virtual IP and port the first has it, and
// the loser is told.
//
// Where the clients' own connections come, captured or by CONNECT, the same is so of CIDR
// blocks, and of the port alone of a service that goes where its client goes and has no
// address: there HTTP ports share it, since requests have a host.
func Chains(services []*model.Service, captured bool, policy func(s *model.Service, port uint32) model.PolicyID) ([]envoy.Chain, []model.Problem) {
	c := slots{owners: map[slot]*model.Service{}}
	var out []envoy.Chain
	for _, s := range services {
		for _, port := range s.Ports {
			id := policy(s, port.Number)
			if id == model.NoPolicy || int(id) >= len(s.Policies) {
				continue
			}
			chain := envoy.Chain{Service: s, Port: port.Number, Policy: id, VIPs: c.owned(s, s.VIPs, port.Number)}
			if captured {
				chain.Blocks = c.owned(s, s.Blocks, port.Number)
				chain.Alone = s.Alone() && c.alone(s, port)
			}
			out = append(out, chain)
		}
	}
	return slices.Clip(out), model.SortProblems(c.problems)
}

// slot is a port at an address or block; at "" it is alone.
type slot struct {
	at   string
	port uint32
}

// slots are those of services by precedence.
type slots struct {
	owners   map[slot]*model.Service
	problems []model.Problem
}

// owned are those of the addresses that no earlier service has.
func (c *slots) owned(s *model.Service, addresses []string, port uint32) []string {
	var out []string
	for _, at := range addresses {
		if first := c.owners[slot{at, port}]; first != nil {
			c.problems = append(c.problems, lostVIP(s, first, at, port))
			continue
		}
		c.owners[slot{at, port}] = s
		out = append(out, at)
	}
	return out
}

// alone says that a service has a port at any address, by itself or with others.
func (c *slots) alone(s *model.Service, port model.Port) bool {
	first := c.owners[slot{port: port.Number}]
	if first == nil {
		c.owners[slot{port: port.Number}] = s
		return true
	}
	if of, _ := first.Port(port.Number); of.HTTP() && port.HTTP() {
		return true
	}
	c.problems = append(c.problems, lost(s, "spec.ports", fmt.Sprintf(
		"port %d at any address is that of %s too, which captured connections reach instead: without addresses only HTTP ports can be told apart, by the host", port.Number, first.Object)))
	return false
}

// contested are the services of which another one has a slot too.
func contested(services []*model.Service) map[*model.Service]bool {
	first, out := map[slot]*model.Service{}, map[*model.Service]bool{}
	for _, s := range services {
		for _, port := range s.Ports {
			for _, at := range slotsAt(s) {
				at := slot{at, port.Number}
				if other := first[at]; other != nil && other != s {
					out[other], out[s] = true, true
				}
				first[at] = s
			}
		}
	}
	return out
}

// slotsAt are where a service has its ports, for captured connections.
func slotsAt(s *model.Service) []string {
	if s.Alone() {
		return []string{""}
	}
	return slices.Concat(s.VIPs, s.Blocks)
}

// lostSlots are the problems of Chains whichever policies rule; the services that are not
// contested have none.
func lostSlots(owners []*model.Service, captured bool, contested map[*model.Service]bool) []model.Problem {
	if len(contested) == 0 {
		return nil
	}
	some := slices.DeleteFunc(slices.Clone(owners), func(s *model.Service) bool { return !contested[s] })
	_, lost := Chains(some, captured, func(*model.Service, uint32) model.PolicyID { return 0 })
	return lost
}

// LostVIPs tell of each virtual IP and port that several services of a whole mesh claim,
// as Chains would, whoever may see them.
func LostVIPs(services []*model.Service) []model.Problem {
	contested := contested(services)
	byPrecedence := func(a, b *model.Service) int { return precedence("", a, b) }
	return lostSlots(slices.SortedFunc(maps.Keys(contested), byPrecedence), false, contested)
}

// lostVIP tells that another service has the address.
func lostVIP(s, first *model.Service, vip string, port uint32) model.Problem {
	field := "spec.clusterIPs"
	if isEntry(s) {
		field = "spec.addresses"
	}
	return lost(s, field, fmt.Sprintf("%s port %d is that of %s too, which connections to it reach instead; one of them needs another address", vip, port, first.Object))
}
