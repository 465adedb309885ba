package locality_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// The oracle answers for one endpoint at a time, each from the whole world anew,
// in the words of semantics 2, 4, 5 and 7. It is slow on purpose.

// join is kubernetes.md 2: of one ip:port twice the one that is not terminating;
// then, so that there is one answer, the first by everything that it says.
func join(all []model.Endpoint) []model.Endpoint {
	best := map[string]model.Endpoint{}
	say := func(e model.Endpoint) string {
		going := e.State == model.Serving || e.State == model.Terminating
		return fmt.Sprintf("%d\x00%d\x00%s\x00%s\x00%s\x00%s\x00%s\x00%010d\x00%s\x00%v\x00%v\x00%v\x00%v", map[bool]int{true: 1}[going], e.State, e.Region,
			e.Locality.Region, e.Locality.Zone, e.Locality.SubZone, e.Node, e.Weight, e.Network, e.ZoneHints, e.NodeHints, e.Additional, e.Labels)
	}
	for _, e := range all {
		k := id(e.Address, e.Port)
		if old, ok := best[k]; !ok || say(e) < say(old) {
			best[k] = e
		}
	}
	var out []model.Endpoint
	for _, e := range best {
		out = append(out, e)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Address != out[j].Address {
			return out[i].Address < out[j].Address
		}
		return out[i].Port < out[j].Port
	})
	return out
}

// constraint is semantics 4.1 to 4.3 and 6.5, in order; "" if nothing holds e back.
func constraint(w world, e model.Endpoint, upTo int) string {
	steps := []func() string{
		func() string {
			if w.Policy.Allowed == nil {
				return ""
			}
			for _, r := range w.Policy.Allowed.Regions {
				if r == e.Region && r != "" {
					return ""
				}
			}
			if e.Region == "" {
				return locality.RegionUnknown
			}
			return locality.RegionNotAllowed
		},
		func() string {
			if w.Policy.Local && (w.View.Node == "" || w.View.Node != e.Node) {
				return locality.OtherNode
			}
			return ""
		},
		func() string {
			for k, v := range w.Policy.SubsetLabels {
				if e.Labels[k] != v {
					return locality.OtherSubset
				}
			}
			return ""
		},
		func() string {
			if e.Weight == 0 {
				return locality.Drained
			}
			return ""
		},
	}
	for _, step := range steps[:upTo] {
		if why := step(); why != "" {
			return why
		}
	}
	return ""
}

func remaining(w world, upTo int) (out []model.Endpoint) {
	for _, e := range join(w.Endpoints) {
		if constraint(w, e, upTo) == "" {
			out = append(out, e)
		}
	}
	return out
}

func inState(es []model.Endpoint, s model.State) (out []model.Endpoint) {
	for _, e := range es {
		if e.State == s {
			out = append(out, e)
		}
	}
	return out
}

func hasString(list []string, s string) bool {
	return strings.Contains("\x00"+strings.Join(list, "\x00")+"\x00", "\x00"+s+"\x00")
}

// kubeProxy is kubernetes.md 2, cluster(node n, zone z): the set, and how it came about.
func kubeProxy(es []model.Endpoint, n, z string) (set []model.Endpoint, how locality.Reason) {
	r := inState(es, model.Ready)
	if len(r) == 0 {
		return inState(es, model.Serving), locality.FlatPool
	}
	filter := func(hints func(model.Endpoint) []string, want string) []model.Endpoint {
		var kept []model.Endpoint
		for _, e := range r {
			if len(hints(e)) == 0 {
				return nil // one unhinted endpoint switches filtering off
			}
			if want != "" && hasString(hints(e), want) {
				kept = append(kept, e)
			}
		}
		return kept
	}
	if kept := filter(func(e model.Endpoint) []string { return e.NodeHints }, n); kept != nil {
		return kept, locality.SameNode
	}
	if kept := filter(func(e model.Endpoint) []string { return e.ZoneHints }, z); kept != nil {
		return kept, locality.Hinted
	}
	return r, locality.FlatPool
}

// nearness is semantics 2.2 and 2.3 as a list of sentences; the first that is true counts.
func nearness(c, e model.Locality, failover map[string]string) (int, locality.Reason) {
	eq := func(a, b string) bool { return a != "" && b != "" && a != model.Other && b != model.Other && a == b }
	clientUnknown := c.Region == "" && c.Zone == ""
	bothKnown := c.Region != "" && e.Region != ""
	differ := bothKnown && c.Region != e.Region || bothKnown && c.Region == model.Other
	maybeNear := !clientUnknown && !differ
	sentences := []struct {
		holds bool
		why   locality.Reason
	}{
		{maybeNear && eq(c.Zone, e.Zone) && eq(c.SubZone, e.SubZone), locality.SameSubZone},
		{maybeNear && eq(c.Zone, e.Zone), locality.SameZone},
		{maybeNear && eq(c.Region, e.Region), locality.SameRegion},
		{differ && eq(failover[c.Region], e.Region), locality.FailoverRegion},
		{differ, locality.OtherRegion},
		{true, locality.LocalityUnknown},
	}
	for i, s := range sentences {
		if s.holds {
			return i, s.why
		}
	}
	panic("the last sentence holds")
}

// answer is what the oracle says of one endpoint.
type answer struct {
	out     string
	place   int
	why     locality.Reason
	healthy bool
}

func ask(w world, e model.Endpoint) answer {
	if why := constraint(w, e, 4); why != "" {
		return answer{out: why}
	}
	left := remaining(w, 4)
	ready := len(inState(left, model.Ready)) > 0
	leveled := w.Policy.Mode == model.Levels && !flattened(w)
	a := answer{healthy: e.State != model.Unready}
	switch e.State {
	case model.Unready:
		if !leveled || w.Policy.MinHealthPercent > 0 {
			return answer{out: locality.NotReady}
		}
	case model.Serving:
		if ready {
			return answer{out: locality.IsTerminating}
		}
	case model.Terminating:
		return answer{out: locality.IsTerminating}
	case model.NeverReady:
		return answer{out: locality.WasNeverReady}
	case model.Behind:
		return answer{out: locality.SliceBehind}
	}
	if leveled {
		return askRule(w, e, a)
	}
	a.place, a.why = nearness(w.View.Locality, e.Locality, w.Policy.Failover)
	if w.Policy.Mode != model.Hints || w.Policy.Local {
		a.place, a.why = -1, locality.FlatPool
		return a
	}
	set, how := kubeProxy(left, w.View.Node, w.View.Locality.Zone)
	for _, s := range set {
		if s.Address == e.Address && s.Port == e.Port {
			a.place, a.why = -1, how
		}
	}
	return a
}

// oracle assembles the answers. Its weights are right only without overflow, and
// its notes have no messages.
func oracle(w world) locality.Assignment {
	a := locality.Assignment{OverprovisioningFactor: w.Policy.OverprovisioningFactor}
	if a.OverprovisioningFactor == 0 {
		a.OverprovisioningFactor = 140
	}
	groups := map[string]*locality.Group{}
	for _, e := range join(w.Endpoints) {
		said := ask(w, e)
		if said.out != "" {
			a.LeftOut = append(a.LeftOut, locality.LeftOut{Address: e.Address, Port: e.Port, Reason: said.out})
			continue
		}
		key := fmt.Sprintf("%04d\x00%s\x00%s\x00%s", said.place+1, e.Locality.Region, e.Locality.Zone, e.Locality.SubZone)
		g := groups[key]
		if g == nil {
			g = &locality.Group{Priority: uint32(said.place + 1), Locality: e.Locality, Reason: said.why}
			groups[key] = g
		}
		g.Weight += e.Weight
		g.Endpoints = append(g.Endpoints, locality.Endpoint{Address: e.Address, Additional: e.Additional, Port: e.Port, Weight: e.Weight, Healthy: said.healthy})
	}
	var keys []string
	for k := range groups {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	dense := map[uint32]uint32{}
	for _, k := range keys {
		g := *groups[k]
		if _, ok := dense[g.Priority]; !ok {
			dense[g.Priority] = uint32(len(dense))
		}
		g.Priority = dense[g.Priority]
		a.Groups = append(a.Groups, g)
	}
	a.Weighted = w.Policy.Mode == model.Levels && len(w.Policy.Distribute) > 0
	oracleShares(w, a.Groups)
	a.Algorithm = w.Policy.Algorithm
	a.Notes = append(oracleNotes(w), randomNotes(a)...)
	return a
}

func oracleNotes(w world) (notes []locality.Note) {
	note := func(holds bool, r model.Reason) {
		if holds {
			notes = append(notes, locality.Note{Reason: r})
		}
	}
	note(len(w.Endpoints) > 0 && len(remaining(w, 1)) == 0, model.NothingAllowed)
	note(w.Policy.Local && w.View.Node == "", model.NoNode)
	note(len(remaining(w, 2)) > 0 && len(remaining(w, 3)) == 0, model.EmptySubset)
	notes = append(notes, ruleNotes(w)...)
	left := remaining(w, 4)
	if w.Policy.Mode == model.Hints && !w.Policy.Local && len(inState(left, model.Ready)) > 0 && w.View.Locality.Zone != "" {
		_, how := kubeProxy(left, w.View.Node, w.View.Locality.Zone)
		if how == locality.FlatPool {
			unhinted := slices.ContainsFunc(inState(left, model.Ready), func(e model.Endpoint) bool { return len(e.ZoneHints) == 0 })
			safeguard := map[bool]model.Safeguard{true: model.EndpointWithoutHint, false: model.ZoneWithoutHint}[unhinted]
			notes = append(notes, locality.Note{Reason: model.HintsDropped, Safeguard: safeguard})
		}
	}
	return notes
}

var exceptMessages = cmp.Options{cmpopts.IgnoreFields(locality.Note{}, "Message"), cmpopts.EquateEmpty()}

func againstOracle(t *rapid.T) {
	w := drawWorld(t)
	if diff := cmp.Diff(oracle(w), w.assign(), exceptMessages); diff != "" {
		t.Fatalf("-oracle +Assign\n%s", diff)
	}
}

func TestAssignAgainstOracle(t *testing.T) { rapid.Check(t, againstOracle) }

func FuzzAssign(f *testing.F) {
	f.Add([]byte("coastwise trade stays along its own coast and crosses the open sea only if it must"))
	f.Fuzz(rapid.MakeFuzz(againstOracle))
}
