package envoy

import (
	"slices"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// A Host without a port means 80 wherever 80 stands among the ports.
func TestBareHostsMean80(t *testing.T) {
	for _, ports := range [][]uint32{{9000, 80}, {80, 9000}} {
		c := routesFor(t, "a", service("a", "both", ports...))
		if got, want := lookup(c, "both"), "outbound|80||both.a.svc.cluster.local"; got != want {
			t.Errorf("of the ports %v it is %q, want %q", ports, got, want)
		}
	}
}

// A service claims each name with each port, and without; one without ports claims nothing.
func TestDomainsThatAServiceClaims(t *testing.T) {
	got := Domains("a", service("a", "x", 80, 90))
	slices.Sort(got)
	want := []string{
		"x", "x.a", "x.a.svc", "x.a.svc.cluster.local",
		"x.a.svc.cluster.local:80", "x.a.svc.cluster.local:90", "x.a.svc:80", "x.a.svc:90", "x.a:80", "x.a:90", "x:80", "x:90",
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if got := Domains("a", service("a", "x")); len(got) > 0 {
		t.Errorf("without ports it claims %q", got)
	}
}

// Routes of a port come before their clusters, and are taken all the same.
func TestPortRoutesDoNotWaitForClusters(t *testing.T) {
	s := reviews(plain())
	r := must[Resource](t)(PortRoutes(s, 80, 0, model.Plain))
	c := decoded(t, r, new(routev3.RouteConfiguration))
	if c.GetValidateClusters() == nil || c.GetValidateClusters().GetValue() || lookup(c, "any.host") != "outbound|80||reviews.default.svc.cluster.local" {
		t.Errorf("%v", c)
	}
}
