package locality

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"strings"

	"github.com/coastwise/coastwise/translate/model"
)

// wholeShare is what the listed localities get together (semantics 6.2).
const wholeShare = 10_000

// byRule is semantics 6.1 and 6.2 where a setting of a rule or of the mesh is on.
// The shares are those of the pool, nil if no locality is listed.
func byRule(cs []candidate, view model.View, policy model.Policy) ([]model.Share, []Note) {
	d := matching(policy.Distribute, view.Locality)
	if d == nil && len(policy.Distribute) > 0 && policy.Strict() {
		judge(cs, false)
		return nil, nil
	}
	judge(cs, policy.MinHealthPercent == 0)
	if d == nil {
		byOrder(cs, view, policy, func(*candidate) bool { return false })
		return nil, nil
	}
	switch in, placed, listed := tally(cs, d.To); {
	case in == 0:
		return nil, nil
	case !placed:
		judge(cs, false)
		return nil, []Note{{Reason: model.NoLocality, Message: fmt.Sprintf("the locality of all %d endpoints is unknown: nothing is distributed", in)}}
	case policy.Strict():
		drop(cs, unlisted(d.To))
		if !listed {
			return nil, []Note{{Reason: model.NothingListed, Message: fmt.Sprintf("none of the %d endpoints stands in a locality that is listed for clients in %s (%s)",
				in, d.From, patterns(d.To))}}
		}
	default:
		byOrder(cs, view, policy, func(c *candidate) bool { return covering(d.To, c.Locality) >= 0 })
		if !listed {
			return nil, nil
		}
	}
	return d.To, nil
}

// matching is the first entry whose from is the most specific of those that cover
// the client; nil if none does.
func matching(ds []model.Distribute, client model.Locality) *model.Distribute {
	var best *model.Distribute
	for i := range ds {
		if d := &ds[i]; d.From.Covers(client) && (best == nil || d.From.Depth() > best.From.Depth()) {
			best = d
		}
	}
	return best
}

// covering is the index of the first most specific pattern that covers a locality, -1
// if none does.
func covering(to []model.Share, l model.Locality) int {
	best := -1
	for i, s := range to {
		if s.To.Covers(l) && (best < 0 || s.To.Depth() > to[best].To.Depth()) {
			best = i
		}
	}
	return best
}

// tally counts the endpoints that are in, and says whether some locality is known
// and some listed.
func tally(cs []candidate, to []model.Share) (in int, placed, listed bool) {
	for i := range cs {
		c := &cs[i]
		if !c.in() {
			continue
		}
		in++
		placed = placed || !c.Locality.Empty()
		listed = listed || covering(to, c.Locality) >= 0
	}
	return in, placed, listed
}

func unlisted(to []model.Share) func(*model.Endpoint) string {
	return func(e *model.Endpoint) string {
		if covering(to, e.Locality) < 0 {
			return NotListed
		}
		return ""
	}
}

func patterns(to []model.Share) string {
	out := make([]string, 0, len(to))
	for _, s := range to {
		out = append(out, s.To.String())
	}
	return strings.Join(out, ", ")
}

// share gives the groups of the pool the shares that are written, as parts of
// 10,000 by largest remainder; of equal remainders the first locality's counts
// (destination-rule.md D6, balance.md 5.6). The localities of one pattern divide
// its share by the weights of their endpoints, and patterns without a locality
// leave theirs to the others in proportion.
func share(groups []Group, to []model.Share) {
	if to == nil {
		return
	}
	n := sort.Search(len(groups), func(i int) bool { return groups[i].Priority > 0 })
	parts := quotas(groups[:n], to)
	left := uint32(wholeShare)
	for i := range parts {
		groups[i].Weight = uint32(parts[i].whole)
		left -= groups[i].Weight
	}
	slices.SortStableFunc(parts, func(a, b quota) int { return b.compare(a) })
	for _, q := range parts[:left] {
		groups[q.group].Weight++
	}
}

// quota is what a group gets before rounding: whole + rest/divisor.
type quota struct {
	group                int
	whole, rest, divisor uint64
}

// compare orders by the fraction alone, exactly.
func (q quota) compare(o quota) int {
	high, low := bits.Mul64(q.rest, o.divisor)
	otherHigh, otherLow := bits.Mul64(o.rest, q.divisor)
	return cmp.Or(cmp.Compare(high, otherHigh), cmp.Compare(low, otherLow))
}

// quotas fit: a priority's weights sum to less than 2³², percentages to some
// hundreds.
func quotas(groups []Group, to []model.Share) []quota {
	weights := make([]uint64, len(to)) // of the endpoints under each pattern
	for _, g := range groups {
		weights[covering(to, g.Locality)] += uint64(g.Weight)
	}
	var percent uint64
	for i, s := range to {
		if weights[i] > 0 {
			percent += max(1, uint64(s.Percent))
		}
	}
	out := make([]quota, len(groups))
	for i, g := range groups {
		p := covering(to, g.Locality)
		all := wholeShare * max(1, uint64(to[p].Percent)) * uint64(g.Weight)
		divisor := percent * weights[p]
		out[i] = quota{group: i, whole: all / divisor, rest: all % divisor, divisor: divisor}
	}
	return out
}
