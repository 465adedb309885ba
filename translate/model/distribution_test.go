package model

import (
	"slices"
	"testing"
)

func TestParseDistribution(t *testing.T) {
	for written, want := range map[string]Distribution{
		"": NoDistribution, "PreferClose": PreferZone, "preferclose": PreferZone, "PREFERSAMEZONE": PreferZone,
		" PreferSameZone ": PreferZone, "PreferSameNode": PreferNode, "prefersamenode": PreferNode,
	} {
		if got, known := ParseDistribution(written); got != want || !known {
			t.Errorf("%q: %q, %t", written, got, known)
		}
	}
	for _, written := range []string{"Any", "Prefer", "zone", "PreferSameZone,PreferClose"} {
		if got, known := ParseDistribution(written); got != NoDistribution || known {
			t.Errorf("%q: %q, %t", written, got, known)
		}
	}
}

// Our spelling hides Istio's, what cannot be read too; an empty value is none.
func TestDistributionOf(t *testing.T) {
	for _, tt := range []struct {
		ours, istios string
		want         Distribution
		said         bool
	}{
		{"", "", NoDistribution, false},
		{"PreferClose", "", PreferZone, true},
		{"", "PreferSameNode", PreferNode, true},
		{"PreferClose", "PreferSameNode", PreferZone, true},
		{"nearest", "PreferSameNode", NoDistribution, true},
		{"", "nearest", NoDistribution, true},
	} {
		d, said := DistributionOf(map[string]string{DistributionAnnotation: tt.ours, IstioDistributionAnnotation: tt.istios})
		if d != tt.want || said != tt.said {
			t.Errorf("%q, %q: %q, %v", tt.ours, tt.istios, d, said)
		}
	}
}

func TestDistributionTiers(t *testing.T) {
	keys := func(d Distribution) (out []string) {
		for _, l := range d.Tiers() {
			if l.Fixed {
				t.Errorf("%s is fixed", l.Key)
			}
			out = append(out, l.Key)
		}
		return out
	}
	zone := []string{"topology.istio.io/network", "topology.kubernetes.io/region", "topology.kubernetes.io/zone"}
	if got := keys(PreferZone); !slices.Equal(got, zone) {
		t.Errorf("zone: %q", got)
	}
	if got := keys(PreferNode); !slices.Equal(got, append(zone, "kubernetes.io/hostname")) {
		t.Errorf("node: %q", got)
	}
	if got := keys(NoDistribution); got != nil {
		t.Errorf("none: %q", got)
	}
}
