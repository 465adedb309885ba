package main

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestChaptersOfEveryLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawn(t)
		chapters := Chapters(l)
		var titles []string
		for _, c := range chapters {
			titles = append(titles, c.Title)
		}
		want := []string{"locality off", "locality on", "half of a zone dies", "the zone dies", "the region dies", "both die", "healed"}
		if !slices.Equal(titles, want) {
			t.Fatalf("chapters %v", titles)
		}
		half := len(chapters[2].Dead)
		if n := len(l.Zones[0].Endpoints); half >= n || 140*(n-half) >= 100*n {
			t.Fatalf("%d of %d dead does not spill", half, n)
		}
		checkDeaths(t, l, chapters)
		checkClaims(t, l, chapters)
	})
}

// checkDeaths: the dead only get more, until all come back; no forbidden region
// loses anything.
func checkDeaths(t *rapid.T, l Layout, chapters []Chapter) {
	for i := 3; i < 6; i++ {
		kill, start := Change(chapters[i-1], chapters[i])
		if len(kill) == 0 || len(start) != 0 {
			t.Fatalf("into %q: kill %v, start %v", chapters[i].Title, kill, start)
		}
	}
	kill, start := Change(chapters[5], chapters[6])
	if len(kill) != 0 || len(start) != len(chapters[5].Dead) {
		t.Fatalf("healing: kill %v, start %v", kill, start)
	}
	for _, e := range l.Endpoints() {
		forbidden := slices.Contains(l.Regions(Forbidden), e.Region)
		if chapters[5].Dead[e.Node] == forbidden {
			t.Fatalf("both die: %v, dead %v", e, !forbidden)
		}
	}
}

// checkClaims: every chapter claims something about every client that lost
// something, and no claim needs what the fence forbids.
func checkClaims(t *rapid.T, l Layout, chapters []Chapter) {
	for _, c := range chapters {
		claimed := map[int]bool{}
		for _, claim := range c.Claims {
			claimed[claim.Client] = true
			if claim.Min <= 0 {
				continue
			}
			possible := false
			for _, e := range l.Endpoints() {
				possible = possible || claim.To[e.Node] && !c.Dead[e.Node] && l.MayReach(l.Zones[claim.Client], e)
			}
			if !possible {
				t.Fatalf("%s: nobody can make it true that for %s %s", c.Title, l.Zones[claim.Client], claim.What)
			}
		}
		for i, z := range l.Zones {
			if z.Role == Home && !claimed[i] {
				t.Fatalf("%s: nothing is claimed for %s", c.Title, z)
			}
		}
	}
}

func TestClaimsOfTheDefaultLayout(t *testing.T) {
	l := DefaultLayout()
	type want struct {
		chapter, client int
		what            string
		from, to        float64
		endpoints       int
	}
	for _, w := range []want{
		{0, 0, "its part to eu/eu-1", 35, 45, 4},
		{0, 0, "its part to ap/ap-1", -5, 5, 0},
		{0, 4, "its part to ap/ap-1", 100*(2./12) - 5, 100*(2./12) + 5, 2},
		{1, 0, "all in the own zone", 100, 100, 4},
		{2, 0, "the own zone as its health allows", 65, 75, 4},
		{2, 0, "all in the own region", 100, 100, 6},
		{3, 0, "all in the own region", 100, 100, 6},
		{4, 0, "all in the failover region", 100, 100, 4},
		{4, 4, "all in the own zone", 100, 100, 2},
		{5, 0, "every request fails", 0, 0, 12},
		{5, 2, "every request fails", 0, 0, 12},
		{6, 0, "all in the own zone", 100, 100, 4},
	} {
		c := Chapters(l)[w.chapter]
		i := slices.IndexFunc(c.Claims, func(claim Claim) bool { return claim.Client == w.client && claim.What == w.what })
		if i < 0 {
			t.Errorf("%s: %s is not claimed for %s", c.Title, w.what, l.Zones[w.client])
			continue
		}
		if got := c.Claims[i]; math.Abs(got.Min-w.from) > 1e-9 || math.Abs(got.Max-w.to) > 1e-9 || len(got.To) != w.endpoints {
			t.Errorf("%s, %s, %s: %v to %v by %d endpoints, want %v to %v by %d",
				c.Title, l.Zones[w.client], w.what, got.Min, got.Max, len(got.To), w.from, w.to, w.endpoints)
		}
	}
}
