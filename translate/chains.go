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

// lostVIP tells that another service has the address.
func lostVIP(s, first *model.Service, vip string, port uint32) model.Problem {
	field := "spec.clusterIPs"
	if isEntry(s) {
		field = "spec.addresses"
	}
	return lost(s, field, fmt.Sprintf("%s port %d is that of %s too, which connections to it reach instead", vip, port, first.Object))
}
