package model

import "strings"

// Locality is Envoy's triple, from coarse to fine. An empty part is unknown,
// and unknown never equals unknown (semantics 2.2).
type Locality struct {
	Region  string
	Zone    string
	SubZone string
}

// Other is the name that a View carries for a place, node or label value that
// is known, but that nothing of the service knows: equal to nothing. No
// Kubernetes name or label value can contain it.
const Other = "~"

// ParseLocality reads REGION[/ZONE[/SUBZONE]].
func ParseLocality(s string) (Locality, bool) {
	parts := strings.Split(s, "/")
	if len(parts) > 3 {
		return Locality{}, false
	}
	for _, p := range parts {
		if p == "" && s != "" {
			return Locality{}, false
		}
	}
	parts = append(parts, "", "")
	return Locality{Region: parts[0], Zone: parts[1], SubZone: parts[2]}, true
}

// String is REGION/ZONE/SUBZONE without trailing empty parts.
func (l Locality) String() string {
	return strings.TrimRight(l.Region+"/"+l.Zone+"/"+l.SubZone, "/")
}

// Empty says that nothing is known.
func (l Locality) Empty() bool { return l == Locality{} }

// Compare orders localities by region, zone and sub-zone.
func (l Locality) Compare(o Locality) int {
	if c := strings.Compare(l.Region, o.Region); c != 0 {
		return c
	}
	if c := strings.Compare(l.Zone, o.Zone); c != 0 {
		return c
	}
	return strings.Compare(l.SubZone, o.SubZone)
}
