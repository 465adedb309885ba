package e2e

import (
	"fmt"
	"math"
	"testing"

	"github.com/coastwise/coastwise/e2e/coastwise"
)

// TestGRPCSharesAreEnvoys: a gRPC client has neither overprovisioning nor spill, and
// gives the shares that an Envoy gives all the same (semantics 7).
func TestGRPCSharesAreEnvoys(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	running := map[string]bool{}
	for _, c := range predictCases {
		s.write(c.name+".yaml", s.predictCase(c.name, c.zones, c.spec, c.rule, c.hints))
		for zone, l := range c.zones {
			for n := range l.ready {
				if key := fmt.Sprint(zone, n); !running[key] {
					running[key] = true
					s.backend(zone, n)
				}
			}
		}
	}
	for _, c := range predictCases {
		t.Run(c.name, func(t *testing.T) {
			t.Log(c.about)
			client := s.grpc(coastwise.Client{Locality: "eu/eu-1", Labels: "version=eu-2"}, "xds:///"+c.name+".default:80")
			defer client.Kill()
			tally := client.gives(c.name + ".default:80")
			if got := tally.zone(0); math.Abs(got-c.first) > 3 {
				t.Errorf("the own zone has %.1f %%, by hand it is %.1f %%", got, c.first)
			}
		})
	}
}
