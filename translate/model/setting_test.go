package model

import "testing"

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		written string
		want    Pattern
		says    string
		depth   int
	}{
		{"*", Pattern{}, "*", 0},
		{"eu", Pattern{Region: "eu"}, "eu", 1},
		{"eu/*", Pattern{Region: "eu"}, "eu", 1},
		{"eu/eu-1", Pattern{Region: "eu", Zone: "eu-1"}, "eu/eu-1", 2},
		{"eu/eu-1/*", Pattern{Region: "eu", Zone: "eu-1"}, "eu/eu-1", 2},
		{"eu/eu-1/r", Pattern{"eu", "eu-1", "r"}, "eu/eu-1/r", 3},
	} {
		if got := ParsePattern(tt.written); got != tt.want || got.String() != tt.says || got.Depth() != tt.depth {
			t.Errorf("%q: %+v, %s, depth %d", tt.written, got, got, got.Depth())
		}
	}
}

// A level that is not named takes anything, unknown too; Other has no name.
func TestPatternCovers(t *testing.T) {
	for _, tt := range []struct {
		pattern, place string
		want           bool
	}{
		{"*", "", true},
		{"*", "eu/eu-1/r", true},
		{"eu", "eu", true},
		{"eu", "eu/eu-1", true},
		{"eu", "us/eu-1", false},
		{"eu", "", false},
		{"eu/eu-1", "eu", false},
		{"eu/eu-1", "eu/eu-1/r", true},
		{"eu/eu-1", "eu/eu-2", false},
		{"eu/eu-1/r", "eu/eu-1", false},
		{"eu/eu-1/r", "eu/eu-1/r", true},
		{"eu/eu-1/r", "eu/eu-1/s", false},
		{"~", "~", false},
		{"eu/~", "eu/~", false},
	} {
		l, _ := ParseLocality(tt.place)
		if got := ParsePattern(tt.pattern).Covers(l); got != tt.want {
			t.Errorf("%s covers %q: %t", tt.pattern, tt.place, got)
		}
	}
}

func TestParsePriorityLabel(t *testing.T) {
	for written, want := range map[string]PriorityLabel{
		"version": {Key: "version"}, "version=": {Key: "version", Fixed: true}, "version=1": {Key: "version", Fixed: true, Value: "1"},
	} {
		if got := ParsePriorityLabel(written); got != want || !got.Ordinary() {
			t.Errorf("%s: %+v", written, got)
		}
	}
	for _, key := range []string{LabelRegion, LabelZone, LabelSubZone, LabelNode, LabelNetwork} {
		if (PriorityLabel{Key: key}).Ordinary() {
			t.Errorf("%s is ordinary", key)
		}
	}
}

func TestViewLabel(t *testing.T) {
	v := View{Labels: "a=1,b=,c=3"}
	for key, want := range map[string]string{"a": "1", "b": "", "c": "3", "d": "", "": ""} {
		if got := v.Label(key); got != want {
			t.Errorf("%q is %q", key, got)
		}
	}
	if got := (View{}).Label(""); got != "" {
		t.Errorf("%q", got)
	}
}

func ask(keys ...string) []PriorityLabel {
	var out []PriorityLabel
	for _, k := range keys {
		out = append(out, ParsePriorityLabel(k))
	}
	return out
}

// A View holds what tiers compare, and nothing else.
func TestViewOfTiers(t *testing.T) {
	s := &Service{Places: Places{
		Regions: names("eu"), Zones: names("eu-1"), SubZones: names("r1"), Nodes: names("n1"), Networks: names("net1"),
		Labels: map[string]map[string]bool{"version": names("1", "2"), "track": names()},
	}}
	proxy := Proxy{
		Locality: Locality{"eu", "eu-1", "r1"}, Node: "n1", Network: "net1",
		Labels: map[string]string{"version": "1", "track": "beta", "app": "shop", "none": ""},
	}
	stranger := Proxy{
		Locality: Locality{"ap", "ap-1", "r1"}, Node: "n9", Network: "net9", Labels: map[string]string{"version": "9", LabelZone: "eu-1"},
	}
	all := Locality{"eu", "eu-1", "r1"}
	shares := []Distribute{{}}
	for name, tt := range map[string]struct {
		policy Policy
		proxy  Proxy
		want   View
	}{
		"an ordinary label":                  {Policy{FailoverPriority: ask("version")}, proxy, View{Labels: "version=1"}},
		"a value that no endpoint has":       {Policy{FailoverPriority: ask("version")}, stranger, View{Labels: "version=~"}},
		"several, sorted":                    {Policy{FailoverPriority: ask("version", "track")}, proxy, View{Labels: "track=~,version=1"}},
		"one that the client lacks":          {Policy{FailoverPriority: ask("version", "track")}, stranger, View{Labels: "version=~"}},
		"an empty value is absent":           {Policy{FailoverPriority: ask("none")}, proxy, View{}},
		"a fixed value asks nobody":          {Policy{FailoverPriority: ask("version=1", LabelRegion+"=eu", LabelNode+"=n1")}, proxy, View{}},
		"a region":                           {Policy{FailoverPriority: ask(LabelRegion)}, proxy, View{Locality: Locality{Region: "eu"}}},
		"a zone":                             {Policy{FailoverPriority: ask(LabelZone)}, proxy, View{Locality: Locality{Zone: "eu-1"}}},
		"a zone is no label of the client":   {Policy{FailoverPriority: ask(LabelZone)}, stranger, View{Locality: Locality{Zone: Other}}},
		"a sub-zone":                         {Policy{FailoverPriority: ask(LabelSubZone)}, proxy, View{Locality: Locality{SubZone: "r1"}}},
		"a sub-zone outside its zone":        {Policy{FailoverPriority: ask(LabelSubZone)}, stranger, View{Locality: Locality{SubZone: "r1"}}},
		"a node":                             {Policy{FailoverPriority: ask(LabelNode)}, proxy, View{Node: "n1"}},
		"a node without endpoints":           {Policy{FailoverPriority: ask(LabelNode)}, stranger, View{Node: Other}},
		"a network":                          {Policy{FailoverPriority: ask(LabelNetwork)}, proxy, View{Network: "net1"}},
		"a network without endpoints":        {Policy{FailoverPriority: ask(LabelNetwork)}, stranger, View{Network: Other}},
		"with failover the place too":        {Policy{FailoverPriority: ask("version"), Failover: map[string]string{}}, proxy, View{Locality: all, Labels: "version=1"}},
		"with distribute the place too":      {Policy{FailoverPriority: ask("version"), Distribute: shares}, proxy, View{Locality: all, Labels: "version=1"}},
		"distribute alone sees the place":    {Policy{Distribute: shares}, proxy, View{Locality: all}},
		"levels alone see no label and node": {Policy{}, proxy, View{Locality: all}},
	} {
		tt.policy.Mode = Levels
		if got := s.view(tt.policy, tt.proxy); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	flat := Policy{Mode: Flat, FailoverPriority: ask("version", LabelNode), Distribute: shares}
	if got := s.view(flat, proxy); got != (View{}) || flat.Weighted() {
		t.Errorf("flat: %+v", got)
	}
}
