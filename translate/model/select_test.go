package model

import "testing"

func names(all ...string) map[string]bool {
	out := map[string]bool{}
	for _, n := range all {
		out[n] = true
	}
	return out
}

// A View is a class, not a claim: what the service does not know is Other, so a
// client cannot make more of them, and what the policy does not look at is gone.
func TestView(t *testing.T) {
	s := &Service{Places: Places{
		Regions: names("eu", "us"), Zones: names("eu-1", "us-1"), SubZones: names("r1"),
		Nodes: names("n1", "n2"), HintedNodes: names("n2"),
	}}
	for name, tt := range map[string]struct {
		policy Policy
		place  string
		node   string
		want   View
	}{
		"flat sees nothing":                   {Policy{Mode: Flat}, "eu/eu-1/r1", "n1", View{}},
		"levels see the place":                {Policy{Mode: Levels}, "eu/eu-1/r1", "n1", View{Locality: Locality{"eu", "eu-1", "r1"}}},
		"another place is Other":              {Policy{Mode: Levels}, "ap/ap-1/r9", "n1", View{Locality: Locality{Other, Other, ""}}},
		"a zone of no endpoint hides its own": {Policy{Mode: Levels}, "eu/eu-9/r1", "n1", View{Locality: Locality{"eu", Other, ""}}},
		"a sub-zone of no endpoint":           {Policy{Mode: Levels}, "eu/eu-1/r9", "n1", View{Locality: Locality{"eu", "eu-1", ""}}},
		"unknown stays unknown":               {Policy{Mode: Levels}, "", "", View{}},
		"a region alone":                      {Policy{Mode: Levels}, "us", "", View{Locality: Locality{Region: "us"}}},
		"hints see zone and hinted node":      {Policy{Mode: Hints}, "eu/eu-1/r1", "n2", View{Locality: Locality{Region: "eu", Zone: "eu-1"}, Node: "n2"}},
		"a node that nothing is hinted for":   {Policy{Mode: Hints}, "eu/eu-1", "n1", View{Locality: Locality{Region: "eu", Zone: "eu-1"}}},
		"Local sees the node":                 {Policy{Mode: Flat, Local: true}, "eu/eu-1", "n1", View{Node: "n1"}},
		"Local, a node without endpoints":     {Policy{Mode: Flat, Local: true}, "eu/eu-1", "n9", View{Node: Other}},
		"Local, no node":                      {Policy{Mode: Flat, Local: true}, "eu/eu-1", "", View{}},
		"Local with hints, the node as such":  {Policy{Mode: Hints, Local: true}, "eu", "n1", View{Locality: Locality{Region: "eu"}, Node: "n1"}},
		"PASSTHROUGH sees nothing":            {Policy{Mode: Levels, Local: true, Algorithm: Passthrough}, "eu/eu-1", "n1", View{}},
	} {
		l, ok := ParseLocality(tt.place)
		if !ok {
			t.Fatalf("%s: %q", name, tt.place)
		}
		if got := s.view(tt.policy, Proxy{Locality: l, Node: tt.node}); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// Semantics 3: the client's namespace, else everybody's; a waypoint starts there.
func TestSelectPolicy(t *testing.T) {
	s := &Service{
		Policies: make([]Policy, 3),
		Lookup: map[PolicyKey]PolicyID{
			{Port: 80}: 1, {Namespace: "web", Port: 80}: 2, {Port: 81}: 0,
		},
	}
	for _, tt := range []struct {
		kind      Kind
		namespace string
		port      uint32
		want      PolicyID
	}{
		{Sidecar, "web", 80, 2}, {Gateway, "web", 80, 2}, {Sidecar, "shop", 80, 1}, {Waypoint, "web", 80, 1}, {Sidecar, "web", 81, 0},
	} {
		v := s.Select(Proxy{Kind: tt.kind, Namespace: tt.namespace}, tt.port, "")
		if v.PolicyID != tt.want || v.Port != tt.port {
			t.Errorf("%s of %s at %d: %+v, want policy %d", tt.kind, tt.namespace, tt.port, v, tt.want)
		}
	}
}

func TestParseLocality(t *testing.T) {
	for in, want := range map[string]Locality{
		"": {}, "eu": {Region: "eu"}, "eu/a": {Region: "eu", Zone: "a"}, "eu/a/r": {Region: "eu", Zone: "a", SubZone: "r"},
	} {
		if got, ok := ParseLocality(in); !ok || got != want || got.String() != in || got.Empty() != (in == "") {
			t.Errorf("ParseLocality(%q) = %+v, %t", in, got, ok)
		}
	}
	for _, in := range []string{"/", "eu/", "/a", "eu//r", "eu/a/r/x"} {
		if _, ok := ParseLocality(in); ok {
			t.Errorf("ParseLocality(%q) is accepted", in)
		}
	}
}

// Nil allows all, an unknown region is never allowed, and empty allows nothing.
func TestAllowed(t *testing.T) {
	eu := &Allowed{Regions: []string{"eu"}}
	for _, tt := range []struct {
		a      *Allowed
		region string
		want   bool
	}{{nil, "", true}, {nil, "eu", true}, {eu, "eu", true}, {eu, "us", false}, {eu, "", false}, {&Allowed{Regions: []string{""}}, "", false}, {&Allowed{}, "eu", false}} {
		if got := tt.a.Has(tt.region); got != tt.want {
			t.Errorf("%+v has %q: %t", tt.a, tt.region, got)
		}
	}
	if !eu.Equal(&Allowed{Regions: []string{"eu"}, From: []AllowedFrom{{}}}) || eu.Equal(nil) || (*Allowed)(nil).Equal(eu) ||
		eu.Equal(&Allowed{}) || !(*Allowed)(nil).Equal(nil) {
		t.Error("Equal is not by what they allow")
	}
}
