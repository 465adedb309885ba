package locality_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// listing is a strict distribute for everybody: PATTERN PERCENT, …
func listing(to ...any) model.Policy {
	d := model.Distribute{}
	for i := 0; i < len(to); i += 2 {
		d.To = append(d.To, model.Share{To: model.ParsePattern(to[i].(string)), Percent: uint8(to[i+1].(int))})
	}
	return model.Policy{Mode: model.Levels, Distribute: []model.Distribute{d}}
}

func tiers(entries ...string) model.Policy {
	p := model.Policy{Mode: model.Levels}
	for _, e := range entries {
		p.FailoverPriority = append(p.FailoverPriority, model.ParsePriorityLabel(e))
	}
	return p
}

func weightsOf(a locality.Assignment) (out []uint32) {
	for _, g := range a.Groups {
		out = append(out, g.Weight)
	}
	return out
}

func inNetwork(n string) func(*model.Endpoint) { return func(e *model.Endpoint) { e.Network = n } }

func labelled(labels string) func(*model.Endpoint) {
	return func(e *model.Endpoint) {
		e.Labels = map[string]string{}
		for pair := range strings.SplitSeq(labels, ",") {
			key, value, _ := strings.Cut(pair, "=")
			e.Labels[key] = value
		}
	}
}

// Semantics 6.2: parts of 10,000, exactly.
func TestShares(t *testing.T) {
	three := []model.Endpoint{at("1", "eu/z1"), at("2", "eu/z2"), at("3", "eu/z3")}
	spread := make([]model.Endpoint, 0, 300)
	for i := range 300 {
		spread = append(spread, at(fmt.Sprintf("%03d", i), fmt.Sprintf("eu/z%03d", i), weighing(uint32(1+i/299*(math.MaxUint32-300)))))
	}
	for _, tc := range []struct {
		name      string
		policy    model.Policy
		endpoints []model.Endpoint
		want      []uint32
	}{
		{"as written", listing("eu/z1", 70, "eu/z2", 20, "eu/z3", 10), three, []uint32{7000, 2000, 1000}},
		{"of equal remainders the first locality's", listing("eu", 100), three, []uint32{3334, 3333, 3333}},
		{"the larger remainder, wherever it stands", listing("eu/z1", 33, "eu/z2", 33, "eu/z3", 28, "us", 6), three, []uint32{3511, 3510, 2979}},
		{"by the weights of the endpoints", listing("eu", 50, "eu/z3", 50), []model.Endpoint{at("1", "eu/z1", weighing(3)), three[1], three[2]}, []uint32{3750, 1250, 5000}},
		{"a pattern without endpoints", listing("eu/z1", 60, "eu/z2", 20, "us", 20), three[:2], []uint32{7500, 2500}},
		{"the most specific", listing("*", 10, "eu", 30, "eu/z1", 60), append(three[:2:2], at("4", "us/z1")), []uint32{6000, 3000, 1000}},
		{"the most specific, written the other way round", listing("eu/z1", 60, "eu", 30, "*", 10), append(three[:2:2], at("4", "us/z1")), []uint32{6000, 3000, 1000}},
		{"a repetition that admission would refuse", listing("eu/z1", 60, "eu/z1", 20, "eu/z2", 20), three[:2], []uint32{7500, 2500}},
		{"the largest weights", listing("eu/z1", 99, "eu/z2", 1), []model.Endpoint{at("1", "eu/z1", weighing(math.MaxUint32)), at("2", "eu/z2", weighing(math.MaxUint32))}, []uint32{9900, 100}},
		{"the largest weights in one pattern", listing("eu", 100), []model.Endpoint{at("1", "eu/z1", weighing(math.MaxUint32)), at("2", "eu/z2", weighing(math.MaxUint32))}, []uint32{5000, 5000}},
		{"a percentage of 0 that admission would refuse", listing("eu/z1", 0, "eu/z2", 0), three[:2], []uint32{5000, 5000}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := weightsOf(locality.Assign(from("eu", "z1", ""), tc.policy, tc.endpoints)); fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	t.Run("what rounds to 0", func(t *testing.T) {
		got := weightsOf(locality.Assign(from("eu", "z1", ""), listing("eu", 100), spread))
		if got[0] != 0 || got[299] != 10_000 {
			t.Errorf("got %d and %d", got[0], got[299])
		}
	})
}

func TestDistribute(t *testing.T) {
	everywhere := []model.Endpoint{at("1", "eu/z1"), at("2", "eu/z2"), at("3", "us/z1"), at("4", "ap/z9"), at("5", "")}
	client := from("eu", "z1", "")
	with := func(p model.Policy, failover map[string]string, labels ...string) model.Policy {
		p.Failover, p.FailoverPriority = failover, tiers(labels...).FailoverPriority
		return p
	}
	toUS := map[string]string{"eu": "us"}
	elsewhere := listing("us", 100)
	elsewhere.Distribute[0].From = model.ParsePattern("us")
	panicking := listing("eu", 100)
	panicking.MinHealthPercent = 1
	check(t, []rule{
		{"6.2 strict", client, listing("eu/z1", 50, "us", 50), everywhere[1:], `
			0 us/z1 [listed] 3
			out 2: in no locality that distribute lists
			out 4: in no locality that distribute lists
			out 5: in no locality that distribute lists`},
		{"6.2 with failover the others follow", client, with(listing("us", 100), toUS), append(everywhere, at("6", "us/z2")), `
			0 us/z1 [listed] 3
			0 us/z2 [listed] 6
			1 eu/z1 [same zone] 1
			2 eu/z2 [same region] 2
			3 ap/z9 [other region] 4
			4  [locality unknown] 5`},
		{"6.2 with failoverPriority too", client, with(listing("ap", 100), nil, model.LabelZone), everywhere, `
			0 ap/z9 [listed] 4
			1 eu/z1 [label tier 0] 1
			1 us/z1 [label tier 0] 3
			2  [label tier 1] 5
			2 eu/z2 [label tier 1] 2`},
		{"6.2 with both", client, with(listing("ap", 100), toUS, "v"), everywhere, `
			0 ap/z9 [listed] 4
			1 eu/z1 [label tier 0, same zone] 1
			2 eu/z2 [label tier 0, same region] 2
			3 us/z1 [label tier 0, failover region] 3
			4  [label tier 0, locality unknown] 5`},
		{"6.2 * takes unknown", client, listing("*", 50, "eu", 50), everywhere, `
			0  [listed] 5
			0 ap/z9 [listed] 4
			0 eu/z1 [listed] 1
			0 eu/z2 [listed] 2
			0 us/z1 [listed] 3`},
		{"6.2 no from matches", client, elsewhere, everywhere[:3], `
			0 eu/z1 [flat] 1
			0 eu/z2 [flat] 2
			0 us/z1 [flat] 3`},
		{"7 no from matches: flat, without what is unready", client, elsewhere, []model.Endpoint{at("1", "eu/z1", state(model.Unready)), at("2", "eu/z2")}, `
			0 eu/z2 [flat] 2
			out 1: not ready`},
		{"6.2 no from matches: the failover part", client, with(elsewhere, toUS), everywhere[1:3], `
			0 eu/z2 [same region] 2
			1 us/z1 [failover region] 3`},
		{"6.2 no endpoint has a locality", client, listing("eu", 100), []model.Endpoint{at("1", ""), at("2", "", state(model.Unready))}, `
			0  [flat] 1
			out 2: not ready
			NoLocality: the locality of all 2 endpoints is unknown: nothing is distributed`},
		{"6.2 nothing listed is left", client, listing("ap/z1", 50, "us/z2/*", 50), everywhere[:2], `
			out 1: in no locality that distribute lists
			out 2: in no locality that distribute lists
			NothingListed: none of the 2 endpoints stands in a locality that is listed for clients in * (ap/z1, us/z2)`},
		{"6.2 nothing listed is left: the others", client, with(listing("ap/z1", 100), toUS), everywhere[1:3], `
			0 eu/z2 [same region] 2
			1 us/z1 [failover region] 3`},
		{"6.2 no endpoint is no news", client, listing("us", 100), nil, ``},
		{"7 listed and unready stays", client, listing("eu", 100), []model.Endpoint{at("1", "eu/z1", state(model.Unready)), at("2", "eu/z2")}, `
			0 eu/z1 [listed] 1!
			0 eu/z2 [listed] 2`},
		{"7 but not where panic could reach it", client, panicking, []model.Endpoint{at("1", "eu/z1", state(model.Unready)), at("2", "eu/z2")}, `
			0 eu/z2 [listed] 2
			out 1: not ready`},
	})
}

// Semantics 6.2: the most specific from, wherever it stands; of a repetition,
// which admission refuses, the first.
func TestFrom(t *testing.T) {
	entry := func(from, to string) model.Distribute {
		d := listing(to, 100).Distribute[0]
		d.From = model.ParsePattern(from)
		return d
	}
	all := []model.Distribute{entry("*", "ap"), entry("eu", "us"), entry("eu/z1", "eu/z1"), entry("eu/z1/s1", "eu/z2"), entry("eu", "ap")}
	es := []model.Endpoint{at("1", "eu/z1"), at("2", "eu/z2"), at("3", "us/z1"), at("4", "ap/z9")}
	for place, want := range map[string]string{"": "ap/z9", "us/z1": "ap/z9", "eu": "us/z1", "eu/z2": "us/z1", "eu/z1": "eu/z1", "eu/z1/s2": "eu/z1", "eu/z1/s1": "eu/z2"} {
		for _, order := range [][]int{{0, 1, 2, 3, 4}, {3, 2, 1, 4, 0}} {
			p := model.Policy{Mode: model.Levels}
			for _, i := range order {
				p.Distribute = append(p.Distribute, all[i])
			}
			l, _ := model.ParseLocality(place)
			a := locality.Assign(model.View{Locality: l}, p, es)
			if len(a.Groups) != 1 || a.Groups[0].Locality.String() != want {
				t.Errorf("%q, %v: %s", place, order, render(a))
			}
		}
	}
}

func TestTiers(t *testing.T) {
	client := from("eu", "z1", "s1")
	client.Node, client.Network, client.Labels = "n1", "net1", "track=x,version=1"
	networks := []model.Endpoint{
		at("1", "eu/z1", inNetwork("net1")), at("2", "eu/z2", inNetwork("net1")), at("3", "us/z1", inNetwork("net1")),
		at("4", "eu/z1", inNetwork("net2")), at("5", "eu/z2"), at("6", "us/z1", inNetwork("net2")),
	}
	check(t, []rule{
		{"3.4 the first that differs", client, tiers("version", "track"), []model.Endpoint{
			at("1", "eu", labelled("version=1,track=x")), at("2", "eu", labelled("version=1")), at("3", "eu", labelled("track=x")),
		}, `
			0 eu [label tier 0] 1
			1 eu [label tier 1] 2
			2 eu [label tier 2] 3`},
		{"3.4 the network exception", client, tiers(model.LabelNetwork, model.LabelRegion, model.LabelZone), networks, `
			0 eu/z1 [label tier 0] 1
			1 eu/z2 [label tier 1] 2
			2 us/z1 [label tier 2] 3
			3 eu/z1 [label tier 3] 4
			4 eu/z2 [label tier 4] 5
			5 us/z1 [label tier 5] 6`},
		{"3.4 the network alone", client, tiers(model.LabelNetwork), networks[2:4], `
			0 us/z1 [label tier 0] 3
			1 eu/z1 [label tier 1] 4`},
		{"3.4 the network second is no exception", client, tiers(model.LabelRegion, model.LabelNetwork, model.LabelZone), networks, `
			0 eu/z1 [label tier 0] 1
			1 eu/z2 [label tier 1] 2
			2 eu/z1 [label tier 2] 4
			2 eu/z2 [label tier 2] 5
			3 us/z1 [label tier 3] 3 6`},
		{"3.4 network=n is no exception", client, tiers(model.LabelNetwork+"=net2", model.LabelZone), networks[2:5], `
			0 eu/z1 [label tier 0] 4
			1 eu/z2 [label tier 2] 5
			1 us/z1 [label tier 2] 3`},
		{"6.1 both lack it", from("eu", "z1", ""), tiers("version"), []model.Endpoint{at("1", "eu", labelled("version=1")), at("2", "eu")}, `
			0 eu [label tier 0] 2
			1 eu [label tier 1] 1`},
		{"6.1 unknown never matches", model.View{}, tiers(model.LabelNode, model.LabelZone), []model.Endpoint{at("1", ""), at("2", "eu/z1", onNode("n1"))}, `
			0  [label tier 2] 1
			0 eu/z1 [label tier 2] 2`},
		{"6.1 node and sub-zone", client, tiers(model.LabelSubZone, model.LabelNode), []model.Endpoint{
			at("1", "eu/z9/s1", onNode("n1")), at("2", "us/z1/s1"), at("3", "eu/z1/s2", onNode("n1")),
		}, `
			0 eu/z9/s1 [label tier 0] 1
			1 us/z1/s1 [label tier 1] 2
			2 eu/z1/s2 [label tier 2] 3`},
		{"a fixed empty value wants none", client, tiers("version="), []model.Endpoint{at("1", "eu", labelled("version=1")), at("2", "eu")}, `
			0 eu [label tier 0] 2
			1 eu [label tier 1] 1`},
		{"a fixed empty place matches nothing", client, tiers(model.LabelZone + "="), []model.Endpoint{at("1", "eu/z1"), at("2", "eu")}, `
			0 eu [label tier 1] 2
			0 eu/z1 [label tier 1] 1`},
	})
}

// Envoy has priorities 0 to 128: what would come after shares the last.
func TestMorePrioritiesThanEnvoyHas(t *testing.T) {
	for _, n := range []int{128, 129, 140} {
		var entries []string
		var es []model.Endpoint
		for i := range n {
			entries = append(entries, fmt.Sprintf("l%03d=x", i))
		}
		for i := range n + 1 { // the i-th agrees in the first i labels
			labels := map[string]string{}
			for j := range i {
				labels[fmt.Sprintf("l%03d", j)] = "x"
			}
			es = append(es, at(fmt.Sprintf("%03d", i), "eu/z1", func(e *model.Endpoint) { e.Labels = labels }))
		}
		a := locality.Assign(from("eu", "z1", ""), tiers(entries...), es)
		last := a.Groups[len(a.Groups)-1]
		if len(a.Groups) != 129 || last.Priority != 128 || len(last.Endpoints) != n+1-128 || last.Reason != "label tier 128" {
			t.Errorf("%d labels: %d groups, the last %d [%s] of %d", n, len(a.Groups), last.Priority, last.Reason, len(last.Endpoints))
		}
	}
}
