package locality_test

import (
	"fmt"
	"math/big"
	"sort"
	"strings"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// This part of the oracle is semantics 6.1 and 6.2. It speaks of patterns as the
// strings that users write, and looks a place up by its names, longest first.

// namesOf are the patterns that cover a place, most specific first.
func namesOf(l model.Locality) []string {
	out := []string{"*"}
	name := ""
	for _, part := range []string{l.Region, l.Zone, l.SubZone} {
		if part == "" || part == model.Other {
			break
		}
		name = strings.TrimPrefix(name+"/"+part, "/")
		out = append([]string{name}, out...)
	}
	return out
}

func written(p model.Pattern) string {
	if s := strings.TrimRight(p.Region+"/"+p.Zone+"/"+p.SubZone, "/"); s != "" {
		return s
	}
	return "*"
}

// destinations are the shares for the client by pattern; nil if no from matches.
func destinations(w world) map[string]int64 {
	if w.Policy.Mode != model.Levels {
		return nil
	}
	byFrom := map[string]map[string]int64{}
	for _, d := range w.Policy.Distribute {
		to := map[string]int64{}
		for _, s := range d.To {
			to[written(s.To)] = int64(s.Percent)
		}
		byFrom[written(d.From)] = to
	}
	for _, name := range namesOf(w.View.Locality) {
		if to, ok := byFrom[name]; ok {
			return to
		}
	}
	return nil
}

// listedAs is the pattern that takes a place, "" if none does.
func listedAs(to map[string]int64, l model.Locality) string {
	for _, name := range namesOf(l) {
		if _, ok := to[name]; ok {
			return name
		}
	}
	return ""
}

// inPlace are the endpoints that a mode which keeps unready ones would send.
func inPlace(w world) (out []model.Endpoint) {
	left := remaining(w, 4)
	out = inState(left, model.Ready)
	if len(out) == 0 {
		out = inState(left, model.Serving)
	}
	if w.Policy.MinHealthPercent == 0 {
		out = append(out, inState(left, model.Unready)...)
	}
	return out
}

func strict(p model.Policy) bool { return p.Failover == nil && p.FailoverPriority == nil }

func nonePlaced(es []model.Endpoint) bool {
	for _, e := range es {
		if e.Locality != (model.Locality{}) {
			return false
		}
	}
	return true
}

// flattened says that distribute falls back to one flat pool.
func flattened(w world) bool {
	switch {
	case w.Policy.Mode != model.Levels || w.Policy.Distribute == nil:
		return false
	case destinations(w) == nil:
		return strict(w.Policy)
	}
	return nonePlaced(inPlace(w))
}

// askRule places an endpoint that is sent.
func askRule(w world, e model.Endpoint, a answer) answer {
	to := destinations(w)
	if listedAs(to, e.Locality) != "" {
		a.place, a.why = -1, locality.Listed
		return a
	}
	if to != nil && strict(w.Policy) {
		return answer{out: locality.NotListed}
	}
	a.place, a.why = nearness(w.View.Locality, e.Locality, w.Policy.Failover)
	if labels := w.Policy.FailoverPriority; labels != nil {
		n := tierByHand(labels, w.View, e)
		tier := locality.Reason(fmt.Sprintf("label tier %d", n))
		if w.Policy.Failover == nil {
			a.place, a.why = n, tier
		} else {
			a.place, a.why = 10*n+a.place, tier+", "+a.why
		}
	}
	return a
}

// tierByHand counts the labels that agree, from the first that counts.
func tierByHand(labels []model.PriorityLabel, v model.View, e model.Endpoint) int {
	agree := func(l model.PriorityLabel) bool {
		places := map[string][2]string{
			"topology.kubernetes.io/region": {v.Locality.Region, e.Locality.Region}, "topology.kubernetes.io/zone": {v.Locality.Zone, e.Locality.Zone},
			"topology.istio.io/subzone": {v.Locality.SubZone, e.Locality.SubZone}, "topology.istio.io/network": {v.Network, e.Network},
			"kubernetes.io/hostname": {v.Node, e.Node},
		}
		of := map[string]string{}
		for _, pair := range strings.Split(v.Labels, ",") {
			of[strings.Split(pair, "=")[0]] = pair[strings.Index(pair, "=")+1:]
		}
		pair, isPlace := places[l.Key]
		if !isPlace {
			pair = [2]string{of[l.Key], e.Labels[l.Key]}
		}
		if l.Fixed {
			pair[0] = l.Value
		}
		return pair[0] == pair[1] && pair[0] != model.Other && (pair[0] != "" || !isPlace)
	}
	rest, beyond := labels, 0
	if first := labels[0]; first.Key == "topology.istio.io/network" && !first.Fixed {
		rest = labels[1:]
		if !agree(first) {
			beyond = len(labels)
		}
	}
	left := len(rest)
	for _, l := range rest {
		if !agree(l) {
			break
		}
		left--
	}
	return beyond + left
}

// oracleShares gives the listed groups their parts of 10,000, unit by unit: the
// whole ones, then one for each of the largest remainders.
func oracleShares(w world, groups []locality.Group) {
	to := destinations(w)
	var listed []*locality.Group
	under := map[string]int64{}
	for i := range groups {
		if g := &groups[i]; g.Reason == locality.Listed {
			listed = append(listed, g)
			under[listedAs(to, g.Locality)] += int64(g.Weight)
		}
	}
	percent := int64(0)
	for pattern := range under {
		percent += to[pattern]
	}
	rest := map[*locality.Group]*big.Rat{}
	left := int64(10_000)
	for _, g := range listed {
		pattern := listedAs(to, g.Locality)
		exact := big.NewRat(10_000*to[pattern]*int64(g.Weight), percent*under[pattern])
		whole := new(big.Int).Quo(exact.Num(), exact.Denom()).Int64()
		rest[g] = exact.Sub(exact, big.NewRat(whole, 1))
		g.Weight = uint32(whole)
		left -= whole
	}
	sort.SliceStable(listed, func(i, j int) bool { return rest[listed[i]].Cmp(rest[listed[j]]) > 0 })
	for i := range listed {
		if int64(i) < left {
			listed[i].Weight++
		}
	}
}

func ruleNotes(w world) (notes []locality.Note) {
	to, all := destinations(w), inPlace(w)
	if to == nil || len(all) == 0 {
		return nil
	}
	if nonePlaced(all) {
		return []locality.Note{{Reason: model.NoLocality}}
	}
	for _, e := range all {
		if listedAs(to, e.Locality) != "" {
			return nil
		}
	}
	if strict(w.Policy) {
		notes = append(notes, locality.Note{Reason: model.NothingListed})
	}
	return notes
}

// randomNotes tells of every two endpoints with different weights that are chosen
// between at random.
func randomNotes(a locality.Assignment) []locality.Note {
	weights := map[string]map[uint32]bool{}
	for _, g := range a.Groups {
		pool := fmt.Sprint(g.Priority)
		if a.Weighted {
			pool = fmt.Sprint(g.Priority, g.Locality)
		}
		if weights[pool] == nil {
			weights[pool] = map[uint32]bool{}
		}
		for _, e := range g.Endpoints {
			weights[pool][e.Weight] = true
		}
		if len(weights[pool]) > 1 && a.Algorithm == model.Random {
			return []locality.Note{{Reason: model.ClientCannot}}
		}
	}
	return nil
}
