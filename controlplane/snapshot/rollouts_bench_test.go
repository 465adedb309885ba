package snapshot

import (
	"fmt"
	"testing"
	"time"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// BenchmarkRollouts is of 1,000 services, 200 rules and 1,000 members in 10 classes:
// all settled; 100 of them behind with ten clusters each; and all behind with all.
func BenchmarkRollouts(b *testing.B) {
	var all []store.Change
	for i := range 1000 {
		all = append(all, service(fmt.Sprint("s", i)))
		if i%5 == 0 {
			all = append(all, ruleFor(fmt.Sprint("s", i), nil))
		}
	}
	for _, c := range []struct {
		name      string
		unsettled int
		by        string // what tells the classes apart
	}{{"settled", 0, "zone"}, {"unsettled", 100, "zone"}, {"labels", 0, "labels"}, {"all", 1000, "labels"}} {
		b.Run(c.name, func(b *testing.B) {
			h, _ := newHub(b, all...)
			var settled, behind Progress
			behind.Behind = map[envoy.ResourceName]bool{}
			behindWith := 10
			if c.unsettled == 1000 {
				behindWith = 200
			}
			for i := range behindWith {
				behind.Behind[of(envoy.EndpointType, cluster(fmt.Sprint("s", 5*i)))] = true
			}
			for i := range 1000 {
				p := sidecar(fmt.Sprint("c", i), fmt.Sprint("zone", i%10))
				if c.by == "labels" {
					p.Locality.Zone, p.Labels = "z", map[string]string{"app": fmt.Sprint(i % 10)}
				}
				progress := &settled
				if i < c.unsettled {
					progress = &behind
				}
				observed(b, h, p, progress)
			}
			h.Publish(time.Now())
			want := model.Rollout{Proxies: 1000, Programmed: 1000 - c.unsettled}
			b.ReportAllocs()
			for b.Loop() {
				got, _ := h.Rollouts()
				if len(got) != 200 || got[ruleFor("s0", nil).Ref] != want {
					b.Fatal(len(got), got[ruleFor("s0", nil).Ref])
				}
			}
		})
	}
}
