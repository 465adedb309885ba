package admit

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// fence finds what a refused object of ours still forbids (semantics 8.1): the
// intersection of every allowedRegions in it, also where none belongs: a
// misspelt parent is what refuses most objects. One that cannot be read allows
// no region; nil if there is none, or a rule's host cannot be read. A MeshConfig's
// also says where the fences for all namespaces stand.
func fence(object model.ObjectRef, doc document) *model.Fence {
	out := &model.Fence{Object: object}
	spec, _ := doc.root["spec"].(map[string]any)
	f := &finder{}
	switch object.Kind {
	case v1alpha1.KindMeshConfig:
		out.RootNamespace, _ = spec["rootNamespace"].(string)
		f.setting("spec", spec)
	default: // the others have no regions to allow
		return nil
	case v1alpha1.KindDestinationRule, v1alpha1.KindDestinationRule + "." + v1alpha1.IstioGroup: // written there it is refused, and meant
		if out.Host, _ = spec["host"].(string); out.Host == "" {
			return nil
		}
		f.rule(spec)
	}
	f.misplaced("spec", doc.root["spec"])
	f.hidden(doc)
	if f.field == "" && out.RootNamespace == "" {
		return nil
	}
	if f.field == "" {
		return out
	}
	out.Field = string(f.field)
	out.AllowedRegions = slices.Sorted(maps.Keys(f.regions))
	if out.AllowedRegions == nil {
		out.AllowedRegions = []string{}
	}
	return out
}

// finder intersects the allowedRegions that it is shown.
type finder struct {
	// field is where the first one stands; "" if there is none yet.
	field   path
	regions map[string]bool
}

func (f *finder) rule(spec map[string]any) {
	f.policy("spec.trafficPolicy", spec["trafficPolicy"])
	subsets, _ := spec["subsets"].([]any)
	for i, s := range subsets {
		subset, _ := s.(map[string]any)
		f.policy(path("spec.subsets").index(i).child("trafficPolicy"), subset["trafficPolicy"])
	}
}

// policy looks at a trafficPolicy or at one port's.
func (f *finder) policy(p path, value any) {
	policy, _ := value.(map[string]any)
	loadBalancer, _ := policy["loadBalancer"].(map[string]any)
	f.setting(p.child("loadBalancer"), loadBalancer)
	ports, _ := policy["portLevelSettings"].([]any)
	for i, port := range ports {
		f.policy(p.child("portLevelSettings").index(i), port)
	}
}

func (f *finder) setting(p path, holder map[string]any) {
	setting, _ := holder["localityLbSetting"].(map[string]any)
	if written, ok := setting["allowedRegions"]; ok {
		f.intersect(p.child("localityLbSetting", "allowedRegions"), readRegions(written))
	}
}

func (f *finder) intersect(p path, regions map[string]bool) {
	if f.field == "" {
		f.field, f.regions = p, regions
		return
	}
	maps.DeleteFunc(f.regions, func(region string, _ bool) bool { return !regions[region] })
}

// misplaced finds the key wherever it stands; to have seen it before changes nothing.
func (f *finder) misplaced(p path, value any) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if name == "allowedRegions" {
				f.intersect(p.child(name), readRegions(value[name]))
				continue
			}
			f.misplaced(p.child(name), value[name])
		}
	case []any:
		for i, v := range value {
			f.misplaced(p.index(i), v)
		}
	}
}

// hidden allows nothing where a key that stands twice may hide an
// allowedRegions: of such a key only the last value can be seen.
func (f *finder) hidden(doc document) {
	if !bytes.Contains(doc.raw, []byte("allowedRegions")) {
		return
	}
	for _, k := range doc.keys {
		if k.twice && mayHoldRegions(k.at) {
			f.intersect(k.at, nil)
		}
	}
}

func mayHoldRegions(p path) bool {
	name := string(p)
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "spec", "trafficPolicy", "loadBalancer", "localityLbSetting", "allowedRegions", "portLevelSettings", "subsets":
		return true
	}
	return false
}

// readRegions is empty unless value is a list of names.
func readRegions(value any) map[string]bool {
	list, _ := value.([]any)
	out := make(map[string]bool, len(list))
	for _, v := range list {
		region, ok := v.(string)
		if !ok || region == "" {
			return nil
		}
		out[region] = true
	}
	return out
}
