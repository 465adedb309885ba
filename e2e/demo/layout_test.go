package main

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// drawn is any layout that the demo may be asked to play.
func drawn(t *rapid.T) Layout {
	if rapid.IntRange(0, 20).Draw(t, "default") == 0 {
		return DefaultLayout()
	}
	return RandomLayout(rapid.Int64().Draw(t, "seed"))
}

func TestEveryLayoutCanBePlayed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawn(t)
		checkZones(t, l)
		checkSpecials(t, l)
	})
}

func checkZones(t *rapid.T, l Layout) {
	if n := len(l.Zones); n < 4 || n > 6 {
		t.Fatalf("%d zones", n)
	}
	names, nodes := map[string]bool{}, map[string]bool{}
	for _, z := range l.Zones {
		if names[z.String()] || len(z.Endpoints) == 0 {
			t.Fatalf("zone %s stands twice or is empty", z)
		}
		names[z.String()] = true
		for _, e := range z.Endpoints {
			if nodes[e.Node] || e.Region != z.Region || e.Zone != z.Name {
				t.Fatalf("endpoint %+v of zone %s", e, z)
			}
			nodes[e.Node] = true
		}
	}
	if len(l.Regions(Home)) != 1 || len(l.Regions(Failover)) != 1 || len(l.Regions(Forbidden)) < 1 {
		t.Fatalf("regions: %v", l)
	}
	if !nodes[l.Missing] {
		t.Fatalf("the missing Node %q is no endpoint's", l.Missing)
	}
}

func checkSpecials(t *rapid.T, l Layout) {
	single, neighbour, failover := 0, false, false
	for i, z := range l.Zones {
		if len(z.Endpoints) == 1 {
			single++
		}
		for _, e := range z.Endpoints {
			neighbour = neighbour || i > 0 && z.Role == Home && l.MayReach(l.Zones[0], e)
			failover = failover || z.Role == Failover && l.MayReach(l.Zones[0], e)
		}
	}
	if single != 1 || len(l.Zones[0].Endpoints) < 2 || l.Zones[0].Role != Home {
		t.Fatalf("%d zones with a single endpoint; the zone that dies: %v", single, l.Zones[0])
	}
	if !neighbour || !failover {
		t.Fatalf("nobody may take over in the region (%v) or after it (%v): %v", neighbour, failover, l)
	}
	for _, e := range l.Zones[0].Endpoints {
		if l.Unplaced(e) {
			t.Fatalf("an endpoint of the zone that dies has no region: %v", e)
		}
	}
}

func TestSeedsGiveEqualAndDifferentLayouts(t *testing.T) {
	unplaced, twins, different := 0, 0, 0
	for seed := range int64(300) {
		l := RandomLayout(seed)
		if !reflect.DeepEqual(l, RandomLayout(seed)) {
			t.Fatalf("seed %d gives two layouts", seed)
		}
		if !reflect.DeepEqual(l, RandomLayout(seed+1)) {
			different++
		}
		for _, e := range l.Endpoints() {
			if l.Unplaced(e) {
				unplaced++
			}
		}
		if l.Zones[0].Name == l.Zones[len(l.Zones)-1].Name {
			twins++
		}
	}
	if unplaced < 20 || twins < 20 || different < 290 {
		t.Errorf("of 300 seeds: %d with an unplaced endpoint, %d with a twin zone name, %d different from the next", unplaced, twins, different)
	}
}

func TestTheFence(t *testing.T) {
	l := DefaultLayout()
	home, failover, forbidden := l.Zones[0], l.Zones[2], l.Zones[4]
	for _, c := range []struct {
		from Zone
		to   Endpoint
		want bool
	}{
		{home, home.Endpoints[0], true},
		{home, failover.Endpoints[0], true},
		{home, forbidden.Endpoints[0], false},
		{failover, forbidden.Endpoints[0], false},
		{forbidden, home.Endpoints[0], true},
		{home, l.Zones[1].Endpoints[1], true}, // its Node is missing, but its zone has another
	} {
		if got := l.MayReach(c.from, c.to); got != c.want {
			t.Errorf("from %s to %v: %v, want %v", c.from, c.to, got, c.want)
		}
	}
	l.Missing = l.Zones[3].Endpoints[0].Node
	if l.MayReach(home, l.Zones[3].Endpoints[0]) {
		t.Error("an endpoint without a region is not allowed where a fence stands")
	}
}
