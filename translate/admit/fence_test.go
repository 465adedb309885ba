package admit

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// TestFenceIsIntersection refuses random rules for one unknown field, and
// compares their fence with the intersection of what the same rule, without the
// mistake, is admitted with.
func TestFenceIsIntersection(t *testing.T) {
	regions := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"eu", "us", "asia", "sa"}), 1, 4, rapid.ID[string])
	rapid.Check(t, func(t *rapid.T) {
		var lists [][]string
		loadBalancer := func(label string) map[string]any {
			setting := map[string]any{"enabled": rapid.Bool().Draw(t, label+" enabled")}
			if rapid.Bool().Draw(t, label) {
				list := regions.Draw(t, label+" regions")
				lists = append(lists, list)
				setting["allowedRegions"] = list
			}
			return map[string]any{"localityLbSetting": setting}
		}
		policy := func(label string) map[string]any {
			return map[string]any{
				"loadBalancer":      loadBalancer(label),
				"portLevelSettings": []any{map[string]any{"port": map[string]any{"number": 80}, "loadBalancer": loadBalancer(label + " port")}},
			}
		}
		spec := map[string]any{"host": "a", "trafficPolicy": policy("top"), "subsets": []any{
			map[string]any{"name": "v1", "trafficPolicy": policy("subset")},
		}}
		if result, problems := Object(manifest(t, spec)); result.Object == nil || result.Fence != nil {
			t.Fatalf("refused: %v", problems)
		}
		spec["mistake"] = true
		result, _ := Object(manifest(t, spec))
		if result.Object != nil {
			t.Fatal("admitted with a mistake")
		}
		if len(lists) == 0 {
			if result.Fence != nil {
				t.Fatalf("a fence of nothing: %+v", result.Fence)
			}
			return
		}
		want := slices.Sorted(slices.Values(lists[0]))
		want = slices.DeleteFunc(want, func(r string) bool {
			return slices.ContainsFunc(lists, func(l []string) bool { return !slices.Contains(l, r) })
		})
		if result.Fence == nil || !slices.Equal(result.Fence.AllowedRegions, want) || result.Fence.AllowedRegions == nil {
			t.Fatalf("want %v of %v, got %+v", want, lists, result.Fence)
		}
	})
}

func manifest(t *rapid.T, spec any) []byte {
	raw, err := json.Marshal(map[string]any{
		"apiVersion": v1alpha1.APIVersion, "kind": v1alpha1.KindDestinationRule,
		"metadata": map[string]any{"name": "a"}, "spec": spec,
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
