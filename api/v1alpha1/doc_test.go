package v1alpha1

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
)

// TestEverythingIsDocumented wants a comment on every type and field: users read
// them in the generated reference.
func TestEverythingIsDocumented(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "zz_") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range s.Fields.List {
				if len(f.Names) == 0 || f.Names[0].Name == "Items" {
					continue
				}
				fields++
				if !strings.HasPrefix(f.Doc.Text(), f.Names[0].Name) {
					t.Errorf("%s: the comment of %s must begin with its name", file, f.Names[0])
				}
			}
			return true
		})
	}
	if fields < 100 {
		t.Errorf("only %d fields were seen", fields)
	}
}

// TestDeepCopy holds that the generated code is up to date: a copy is equal and
// shares nothing.
func TestDeepCopy(t *testing.T) {
	var rule runtime.Object = &DestinationRule{Spec: DestinationRuleSpec{
		Host: "a", TrafficPolicy: &TrafficPolicy{LoadBalancer: &LoadBalancer{LocalityLbSetting: &LocalityLbSetting{
			AllowedRegions: []string{"eu"}, Distribute: []Distribute{{From: "eu", To: map[string]int32{"eu": 100}}},
		}}},
	}}
	before := rule.DeepCopyObject()
	copied := rule.DeepCopyObject().(*DestinationRule)
	setting := copied.Spec.TrafficPolicy.LoadBalancer.LocalityLbSetting
	setting.AllowedRegions[0], setting.Distribute[0].To["eu"] = "us", 1
	if !reflect.DeepEqual(rule, before) {
		t.Error("a copy shares memory with the original")
	}
	if reflect.DeepEqual(rule, runtime.Object(copied)) {
		t.Error("the change did not reach the copy")
	}
	var _ runtime.Object = &MeshConfigList{}
}
