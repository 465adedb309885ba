package envoy

import (
	"testing"

	"pgregory.net/rapid"
)

func TestClusterNameRoundTrip(t *testing.T) {
	part := rapid.StringMatching(`[a-z0-9]([-a-z0-9.]{0,8}[a-z0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		port := rapid.Uint32Range(1, 65535).Draw(t, "port")
		subset := rapid.OneOf(rapid.Just(""), part).Draw(t, "subset")
		host := part.Draw(t, "host")
		name := ClusterName(port, subset, host)
		p, s, h, ok := ParseClusterName(name)
		if !ok || p != port || s != subset || h != host {
			t.Fatalf("%q parses as %d %q %q %v", name, p, s, h, ok)
		}
	})
}

// What parses at all is exactly what ClusterName would give for it.
func TestParseClusterNameIsStrict(t *testing.T) {
	for _, name := range []string{
		"", "outbound", "outbound|80|v1", "outbound|80||", "inbound|80||a", "outbound|0||a", "outbound|080||a",
		"outbound|65536||a", "outbound|-1||a", "outbound|+80||a", "outbound|http||a", "outbound|80||a|b", "|80||a",
	} {
		if _, _, _, ok := ParseClusterName(name); ok {
			t.Errorf("%q parses", name)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`outbound\|[0-9+]{1,6}\|[a|]{0,2}\|[a|]{0,2}`).Draw(t, "name")
		if p, s, h, ok := ParseClusterName(name); ok && ClusterName(p, s, h) != name {
			t.Fatalf("%q parses as what is called %q", name, ClusterName(p, s, h))
		}
	})
}

func TestAltStatName(t *testing.T) {
	if got, want := ClusterName(80, "", "reviews.default.svc.cluster.local"), "outbound|80||reviews.default.svc.cluster.local"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := AltStatName("default", "reviews", 80, ""), "default/reviews/80"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := AltStatName("a", "x.y", 8080, "v1.2"), "a/x_y/8080/v1_2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
