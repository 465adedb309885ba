package locality_test

import (
	"fmt"
	"testing"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// thousand is 1,000 endpoints in 3 regions of 3 zones, sorted as ingest gives them.
func thousand() []model.Endpoint {
	es := make([]model.Endpoint, 1000)
	for i := range es {
		region := fmt.Sprintf("region-%d", i%3)
		zone := fmt.Sprintf("%s-%d", region, i/3%3)
		es[i] = model.Endpoint{
			Address: fmt.Sprintf("10.0.%03d.%03d", i/200, i%200), Port: 8080, Weight: 1,
			Region: region, Locality: model.Locality{Region: region, Zone: zone},
			Node: fmt.Sprintf("node-%d", i%50), ZoneHints: []string{zone}, Labels: map[string]string{"version": zone, "track": region},
		}
	}
	return es
}

func BenchmarkAssign(b *testing.B) {
	es := thousand()
	view := model.View{Locality: model.Locality{Region: "region-0", Zone: "region-0-1"}}
	for _, mode := range []model.Mode{model.Flat, model.Hints, model.Levels} {
		b.Run(string(mode), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				locality.Assign(view, model.Policy{Mode: mode, Allowed: &model.Allowed{Regions: []string{"region-0", "region-1"}}}, es)
			}
		})
	}
}

// The settings of semantics 6 on the same endpoints.
func BenchmarkAssignRule(b *testing.B) {
	es := thousand()
	view := model.View{Locality: model.Locality{Region: "region-0", Zone: "region-0-1"}, Labels: "track=region-0,version=region-0-1"}
	strict := listing("region-0/region-0-1", 70, "region-0", 20, "region-1", 10)
	both := tiers("track", "version", model.LabelNode)
	both.Failover, both.Distribute = map[string]string{"region-0": "region-1"}, strict.Distribute
	for name, policy := range map[string]model.Policy{"distribute": strict, "tiers": tiers("track", "version", model.LabelNode), "both": both} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				locality.Assign(view, policy, es)
			}
		})
	}
}
