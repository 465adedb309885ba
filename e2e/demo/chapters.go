package main

import (
	"fmt"
	"slices"
	"strings"
)

// Chapter is one state of the world that the demo plays.
type Chapter struct {
	Title, Story string
	// On is whether the mesh prefers near endpoints.
	On bool
	// Dead holds the endpoints, by Node, whose processes are killed.
	Dead map[string]bool
	// Claims are what must hold by the rules themselves, whatever is predicted.
	Claims []Claim
}

// Claim says which part of a client's requests the endpoints To answer, in percent.
type Claim struct {
	// Client is the index of a zone.
	Client int
	What   string
	// To holds endpoints by Node.
	To       map[string]bool
	Min, Max float64
}

// tolerance is how far a measured share may be from the predicted one, in points.
const tolerance = 5

// Chapters are the chapters of a layout, in order.
func Chapters(l Layout) []Chapter {
	half, zone, region, both := l.deaths()
	dying, failover, forbidden := l.Zones[0], l.Region(Failover), strings.Join(l.Regions(Forbidden), " or ")
	out := []Chapter{
		{Title: "locality off", Story: "every endpoint that a client may reach gets the same"},
		{Title: "locality on", Story: "everybody stays in the own zone", On: true},
		{
			Title: "half of a zone dies", On: true, Dead: half,
			Story: fmt.Sprintf("%d of %d endpoints of %s are killed: the rest of %s helps out", len(half), len(dying.Endpoints), dying, dying.Region),
		},
		{Title: "the zone dies", Story: fmt.Sprintf("nothing is left in %s: the rest of %s takes over", dying, dying.Region), On: true, Dead: zone},
		{
			Title: "the region dies", On: true, Dead: region,
			Story: fmt.Sprintf("nothing is left in %s: %s takes over, never %s", dying.Region, failover, forbidden),
		},
		{
			Title: "both die", On: true, Dead: both,
			Story: fmt.Sprintf("nothing is left in %s and %s: their clients fail rather than reach %s", dying.Region, failover, forbidden),
		},
		{Title: "healed", Story: "everything is back: everybody is at home again", On: true},
	}
	for i := range out {
		out[i].Claims = l.claims(out[i])
	}
	return out
}

// deaths are the four sets that die, by Node, each within the next.
func (l Layout) deaths() (half, zone, region, both map[string]bool) {
	half, zone, region, both = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i, z := range l.Zones {
		for j, e := range z.Endpoints {
			if i == 0 && j < (len(z.Endpoints)+1)/2 {
				half[e.Node] = true
			}
			if i == 0 {
				zone[e.Node] = true
			}
			if z.Role == Home {
				region[e.Node] = true
			}
			if z.Role != Forbidden {
				both[e.Node] = true
			}
		}
	}
	return half, zone, region, both
}

// claims are what the rules say about a chapter, worked out from the layout alone.
func (l Layout) claims(c Chapter) []Claim {
	var out []Claim
	for i, z := range l.Zones {
		if !c.On {
			out = append(out, l.flatClaims(i)...)
			continue
		}
		out = append(out, l.nearestClaims(i, z, c.Dead)...)
	}
	return out
}

// flatClaims say that each zone gets by the number of its endpoints.
func (l Layout) flatClaims(client int) []Claim {
	reach := func(e Endpoint) bool { return l.MayReach(l.Zones[client], e) }
	all := len(l.nodes(reach))
	var out []Claim
	for _, z := range l.Zones {
		to := l.nodes(func(e Endpoint) bool { return reach(e) && e.Region == z.Region && e.Zone == z.Name })
		want := 100 * float64(len(to)) / float64(all)
		out = append(out, about(client, "its part to "+z.String(), to, want))
	}
	return out
}

// nearestClaims follow the client's order zone, region, failover region as long as
// something in it lives: each takes what its health × 1.4 allows, and hands on the
// rest.
func (l Layout) nearestClaims(client int, z Zone, dead map[string]bool) []Claim {
	own := l.nodes(func(e Endpoint) bool { return l.near(z, e) })
	region := l.nodes(func(e Endpoint) bool { return e.Region == z.Region && l.MayReach(z, e) && !l.Unplaced(e) })
	rest := l.nodes(func(e Endpoint) bool { return region[e.Node] && !own[e.Node] })
	next := l.nodes(func(e Endpoint) bool { return e.Region == l.other(z) && l.MayReach(z, e) })
	zoneShare := health(own, dead)
	regionShare := min(100, zoneShare+health(rest, dead))
	switch {
	case zoneShare == 100:
		return []Claim{exactly(client, "all in the own zone", own, 100)}
	case regionShare == 100:
		return []Claim{
			about(client, "the own zone as its health allows", own, zoneShare),
			exactly(client, "all in the own region", region, 100),
		}
	case regionShare > 0 && alive(next, dead) == len(next):
		return []Claim{about(client, "the own region as its health allows", region, regionShare)}
	case regionShare == 0 && alive(next, dead) > 0:
		return []Claim{exactly(client, "all in the failover region", next, 100)}
	case regionShare == 0 && z.Role != Forbidden:
		return []Claim{exactly(client, "every request fails", l.nodes(func(Endpoint) bool { return true }), 0)}
	}
	return nil
}

func exactly(client int, what string, to map[string]bool, share float64) Claim {
	return Claim{Client: client, What: what, To: to, Min: share, Max: share}
}

func about(client int, what string, to map[string]bool, share float64) Claim {
	return Claim{Client: client, What: what, To: to, Min: share - tolerance, Max: share + tolerance}
}

// health is the percentage of its traffic that a priority of these endpoints takes.
func health(nodes, dead map[string]bool) float64 {
	if len(nodes) == 0 {
		return 0
	}
	return min(100, 140*float64(alive(nodes, dead))/float64(len(nodes)))
}

// near says that e is in the same zone as a client of z: in its region, or in an
// unknown one (semantics 2.2).
func (l Layout) near(z Zone, e Endpoint) bool {
	return e.Zone == z.Name && l.MayReach(z, e) && (e.Region == z.Region || l.Unplaced(e))
}

// other is the region that failover names for the clients of z; "" if none.
func (l Layout) other(z Zone) string {
	switch z.Role {
	case Home:
		return l.Region(Failover)
	case Failover:
		return l.Region(Home)
	}
	return ""
}

// nodes are the Nodes of the endpoints that match.
func (l Layout) nodes(match func(Endpoint) bool) map[string]bool {
	out := map[string]bool{}
	for _, e := range l.Endpoints() {
		if match(e) {
			out[e.Node] = true
		}
	}
	return out
}

func alive(nodes, dead map[string]bool) int {
	n := 0
	for node := range nodes {
		if !dead[node] {
			n++
		}
	}
	return n
}

// Change is what has to be done to come from one chapter to the next, by Node.
func Change(from, to Chapter) (kill, start []string) {
	for node := range to.Dead {
		if !from.Dead[node] {
			kill = append(kill, node)
		}
	}
	for node := range from.Dead {
		if !to.Dead[node] {
			start = append(start, node)
		}
	}
	slices.Sort(kill)
	slices.Sort(start)
	return kill, start
}
