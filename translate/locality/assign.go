package locality

import (
	"cmp"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/translate/model"
)

// Assign orders the endpoints of one port for a view under a policy: semantics
// 2.2, 2.3, 4, 5.1, 6.1 to 6.3, 6.5 and 7. The order of the endpoints does not matter. It
// never panics, whatever it is given, and never modifies its arguments; the
// answer shares the endpoints' Additional slices.
//
// A passthrough policy has no assignment: no groups, nothing left out.
func Assign(view model.View, policy model.Policy, endpoints []model.Endpoint) Assignment {
	a := Assignment{
		OverprovisioningFactor: cmp.Or(policy.OverprovisioningFactor, model.DefaultOverprovisioningFactor),
	}
	if policy.Algorithm == model.Passthrough {
		return a
	}
	a.Algorithm = policy.Algorithm
	cs := candidates(endpoints)
	a.Notes = constrain(cs, view, policy)
	first := FlatPool
	var shares []model.Share
	switch mode(policy) {
	case model.Levels:
		var notes []Note
		shares, notes = byRule(cs, view, policy)
		a.Notes = append(a.Notes, notes...)
		a.Weighted = policy.Weighted()
		if shares != nil {
			first = Listed
		}
	case model.Hints:
		if anyReady := judge(cs, false); anyReady {
			var notes []Note
			first, notes = byHints(cs, view, policy.Failover)
			a.Notes = append(a.Notes, notes...)
		}
	default:
		judge(cs, false)
	}
	a.Groups = group(cs, first)
	Weigh(a.Groups)
	share(a.Groups, shares)
	if a.Algorithm == model.Random {
		a.Notes = append(a.Notes, unweighed(a)...)
	}
	a.LeftOut = leftOut(cs)
	return a
}

// mode is the policy's, but hints play no part under Local (semantics 4.2).
func mode(p model.Policy) model.Mode {
	if p.Local && p.Mode == model.Hints {
		return model.Flat
	}
	return p.Mode
}

// candidate is one endpoint on its way through the rules.
type candidate struct {
	*model.Endpoint
	// out says why it is left out; "" while it is in.
	out string
	// The rest means something only while it is in. All start in the pool.
	rank    rank
	healthy bool
	bucket  int32
}

func (c *candidate) in() bool { return c.out == "" }

// candidates is one for each address and port, in their order; ingest's order
// needs no sorting. Of several endpoints with one address and port the first by
// preference stays.
func candidates(endpoints []model.Endpoint) []candidate {
	cs := make([]candidate, len(endpoints))
	sorted := true
	for i := range endpoints {
		cs[i].Endpoint = &endpoints[i]
		sorted = sorted && (i == 0 || byAddress(&endpoints[i-1], &endpoints[i]) < 0)
	}
	if sorted {
		return cs
	}
	slices.SortFunc(cs, func(a, b candidate) int {
		if c := byAddress(a.Endpoint, b.Endpoint); c != 0 {
			return c
		}
		return byPreference(a.Endpoint, b.Endpoint)
	})
	return slices.CompactFunc(cs, func(a, b candidate) bool { return byAddress(a.Endpoint, b.Endpoint) == 0 })
}

func byAddress(a, b *model.Endpoint) int {
	if c := strings.Compare(a.Address, b.Address); c != 0 {
		return c
	}
	return cmp.Compare(a.Port, b.Port)
}

// byPreference is a total order of endpoints with one address and port, so that
// the one that stays does not depend on the order of the input: one that is not
// terminating first (kubernetes.md 2), then by what it says.
func byPreference(a, b *model.Endpoint) int {
	return cmp.Or(
		cmp.Compare(terminating(a.State), terminating(b.State)),
		cmp.Compare(a.State, b.State),
		strings.Compare(a.Region, b.Region),
		a.Locality.Compare(b.Locality),
		strings.Compare(a.Node, b.Node),
		cmp.Compare(a.Weight, b.Weight),
		strings.Compare(a.Network, b.Network),
		slices.Compare(a.ZoneHints, b.ZoneHints),
		slices.Compare(a.NodeHints, b.NodeHints),
		slices.Compare(a.Additional, b.Additional),
		strings.Compare(a.Identity, b.Identity), // "" exactly without HBONE
		strings.Compare(model.FormatLabels(a.Labels), model.FormatLabels(b.Labels)),
	)
}

// terminating is 1 for an endpoint that is going away, else 0.
func terminating(s model.State) int {
	if s == model.Serving || s == model.Terminating {
		return 1
	}
	return 0
}

func leftOut(cs []candidate) []LeftOut {
	var out []LeftOut
	for i := range cs {
		if c := &cs[i]; !c.in() {
			out = append(out, LeftOut{Address: c.Address, Port: c.Port, Reason: c.out})
		}
	}
	return out
}
