package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// allowed is the fence of semantics 4.1 for the clients of one namespace at one
// port: every allowedRegions that they see, whether its rule won or not. visible
// are the namespaces whose rules they see.
func (r *resolver) allowed(visible []string, port uint32) *model.Allowed {
	var from []model.AllowedFrom
	from = append(from, r.meshAllowed...)
	for _, dr := range r.rules.all {
		if slices.Contains(visible, dr.Namespace) {
			from = appendAllowed(from, dr, port)
		}
	}
	for _, f := range r.fences {
		if slices.Contains(visible, f.Object.Namespace) {
			from = append(from, fromFence(f))
		}
	}
	return intersect(from)
}

// intersect is nil where nothing forbids.
func intersect(from []model.AllowedFrom) *model.Allowed {
	if len(from) == 0 {
		return nil
	}
	slices.SortFunc(from, func(a, b model.AllowedFrom) int {
		return cmp.Or(a.Object.Compare(b.Object), strings.Compare(a.Field, b.Field), slices.Compare(a.Regions, b.Regions))
	})
	a := &model.Allowed{Regions: slices.Clone(from[0].Regions), From: from}
	for _, f := range from[1:] {
		a.Regions = slices.DeleteFunc(a.Regions, func(region string) bool {
			return !slices.Contains(f.Regions, region)
		})
	}
	slices.Sort(a.Regions)
	a.Regions = slices.Compact(a.Regions)
	return a
}

// appendAllowed adds what one rule says at the top and in the entries of the port.
func appendAllowed(from []model.AllowedFrom, dr *v1alpha1.DestinationRule, port uint32) []model.AllowedFrom {
	add := func(lb *v1alpha1.LoadBalancer, path string) {
		if lb == nil || lb.LocalityLbSetting == nil || len(lb.LocalityLbSetting.AllowedRegions) == 0 {
			return
		}
		from = append(from, model.AllowedFrom{
			Object: ruleRef(dr), Field: path + ".loadBalancer.localityLbSetting.allowedRegions",
			Regions: lb.LocalityLbSetting.AllowedRegions,
		})
	}
	tp := dr.Spec.TrafficPolicy
	if tp == nil {
		return from
	}
	add(tp.LoadBalancer, "spec.trafficPolicy")
	for i, entry := range tp.PortLevelSettings {
		if entry.Port != nil && uint32(entry.Port.Number) == port {
			add(entry.LoadBalancer, fmt.Sprintf("spec.trafficPolicy.portLevelSettings[%d]", i))
		}
	}
	return from
}

// meshAllowed is what the MeshConfig says, or the fence of one that was refused.
func meshAllowed(m Mesh) []model.AllowedFrom {
	var from []model.AllowedFrom
	if l := meshSetting(m); l != nil && len(l.AllowedRegions) > 0 {
		from = append(from, model.AllowedFrom{
			Object: model.ObjectRef{Kind: v1alpha1.KindMeshConfig, Name: m.Config.Name},
			Field:  "spec.localityLbSetting.allowedRegions", Regions: l.AllowedRegions,
		})
	}
	if m.Fence != nil && m.Fence.AllowedRegions != nil {
		from = append(from, fromFence(*m.Fence))
	}
	return from
}

func fromFence(f model.Fence) model.AllowedFrom {
	return model.AllowedFrom{Object: f.Object, Field: f.Field, Regions: f.AllowedRegions}
}

// meshSetting is the MeshConfig's localityLbSetting, nil if there is none.
func meshSetting(m Mesh) *v1alpha1.LocalityLbSetting {
	if m.Config == nil {
		return nil
	}
	return m.Config.Spec.LocalityLbSetting
}
