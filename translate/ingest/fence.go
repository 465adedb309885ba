package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// allowed is the fence of semantics 4.1 for a class of clients at one port and
// subset: every allowedRegions that they see, whether its rule won or not.
func (r *resolver) allowed(c client, port uint32, subset string) *model.Allowed {
	visible := r.levels(c)
	var from []model.AllowedFrom
	from = append(from, r.meshAllowed...)
	for _, dr := range r.rules.all {
		if slices.Contains(visible, dr.Namespace) && r.fenced(c, dr) {
			from = appendAllowed(from, dr, port, subset)
		}
	}
	for _, f := range r.fences {
		if slices.Contains(visible, f.Object.Namespace) {
			from = append(from, fromFence(f))
		}
	}
	return intersect(from)
}

// fenced says whether a rule's fence is for these clients. Where it cannot be
// told which of a namespace's clients it is for, it is for all of them.
func (r *resolver) fenced(c client, dr *v1alpha1.DestinationRule) bool {
	if r.held || r.selectors.isSurplus(dr) {
		return exportedTo(dr, c.namespace) && (dr.Spec.WorkloadSelector == nil || dr.Namespace == c.namespace)
	}
	return c.sees(dr)
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

// appendAllowed adds what one rule says at the top, in the entries of the port,
// and in both of the subset, if it has one of that name.
func appendAllowed(from []model.AllowedFrom, dr *v1alpha1.DestinationRule, port uint32, subset string) []model.AllowedFrom {
	from = appendPolicy(from, dr, dr.Spec.TrafficPolicy, "spec.trafficPolicy", port)
	for i := range dr.Spec.Subsets {
		if s := &dr.Spec.Subsets[i]; subset != "" && s.Name == subset {
			from = appendPolicy(from, dr, s.TrafficPolicy, fmt.Sprintf("spec.subsets[%d].trafficPolicy", i), port)
		}
	}
	return from
}

// appendPolicy adds what one trafficPolicy says, at its top and in its entries of
// the port.
func appendPolicy(from []model.AllowedFrom, dr *v1alpha1.DestinationRule, tp *v1alpha1.TrafficPolicy, path string, port uint32) []model.AllowedFrom {
	add := func(lb *v1alpha1.LoadBalancer, path string) {
		if lb == nil || lb.LocalityLbSetting == nil || len(lb.LocalityLbSetting.AllowedRegions) == 0 {
			return
		}
		from = append(from, model.AllowedFrom{
			Object: ruleRef(dr), Field: path + ".loadBalancer.localityLbSetting.allowedRegions",
			Regions: lb.LocalityLbSetting.AllowedRegions,
		})
	}
	if tp == nil {
		return from
	}
	add(tp.LoadBalancer, path)
	for i, entry := range tp.PortLevelSettings {
		if entry.Port != nil && uint32(entry.Port.Number) == port {
			add(entry.LoadBalancer, fmt.Sprintf("%s.portLevelSettings[%d]", path, i))
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
