package admit

import (
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/model"
)

// FuzzObject holds what is true of every document.
func FuzzObject(f *testing.F) {
	for _, raw := range manifests(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		result, problems := Object(raw)
		checkLaws(t, raw, result, problems)
	})
}

// TestMutilatedManifests cuts, repeats and splices manifests, as half-written
// saves and slips of the hand do; what is true of every document stays true.
func TestMutilatedManifests(t *testing.T) {
	all := manifests(t)
	names := slices.Sorted(maps.Keys(all))
	rapid.Check(t, func(rt *rapid.T) {
		raw := slices.Clone(all[rapid.SampledFrom(names).Draw(rt, "manifest")])
		for range rapid.IntRange(1, 4).Draw(rt, "cuts") {
			from := rapid.IntRange(0, len(raw)).Draw(rt, "from")
			to := rapid.IntRange(from, min(len(raw), from+24)).Draw(rt, "to")
			other := all[rapid.SampledFrom(names).Draw(rt, "other")]
			at := rapid.IntRange(0, len(other)).Draw(rt, "at")
			end := rapid.IntRange(at, min(len(other), at+24)).Draw(rt, "end")
			raw = slices.Concat(raw[:from], other[at:end], raw[to:])
		}
		result, problems := Object(raw)
		checkLaws(rt, raw, result, problems)
	})
}

// manifests are those of testdata, with their headers.
func manifests(tb testing.TB) map[string][]byte {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		tb.Fatal("no testdata", err)
	}
	out := map[string][]byte{}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		for _, in := range archive.Files {
			if in.Name != "want" {
				out[filepath.Base(file)+"/"+in.Name] = []byte(headers[filepath.Ext(in.Name)] + string(in.Data))
			}
		}
	}
	return out
}

func checkLaws(t rapid.TB, raw []byte, result Result, problems []model.Problem) {
	t.Helper()
	refused := slices.ContainsFunc(problems, func(p model.Problem) bool { return p.Severity == model.Error })
	if refused && result.Object != nil {
		t.Error("refused, and yet there is an object")
	}
	if !refused && result.Fence != nil {
		t.Error("a fence of an object that is not refused")
	}
	if result.Foreign && (len(problems) > 0 || result.Object != nil) {
		t.Error("foreign kinds are skipped")
	}
	for _, p := range problems {
		if p.Object != result.Ref || p.Reason == "" || p.Message == "" {
			t.Errorf("incomplete problem %+v", p)
		}
	}
	again, problemsAgain := Object(raw)
	if !reflect.DeepEqual(result, again) || !reflect.DeepEqual(problems, problemsAgain) {
		t.Error("a second reading gives something else")
	}
	checkFence(t, raw, result.Fence)
}

// checkFence reads the document in its own slow way: a fence allows no region
// that any allowedRegions of a known place does not list.
func checkFence(t rapid.TB, raw []byte, fence *model.Fence) {
	t.Helper()
	if fence == nil {
		return
	}
	open := fence.AllowedRegions == nil // it only says where the fences for all stand
	if open && (fence.RootNamespace == "" || fence.Host != "") || open != (fence.Field == "") || !slices.IsSorted(fence.AllowedRegions) {
		t.Errorf("misshapen fence %+v", fence)
	}
	var root map[string]any
	if err := yaml.Unmarshal(raw, &root); err != nil {
		return // JSON that is no YAML
	}
	lists := regionLists(root["spec"], nil)
	if open && len(lists) > 0 {
		t.Errorf("the fence allows all, where %v stands", lists)
	}
	for _, list := range lists {
		for _, region := range fence.AllowedRegions {
			if !slices.Contains(list, any(region)) {
				t.Errorf("the fence allows %q, %v does not", region, list)
			}
		}
	}
}

// steps are the keys on the way to an allowedRegions.
var steps = []string{"trafficPolicy", "loadBalancer", "portLevelSettings", "subsets", "localityLbSetting"}

// regionLists finds every allowedRegions of a rule or mesh, in whatever order the
// steps come; so it may find more than counts.
func regionLists(value any, found [][]any) [][]any {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			found = regionLists(v, found)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(value)) {
			if list, ok := value[k].([]any); ok && k == "allowedRegions" {
				found = append(found, list)
			} else if slices.Contains(steps, k) {
				found = regionLists(value[k], found)
			}
		}
	}
	return found
}
