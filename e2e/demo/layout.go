package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Role is what a region plays in the demo.
type Role string

// The roles: the Home region dies, Failover is named to take over, and no client
// of those two may ever reach a Forbidden one.
const (
	Home      Role = "home"
	Failover  Role = "failover"
	Forbidden Role = "forbidden"
)

// Namespaces of the service and of the clients.
const (
	serviceNamespace = "default"
	// fencedNamespace holds the clients of the home and failover regions, whose
	// rule lists the allowed regions.
	fencedNamespace = "shop"
	// freeNamespace holds the clients of the forbidden regions.
	freeNamespace = "lab"
)

// Endpoint is one replica of the service.
type Endpoint struct {
	Region, Zone string
	// Node is unique in the layout.
	Node string
}

// Zone is one zone: it holds endpoints and one client.
type Zone struct {
	Region, Name string
	Role         Role
	Endpoints    []Endpoint
}

// String is REGION/ZONE: the locality of everything in it.
func (z Zone) String() string { return z.Region + "/" + z.Name }

// Namespace is that of the zone's client.
func (z Zone) Namespace() string {
	if z.Role == Forbidden {
		return freeNamespace
	}
	return fencedNamespace
}

// Layout is one world to play in. Zones are grouped by region: the home region,
// the failover region, then the forbidden ones. The first zone is the one that dies.
type Layout struct {
	Zones []Zone
	// Missing is the Node that has no manifest.
	Missing string
}

// DefaultLayout has 3 regions and 5 zones.
func DefaultLayout() Layout {
	l := Layout{Zones: []Zone{
		newZone(Home, "eu", "eu-1", 4),
		newZone(Home, "eu", "eu-2", 2),
		newZone(Failover, "us", "us-1", 3),
		newZone(Failover, "us", "us-2", 1),
		newZone(Forbidden, "ap", "ap-1", 2),
	}}
	l.Missing = l.Zones[1].Endpoints[1].Node
	return l
}

func newZone(role Role, region, name string, endpoints int) Zone {
	z := Zone{Region: region, Name: name, Role: role}
	for i := range endpoints {
		z.Endpoints = append(z.Endpoints, Endpoint{
			Region: region, Zone: name, Node: fmt.Sprintf("node-%s-%s-%d", region, name, i+1),
		})
	}
	return z
}

// RandomLayout draws regions, zones, replica counts, the zone with a single
// endpoint and the Node that is missing. Equal seeds give equal layouts.
func RandomLayout(seed int64) Layout {
	r := rand.New(rand.NewPCG(uint64(seed), 20261125))
	names := []string{"eu", "us", "ap", "sa", "af", "me", "ca", "au"}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	zones := []int{2 + r.IntN(2), 1 + r.IntN(2), 1}
	if zones[0]+zones[1] < 5 && r.IntN(2) == 0 {
		zones[2] = 2
	}
	if zones[0]+zones[1]+zones[2] < 6 && r.IntN(3) == 0 {
		zones = append(zones, 1)
	}
	var l Layout
	for i, n := range zones {
		role := []Role{Home, Failover, Forbidden}[min(i, 2)]
		for z := range n {
			l.Zones = append(l.Zones, newZone(role, names[i], fmt.Sprintf("%s-%d", names[i], z+1), 2+r.IntN(4)))
		}
	}
	single := 1 + r.IntN(len(l.Zones)-1) // never the zone that half dies
	z := l.Zones[single]
	l.Zones[single] = newZone(z.Role, z.Region, z.Name, 1)
	l.Missing = l.drawMissing(r)
	if r.IntN(3) == 0 {
		l.nameTwin()
	}
	return l
}

// drawMissing picks any Node, save one whose loss takes the last known zone of
// the failover region or the last neighbour of the zone that dies: no chapter
// could be played without those.
func (l Layout) drawMissing(r *rand.Rand) string {
	var nodes []string
	for _, z := range l.Zones {
		lonely := len(z.Endpoints) == 1
		spare := z.Role == Forbidden || z.Role == Failover && l.zonesOf(z.Region) > 1 || z.Role == Home && l.zonesOf(z.Region) > 2
		if !lonely || spare {
			for _, e := range z.Endpoints {
				nodes = append(nodes, e.Node)
			}
		}
		if lonely && spare { // the rare case, in which a zone's region is unknown, gets more chances
			for range 2 {
				nodes = append(nodes, z.Endpoints[0].Node)
			}
		}
	}
	return nodes[r.IntN(len(nodes))]
}

func (l Layout) zonesOf(region string) int {
	n := 0
	for _, z := range l.Zones {
		if z.Region == region {
			n++
		}
	}
	return n
}

// nameTwin gives the last zone, of a forbidden region, the name of the zone that
// dies: the same zone name in another region is not local. Where the missing
// Node is in one of the two, the zone's Nodes would not agree on a region, which
// is a different game.
func (l *Layout) nameTwin() {
	first, last := l.Zones[0], len(l.Zones)-1
	z := l.Zones[last]
	has := func(e Endpoint) bool { return e.Node == l.Missing }
	if slices.ContainsFunc(first.Endpoints, has) || slices.ContainsFunc(z.Endpoints, has) {
		return
	}
	l.Zones[last] = newZone(z.Role, z.Region, first.Name, len(z.Endpoints))
}

// Endpoints are those of all zones, in order.
func (l Layout) Endpoints() []Endpoint {
	var out []Endpoint
	for _, z := range l.Zones {
		out = append(out, z.Endpoints...)
	}
	return out
}

// Region is the name of the first region that plays a role.
func (l Layout) Region(role Role) string {
	for _, z := range l.Zones {
		if z.Role == role {
			return z.Region
		}
	}
	return ""
}

// Regions are the names of all regions that play one of the roles, in order.
func (l Layout) Regions(roles ...Role) []string {
	var out []string
	for _, z := range l.Zones {
		if slices.Contains(roles, z.Role) && !slices.Contains(out, z.Region) {
			out = append(out, z.Region)
		}
	}
	return out
}

// Unplaced says that nothing tells this endpoint's region: its Node is missing
// and its zone has no other (semantics 2.1).
func (l Layout) Unplaced(e Endpoint) bool {
	if e.Node != l.Missing {
		return false
	}
	for _, z := range l.Zones {
		if z.Region == e.Region && z.Name == e.Zone {
			return len(z.Endpoints) == 1
		}
	}
	return false
}

// MayReach says whether the fence lets a client of zone z reach e (semantics 4.1).
func (l Layout) MayReach(z Zone, e Endpoint) bool {
	if z.Role == Forbidden {
		return true
	}
	return !l.Unplaced(e) && slices.Contains(l.Regions(Home, Failover), e.Region)
}
