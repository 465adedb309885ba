package predict

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// whole is what the localities of the first priority get together.
const whole = 10_000

// Hard is what a client without Envoy's arithmetic is sent in place of a, so that
// its shares are those of an Envoy (semantics 7, gRPC). Only healthy endpoints are
// in it. Its first priority is every group to which Shares gives something, pieces
// of one locality merged, with that share as its weight, in parts of 10,000 by
// largest remainder; of equal remainders the first locality's counts. The others
// follow in order, by the weights of their endpoints, as the first does where it is
// flat (semantics 9.5). Only with RING_HASH do such clients weigh the endpoints of a
// locality; otherwise all have weight 1, as they treat them. RANDOM and MAGLEV, which
// they have not, are none of a's algorithms.
//
// Envoy and gRPC read the answer alike, so Shares holds for it too. a is not
// modified.
func Hard(a locality.Assignment) locality.Assignment {
	out := locality.Assignment{
		OverprovisioningFactor: a.OverprovisioningFactor, Weighted: true, Algorithm: a.Algorithm,
		LeftOut: slices.Clone(a.LeftOut), Notes: a.Notes,
	}
	first, rest := served(a)
	for _, p := range first {
		out.Groups = append(out.Groups, p.Group)
	}
	priority := uint32(min(1, len(first)))
	for i, g := range rest {
		if i > 0 && g.Priority != rest[i-1].Priority {
			priority++
		}
		out.Groups = append(out.Groups, g)
		out.Groups[len(out.Groups)-1].Priority = priority
	}
	locality.Weigh(out.Groups)
	if !flat(first) {
		for i, n := range parts(first) {
			out.Groups[i].Weight = n
		}
	}
	if a.Algorithm != model.RingHash && level(out.Groups) {
		out.Notes = append(slices.Clone(a.Notes), locality.Note{
			Reason: model.ClientCannot, Message: "gRPC clients do not weigh the endpoints of a locality: each gets the same share of what the locality gets",
		})
	}
	for _, g := range a.Groups {
		for _, e := range g.Endpoints {
			if !e.Healthy {
				out.LeftOut = append(out.LeftOut, locality.LeftOut{Address: e.Address, Port: e.Port, Reason: locality.NotReady})
			}
		}
	}
	slices.SortFunc(out.LeftOut, func(a, b locality.LeftOut) int {
		return cmp.Or(strings.Compare(a.Address, b.Address), cmp.Compare(a.Port, b.Port))
	})
	return out
}

// piece is a group of the first priority with its share.
type piece struct {
	locality.Group
	share *big.Rat
}

// served splits the groups into those with a share, one for each locality and
// sorted by it, and those without; empty ones are left out.
func served(a locality.Assignment) (first []piece, rest []locality.Group) {
	for i, share := range exact(a) {
		g := a.Groups[i]
		g.Endpoints = ready(g.Endpoints)
		switch {
		case len(g.Endpoints) == 0:
		case share.Sign() == 0:
			rest = append(rest, g)
		default:
			g.Priority = 0
			first = append(first, piece{g, share})
		}
	}
	slices.SortStableFunc(first, func(p, q piece) int { return p.Locality.Compare(q.Locality) })
	merged := first[:0]
	for _, p := range first {
		if n := len(merged); n > 0 && merged[n-1].Locality == p.Locality {
			merged[n-1].add(p)
		} else {
			merged = append(merged, p)
		}
	}
	return merged, rest
}

// add merges another piece of the same locality, which came after it.
func (p *piece) add(q piece) {
	p.share = new(big.Rat).Add(p.share, q.share)
	p.Endpoints = append(p.Endpoints, q.Endpoints...)
	slices.SortFunc(p.Endpoints, func(a, b locality.Endpoint) int {
		return cmp.Or(strings.Compare(a.Address, b.Address), cmp.Compare(a.Port, b.Port))
	})
}

// ready copies the endpoints that are served.
func ready(all []locality.Endpoint) []locality.Endpoint {
	out := make([]locality.Endpoint, 0, len(all))
	for _, e := range all {
		if e.Healthy {
			out = append(out, e)
		}
	}
	return out
}

// parts are the shares as whole numbers that sum to 10,000; 0 where it rounds to
// that.
func parts(first []piece) []uint32 {
	out := make([]uint32, len(first))
	remainders := make([]*big.Rat, len(first))
	order := make([]int, len(first))
	left := whole
	for i, p := range first {
		exact := new(big.Rat).Mul(p.share, big.NewRat(whole/100, 1))
		floor := new(big.Int).Quo(exact.Num(), exact.Denom())
		out[i] = uint32(floor.Uint64())
		left -= int(out[i])
		remainders[i], order[i] = exact.Sub(exact, new(big.Rat).SetInt(floor)), i
	}
	slices.SortStableFunc(order, func(i, j int) int { return remainders[j].Cmp(remainders[i]) })
	for _, i := range order[:min(left, len(order))] {
		out[i]++
	}
	return out
}

// flat says that the pieces are one pool without preference: the weights of their
// endpoints say their shares exactly.
func flat(first []piece) bool {
	return !slices.ContainsFunc(first, func(p piece) bool { return p.Reason != locality.FlatPool })
}

// level gives every endpoint the same weight, and says whether that was not so in
// some group.
func level(groups []locality.Group) (differed bool) {
	for _, g := range groups {
		for i := range g.Endpoints {
			differed = differed || g.Endpoints[i].Weight != g.Endpoints[0].Weight
		}
		for i := range g.Endpoints {
			g.Endpoints[i].Weight = 1
		}
	}
	return differed
}

// exact is each group's percentage of the requests, as Shares has it, but without
// rounding: replicas on different machines must agree to the last unit.
func exact(a locality.Assignment) []*big.Rat {
	out := make([]*big.Rat, 0, len(a.Groups))
	ps := Priorities(a)
	for i, groups := range byPriority(a.Groups) {
		sum := new(big.Rat)
		claims := make([]*big.Rat, len(groups))
		for j, g := range groups {
			n, d := claim(a, g)
			claims[j] = new(big.Rat).SetFrac(new(big.Int).SetUint64(n), new(big.Int).SetUint64(d))
			sum.Add(sum, claims[j])
		}
		for _, c := range claims {
			if sum.Sign() > 0 {
				c.Mul(c.Quo(c, sum), big.NewRat(int64(ps[i].Load), 1))
			}
			out = append(out, c)
		}
	}
	return out
}
