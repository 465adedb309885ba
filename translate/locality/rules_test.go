package locality_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// at makes a ready endpoint 10.0.0.LAST:80 at REGION/ZONE/SUBZONE, "" for unknown
// parts; its Node stands in the same region.
func at(last, place string, edit ...func(*model.Endpoint)) model.Endpoint {
	parts := append(strings.Split(place, "/"), "", "")
	e := model.Endpoint{
		Address: "10.0.0." + last, Port: 80, Weight: 1, Region: parts[0],
		Locality: model.Locality{Region: parts[0], Zone: parts[1], SubZone: parts[2]},
	}
	for _, f := range edit {
		f(&e)
	}
	return e
}

func state(s model.State) func(*model.Endpoint) { return func(e *model.Endpoint) { e.State = s } }
func nodeRegion(r string) func(*model.Endpoint) { return func(e *model.Endpoint) { e.Region = r } }
func onNode(n string) func(*model.Endpoint)     { return func(e *model.Endpoint) { e.Node = n } }
func zones(zs ...string) func(*model.Endpoint)  { return func(e *model.Endpoint) { e.ZoneHints = zs } }

func nodes(ns ...string) func(*model.Endpoint) { return func(e *model.Endpoint) { e.NodeHints = ns } }

func version(v string) func(*model.Endpoint) {
	return func(e *model.Endpoint) { e.Labels = map[string]string{"v": v} }
}
func weighing(w uint32) func(*model.Endpoint) { return func(e *model.Endpoint) { e.Weight = w } }
func from(r, z, s string) model.View {
	return model.View{Locality: model.Locality{Region: r, Zone: z, SubZone: s}}
}
func on(v model.View, node string) model.View { v.Node = node; return v }
func only(regions ...string) *model.Allowed   { return &model.Allowed{Regions: regions} }
func fenced(m model.Mode, r ...string) model.Policy {
	return model.Policy{Mode: m, Allowed: only(r...)}
}

var (
	leveled = model.Policy{Mode: model.Levels, Failover: map[string]string{"eu": "us"}}
	hinted  = model.Policy{Mode: model.Hints, Failover: map[string]string{"eu": "us"}}
	flat    = model.Policy{Mode: model.Flat}
	local   = model.Policy{Mode: model.Flat, Local: true}
)

type rule struct {
	name      string
	view      model.View
	policy    model.Policy
	endpoints []model.Endpoint
	want      string
}

func check(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			got := strings.TrimSpace(render(locality.Assign(r.view, r.policy, r.endpoints)))
			var want []string
			for line := range strings.Lines(strings.TrimSpace(r.want)) {
				want = append(want, strings.TrimSpace(line))
			}
			if w := strings.Join(want, "\n"); got != w {
				t.Errorf("got\n%s\nwant\n%s", got, w)
			}
		})
	}
}

func TestLevels(t *testing.T) {
	everywhere := []model.Endpoint{
		at("1", "eu/z1/s1"), at("2", "eu/z1/s2"), at("3", "eu/z1"), at("4", "eu/z2/s1"), at("5", "us/z1/s1"),
		at("6", "ap/z9"), at("7", "/z1/s1"), at("8", "/z9"), at("9", ""),
	}
	check(t, []rule{
		{"2.2 nearest first, and the failover region before other regions", from("eu", "z1", "s1"), leveled, everywhere, `
			0 /z1/s1 [same sub-zone] 7
			0 eu/z1/s1 [same sub-zone] 1
			1 eu/z1 [same zone] 3
			1 eu/z1/s2 [same zone] 2
			2 eu/z2/s1 [same region] 4
			3 us/z1/s1 [failover region] 5
			4 ap/z9 [other region] 6
			5  [locality unknown] 9
			5 /z9 [locality unknown] 8`},
		{"2.2 no sub-zone level for a client without one", from("eu", "z1", ""), leveled, everywhere[:4], `
			0 eu/z1 [same zone] 3
			0 eu/z1/s1 [same zone] 1
			0 eu/z1/s2 [same zone] 2
			1 eu/z2/s1 [same region] 4`},
		{"2.2 regions that are known and differ are never local", from("eu", "z1", "s1"), leveled, []model.Endpoint{at("1", "ap/z1/s1")}, `
			0 ap/z1/s1 [other region] 1`},
		{"2.2 client's region unknown: equal zone names count, all else is last", from("", "z1", "s1"), leveled, everywhere[3:8], `
			0 /z1/s1 [same sub-zone] 7
			0 us/z1/s1 [same sub-zone] 5
			1 /z9 [locality unknown] 8
			1 ap/z9 [locality unknown] 6
			1 eu/z2/s1 [locality unknown] 4`},
		{"2.2 unknown never equals unknown", from("eu", "", ""), leveled, []model.Endpoint{at("1", "eu"), at("2", "")}, `
			0 eu [same region] 1
			1  [locality unknown] 2`},
		{"2.3 a client without region and zone", from("", "", "s1"), leveled, everywhere[:5], `
			0 eu/z1 [locality unknown] 3
			0 eu/z1/s1 [locality unknown] 1
			0 eu/z1/s2 [locality unknown] 2
			0 eu/z2/s1 [locality unknown] 4
			0 us/z1/s1 [locality unknown] 5`},
		{"2.3 a client with a region only", from("eu", "", ""), leveled, everywhere[3:8], `
			0 eu/z2/s1 [same region] 4
			1 us/z1/s1 [failover region] 5
			2 ap/z9 [other region] 6
			3 /z1/s1 [locality unknown] 7
			3 /z9 [locality unknown] 8`},
		{"a region that nobody knows is another region to all", from(model.Other, "z1", ""), leveled, []model.Endpoint{at("1", "eu/z1"), at("2", "/z1")}, `
			0 /z1 [same zone] 2
			1 eu/z1 [other region] 1`},
		{"a zone that nobody knows leaves the region", from("eu", model.Other, ""), leveled, []model.Endpoint{at("1", "eu/z1"), at("2", "us/z1")}, `
			0 eu/z1 [same region] 1
			1 us/z1 [failover region] 2`},
		{"Other equals not even Other", from(model.Other, model.Other, ""), leveled, []model.Endpoint{at("1", "~/~")}, `
			0 ~/~ [other region] 1`},
		{"flat: one pool, grouped by locality", from("eu", "z1", ""), flat, everywhere[2:6], `
			0 ap/z9 [flat] 6
			0 eu/z1 [flat] 3
			0 eu/z2/s1 [flat] 4
			0 us/z1/s1 [flat] 5`},
		{"no endpoint, no group", from("eu", "z1", ""), leveled, nil, ``},
	})
}

func TestConstraints(t *testing.T) {
	two := []model.Endpoint{at("1", "eu/z1", onNode("n1")), at("2", "us/z1", onNode("n2"))}
	check(t, []rule{
		{"4.1 the fence holds in flat mode", model.View{}, fenced(model.Flat, "us"), two, `
			0 us/z1 [flat] 2
			out 1: region not allowed`},
		{
			"4.1 the Node's region decides, whatever the locality says", from("eu", "z1", ""), fenced(model.Levels, "eu"),
			[]model.Endpoint{at("1", "eu/z1", nodeRegion("us")), at("2", "us/z1", nodeRegion("eu"))},
			`
			0 us/z1 [other region] 2
			out 1: region not allowed`,
		},
		{"4.1 unknown is not allowed", model.View{}, fenced(model.Flat, "eu"), []model.Endpoint{at("1", "eu"), at("2", "/z1")}, `
			0 eu [flat] 1
			out 2: region unknown, and only listed regions are allowed`},
		{"4.1 nothing allowed left", model.View{}, fenced(model.Hints, "ap", "sa"), two, `
			out 1: region not allowed
			out 2: region not allowed
			NothingAllowed: none of the 2 endpoints stands in an allowed region (allowed: ap, sa)`},
		{"4.1 one region allowed, and nothing in it", model.View{}, fenced(model.Flat, "ap"), two[:1], `
			out 1: region not allowed
			NothingAllowed: none of the 1 endpoints stands in an allowed region (allowed: ap)`},
		{"4.1 an empty intersection allows nothing", model.View{}, fenced(model.Flat), two[:1], `
			out 1: region not allowed
			NothingAllowed: none of the 1 endpoints stands in an allowed region (no region is allowed)`},
		{"4.1 no endpoints is not the fence's work", model.View{}, fenced(model.Flat, "eu"), nil, ``},
		{"4.2 own node only", on(model.View{}, "n1"), local, two, `
			0 eu/z1 [flat] 1
			out 2: on another node`},
		{"4.2 empty is right", on(model.View{}, "n3"), local, two, `
			out 1: on another node
			out 2: on another node`},
		{"4.2 a client whose node is unknown gets none", model.View{}, local, append(two[:1:1], at("3", "eu/z1")), `
			out 1: on another node
			out 3: on another node
			NoNode: traffic stays on the client's node, and the client's node is unknown: it gets no endpoint`},
		{"4.2 nothing ready on the node: serving and terminating", on(model.View{}, "n1"), local, []model.Endpoint{
			at("1", "eu/z1", onNode("n1"), state(model.Serving)), at("2", "eu/z1", onNode("n2")), at("3", "eu/z1", onNode("n1"), state(model.Unready)),
		}, `
			0 eu/z1 [flat] 1
			out 2: on another node
			out 3: not ready`},
		{
			"4.2 hints play no part", on(from("eu", "z1", ""), "n1"),
			model.Policy{Mode: model.Hints, Local: true},
			[]model.Endpoint{at("1", "eu/z1", onNode("n1"), zones("z2")), at("2", "eu/z1", onNode("n2"), zones("z1"))},
			`
			0 eu/z1 [flat] 1
			out 2: on another node`,
		},
		{
			"4.3 subset labels",
			model.View{},
			model.Policy{SubsetLabels: map[string]string{"v": "1"}},
			[]model.Endpoint{at("1", "eu", version("1")), at("2", "eu", version("2")), at("3", "eu")},
			`
			0 eu [flat] 1
			out 2: not in the subset
			out 3: not in the subset`,
		},
		{
			"4.3 an empty value is a value",
			model.View{},
			model.Policy{SubsetLabels: map[string]string{"v": ""}},
			[]model.Endpoint{at("1", "eu", version("")), at("3", "eu")},
			`
			0 eu [flat] 1
			out 3: not in the subset`,
		},
		{"4.3 an empty subset", model.View{}, model.Policy{SubsetLabels: map[string]string{"v": "3", "a": "b"}}, two, `
			out 1: not in the subset
			out 2: not in the subset
			EmptySubset: none of the 2 endpoints that the client may use has the labels a=b,v=3`},
		{"4.3 a service without endpoints has no empty subset", model.View{}, model.Policy{SubsetLabels: map[string]string{"v": "3"}}, nil, ``},
		{
			"4.4 nothing ready is judged among what is left", from("eu", "z1", ""), fenced(model.Levels, "eu"),
			[]model.Endpoint{at("1", "us/z1"), at("2", "eu/z1", state(model.Serving))},
			`
			0 eu/z1 [same zone] 2
			out 1: region not allowed`,
		},
		{
			"4.4 hints are judged among what is left", from("eu", "z1", ""), fenced(model.Hints, "eu"),
			[]model.Endpoint{at("1", "us/z1"), at("2", "eu/z1", zones("z1")), at("3", "eu/z2", zones("z2"))},
			`
			0 eu/z1 [hinted] 2
			1 eu/z2 [same region] 3
			out 1: region not allowed`,
		},
		{"6.5 drained, and not counted as ready", model.View{}, flat, []model.Endpoint{at("1", "eu", weighing(0)), at("2", "eu", state(model.Serving))}, `
			0 eu [flat] 2
			out 1: drained: weight 0`},
		{
			"one ip:port twice: the one that is not terminating",
			model.View{},
			flat,
			[]model.Endpoint{at("1", "ap", state(model.Serving)), at("1", "eu", state(model.NeverReady)), at("1", "us", state(model.NeverReady))},
			`
			out 1: never ready`,
		},
	})
}

func TestHints(t *testing.T) {
	byZone := []model.Endpoint{
		at("1", "eu/z1", zones("z1")), at("2", "eu/z2", zones("z2")), at("3", "us/z3", zones("z3")),
		at("4", "ap/z4", zones("z4")), at("5", "", zones("z4")), at("6", "eu/z1", zones("z2")),
	}
	byNode := []model.Endpoint{
		at("1", "eu/z1", zones("z1"), nodes("n1")), at("2", "eu/z1", zones("z1"), nodes("n2")), at("3", "eu/z2", zones("z2"), nodes("n3")),
	}
	check(t, []rule{
		{"5.1 zone hints make the first priority, the rest follows by level", from("eu", "z1", ""), hinted, byZone, `
			0 eu/z1 [hinted] 1
			1 eu/z1 [same zone] 6
			2 eu/z2 [same region] 2
			3 us/z3 [failover region] 3
			4 ap/z4 [other region] 4
			5  [locality unknown] 5`},
		{"5.1 node hints before zone hints", on(from("eu", "z1", ""), "n2"), hinted, byNode, `
			0 eu/z1 [same node] 2
			1 eu/z1 [same zone] 1
			2 eu/z2 [same region] 3`},
		{"5.1 no node hint for the client: zone hints", on(from("eu", "z1", ""), "n9"), hinted, byNode, `
			0 eu/z1 [hinted] 1 2
			1 eu/z2 [same region] 3`},
		{"5.1 one without a node hint: zone hints", on(from("eu", "z1", ""), "n1"), hinted, append(byNode[:2:2], at("4", "eu/z2", zones("z2"))), `
			0 eu/z1 [hinted] 1 2
			1 eu/z2 [same region] 4`},
		{"5.1 node hints need no zone, and no locality makes the rest one level", on(model.View{}, "n1"), hinted, byNode, `
			0 eu/z1 [same node] 1
			1 eu/z1 [locality unknown] 2
			1 eu/z2 [locality unknown] 3`},
		{"5.1 one ready endpoint without a hint switches hints off", from("eu", "z1", ""), hinted, append(byZone[:2:2], at("7", "eu/z2")), `
			0 eu/z1 [flat] 1
			0 eu/z2 [flat] 2 7
			HintsDropped: hints are not used: 1 of 3 ready endpoints have no zone hint, first 10.0.0.7 port 80`},
		{"5.1 the first of them is named", from("eu", "z1", ""), hinted, []model.Endpoint{at("1", "eu/z1", zones("z1")), at("8", "eu/z1"), at("9", "eu/z1")}, `
			0 eu/z1 [flat] 1 8 9
			HintsDropped: hints are not used: 2 of 3 ready endpoints have no zone hint, first 10.0.0.8 port 80`},
		{"5.1 a zone without a hint", from("eu", "z2", ""), hinted, []model.Endpoint{at("1", "eu/z1", zones("z1")), at("2", "eu/z2", zones("z1"))}, `
			0 eu/z1 [flat] 1
			0 eu/z2 [flat] 2
			HintsDropped: hints are not used: none of 2 ready endpoints is hinted for zone z2`},
		{"5.1 a zone that nobody knows", from("eu", model.Other, ""), hinted, byZone[:1], `
			0 eu/z1 [flat] 1
			HintsDropped: hints are not used: none of 1 ready endpoints is hinted for the client's zone`},
		{"5.1 only endpoints that are used name the zone", from("eu", "z2", ""), hinted, append(byZone[:1:1], at("2", "eu/z2", state(model.Unready))), `
			0 eu/z1 [flat] 1
			out 2: not ready
			HintsDropped: hints are not used: none of 1 ready endpoints is hinted for the client's zone`},
		{"5.1 a client without a zone matches no hint, and that is not the Service's fault", from("eu", "", ""), hinted, append(byZone[:1:1], at("2", "eu/z1")), `
			0 eu/z1 [flat] 1 2`},
		{"5.1 unready endpoints count for nothing", from("eu", "z1", ""), hinted, append(byZone[:2:2], at("7", "eu/z2", state(model.Unready))), `
			0 eu/z1 [hinted] 1
			1 eu/z2 [same region] 2
			out 7: not ready`},
		{
			"5.1 nothing ready: no topology", from("eu", "z1", ""), hinted,
			[]model.Endpoint{at("1", "eu/z1", zones("z1"), state(model.Serving)), at("2", "eu/z2", zones("z2"), state(model.Serving))},
			`
			0 eu/z1 [flat] 1
			0 eu/z2 [flat] 2`,
		},
	})
}

func TestHealth(t *testing.T) {
	all := []model.Endpoint{
		at("1", "eu/z1"), at("2", "eu/z1", state(model.Unready)), at("3", "eu/z1", state(model.Serving)),
		at("4", "eu/z1", state(model.Terminating)), at("5", "eu/z1", state(model.NeverReady)), at("6", "eu/z2", state(model.Unready)),
	}
	panicking := leveled
	panicking.MinHealthPercent = 1
	client := from("eu", "z1", "")
	check(t, []rule{
		{"7 flat", client, flat, all, `
			0 eu/z1 [flat] 1
			out 2: not ready
			out 3: terminating
			out 4: terminating
			out 5: never ready
			out 6: not ready`},
		{"7 priorities: unready in its place", client, leveled, all, `
			0 eu/z1 [same zone] 1 2!
			1 eu/z2 [same region] 6!
			out 3: terminating
			out 4: terminating
			out 5: never ready`},
		{"7 priorities with a panic threshold: unready left out", client, panicking, all, `
			0 eu/z1 [same zone] 1
			out 2: not ready
			out 3: terminating
			out 4: terminating
			out 5: never ready
			out 6: not ready`},
		{"7 priorities, nothing ready", client, leveled, all[1:], `
			0 eu/z1 [same zone] 2! 3
			1 eu/z2 [same region] 6!
			out 4: terminating
			out 5: never ready`},
		{"7 flat, nothing ready", client, flat, all[1:], `
			0 eu/z1 [flat] 3
			out 2: not ready
			out 4: terminating
			out 5: never ready
			out 6: not ready`},
		{"7 a level of unready endpoints only is a priority", client, leveled, []model.Endpoint{at("1", "eu/z1", state(model.Unready)), at("2", "eu/z2")}, `
			0 eu/z1 [same zone] 1!
			1 eu/z2 [same region] 2`},
	})
}

func TestOverprovisioningFactor(t *testing.T) {
	for give, want := range map[uint32]uint32{0: 140, 100: 100, 500: 500} {
		if got := locality.Assign(model.View{}, model.Policy{OverprovisioningFactor: give}, nil).OverprovisioningFactor; got != want {
			t.Errorf("%d became %d, want %d", give, got, want)
		}
	}
}

// What a duplicate says decides which one stays, field by field, in any order.
func TestDuplicateChoice(t *testing.T) {
	first := at("1", "b/b/b", onNode("b"), weighing(2), zones("b"), nodes("b"), version("b"))
	first.Additional = []string{"b"}
	view := on(from("b", "b", ""), "b")
	policy := model.Policy{Mode: model.Hints, SubsetLabels: map[string]string{"v": "b"}}
	want := locality.Assign(view, policy, []model.Endpoint{first})
	for name, edit := range map[string]func(*model.Endpoint){
		"state":      func(e *model.Endpoint) { e.State = model.NeverReady },
		"region":     func(e *model.Endpoint) { e.Region, e.Locality = "c", model.Locality{} },
		"locality":   func(e *model.Endpoint) { e.Locality.SubZone, e.Weight = "c", 1 },
		"node":       func(e *model.Endpoint) { e.Node, e.Weight = "c", 1 },
		"weight":     func(e *model.Endpoint) { e.Weight = 3 },
		"zone hints": func(e *model.Endpoint) { e.ZoneHints, e.NodeHints = []string{"c"}, nil },
		"node hints": func(e *model.Endpoint) { e.NodeHints, e.Additional = []string{"c"}, nil },
		"additional": func(e *model.Endpoint) { e.Additional, e.Labels = []string{"c"}, nil },
		"labels":     func(e *model.Endpoint) { e.Labels = map[string]string{"v": "c"} },
	} {
		second := first
		edit(&second)
		for _, twice := range [][]model.Endpoint{{first, second}, {second, first}} {
			if got := locality.Assign(view, policy, twice); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got\n%swant\n%s", name, render(got), render(want))
			}
		}
	}
}
