package model

import "cmp"

// Rollout says how far the connected proxies have come with what is made from one
// object: a rule, an entry, a MeshConfig.
type Rollout struct {
	// Proxies hold, or are about to be sent, a resource made from the object.
	Proxies int
	// Programmed are those of them that accepted all such resources as they are now.
	Programmed int
	// Refused are those that refused one as it is now.
	Refused int
	// Proxy is one that refused, the first by id; Resource what it refused, the
	// first by name; Message its own words. Empty if nobody did.
	Proxy, Resource, Message string
}

// Pending are the proxies that have neither accepted nor refused yet.
func (r Rollout) Pending() int { return r.Proxies - r.Programmed - r.Refused }

// Join is what two replicas say together, in whatever order.
func (r Rollout) Join(o Rollout) Rollout {
	named := r
	if r.Proxy == "" || o.Proxy != "" && cmp.Or(cmp.Compare(o.Proxy, r.Proxy), cmp.Compare(o.Resource, r.Resource), cmp.Compare(o.Message, r.Message)) < 0 {
		named = o
	}
	return Rollout{
		Proxies: r.Proxies + o.Proxies, Programmed: r.Programmed + o.Programmed, Refused: r.Refused + o.Refused,
		Proxy: named.Proxy, Resource: named.Resource, Message: named.Message,
	}
}
