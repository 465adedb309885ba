package admit

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coastwise/coastwise/translate/model"
)

// TestGatewayAPI: what is refused is what an API server refuses by the CRDs of the Gateway
// API, and the defaults are its own. What it makes of the specs in testdata is checked
// against a real one in e2e/cluster, which can write it anew.
func TestGatewayAPI(t *testing.T) {
	content, err := os.ReadFile("testdata/gateway-api.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Kind, Spec string
		Stored     any
	}
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, s := range all {
		t.Run(s.Kind+" "+s.Spec, func(t *testing.T) {
			doc := fmt.Sprintf("{apiVersion: gateway.networking.k8s.io/v1, kind: %s, metadata: {name: a}, spec: %s}", s.Kind, s.Spec)
			result, problems := Object([]byte(doc))
			wrong := slices.ContainsFunc(problems, func(p model.Problem) bool { return p.Severity == model.Error })
			if (result.Object == nil) != wrong || wrong != (s.Stored == nil) || result.Fence != nil {
				t.Fatalf("refused: %v; by an API server: %v; %v", wrong, s.Stored == nil, problems)
			}
			if wrong {
				refused++
				return
			}
			raw, err := json.Marshal(result.Object)
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Spec any }
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			if s.Spec == "{parentRefs: [{name: a}], rules: [{matches: []}]}" {
				return // no match at all means what no list means
			}
			if d := cmp.Diff(withoutEmpty(s.Stored), withoutEmpty(got.Spec)); d != "" {
				t.Error(d)
			}
		})
	}
	if refused < 60 || len(all)-refused < 50 {
		t.Errorf("%d of %d are refused", refused, len(all))
	}
}

// withoutEmpty drops empty lists, which the types do not write.
func withoutEmpty(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			if list, ok := value.([]any); !ok || len(list) > 0 {
				out[key] = withoutEmpty(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = withoutEmpty(v[i])
		}
		return out
	}
	return v
}

// TestStatusOfGatewayAPI: one that is written in a file is nobody's, and of an older
// version the same is admitted.
func TestStatusOfGatewayAPI(t *testing.T) {
	for _, version := range []string{"v1", "v1beta1"} {
		doc := "{apiVersion: gateway.networking.k8s.io/" + version + ", kind: HTTPRoute, metadata: {name: a}, spec: {parentRefs: [{name: a}]}, status: {parents: 7}}"
		result, problems := Object([]byte(doc))
		if result.Object == nil || len(problems) > 0 || result.Ref != (model.ObjectRef{Kind: "HTTPRoute", Namespace: "default", Name: "a"}) {
			t.Errorf("%s: %+v %v", version, result, problems)
		}
	}
}

// TestServiceAsParentWithoutGroup: the group's default is the Gateway API's, and a Service
// is of none, so nobody would take the route.
func TestServiceAsParentWithoutGroup(t *testing.T) {
	for ref, told := range map[string]bool{"{kind: Service, name: a}": true, "{group: '', kind: Service, name: a}": false, "{kind: Gateway, name: a}": false} {
		result, problems := Object([]byte("{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: a}, spec: {parentRefs: [" + ref + "]}}"))
		found := len(problems) == 1 && problems[0].Field == "spec.parentRefs[0].group" && problems[0].Severity == model.Warning
		if result.Object == nil || found != told || len(problems) > 1 {
			t.Errorf("%s: %v", ref, problems)
		}
	}
}
