package admit

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// TestMarkersAreRules holds the limits that CRDs will have against admission: a
// list that is longer than its marker allows is refused there, and one that is
// just as long is not refused for that.
func TestMarkersAreRules(t *testing.T) {
	limits := markers(t)
	checked := 0
	for kind, spec := range map[string]reflect.Type{
		v1alpha1.KindDestinationRule: reflect.TypeFor[v1alpha1.DestinationRuleSpec](),
		v1alpha1.KindMeshConfig:      reflect.TypeFor[v1alpha1.MeshConfigSpec](),
		v1alpha1.KindServiceEntry:    reflect.TypeFor[v1alpha1.ServiceEntrySpec](),
		v1alpha1.KindWorkloadEntry:   reflect.TypeFor[v1alpha1.WorkloadEntrySpec](),
	} {
		eachLimit("spec", spec, nil, limits, func(at string, keys []step, ft reflect.Type, most int) {
			checked++
			held(t, v1alpha1.APIVersion, kind, at, keys, ft, most)
			if istio, ok := istioLimits[name(at)]; ok && kind != v1alpha1.KindMeshConfig {
				held(t, v1alpha1.IstioAPIVersion, kind, at, keys, ft, istio)
			} else if kind != v1alpha1.KindMeshConfig && name(at) != "allowedRegions" {
				held(t, v1alpha1.IstioAPIVersion, kind, at, keys, ft, most)
			}
		})
	}
	if checked < 20 {
		t.Errorf("only %d limits were seen", checked)
	}
}

// istioLimits are those of Istio's own kinds that are not ours, by the last field
// of their path: a CRD of ours has a budget for its rules.
var istioLimits = map[string]int{"subsets": 256, "portLevelSettings": 4096, "distribute": 64, "to": 64}

func name(at string) string { return at[strings.LastIndexByte(at, '.')+1:] }

// held wants a limit to be exactly that.
func held(t *testing.T, apiVersion, kind, at string, keys []step, ft reflect.Type, most int) {
	t.Helper()
	if told(t, apiVersion, kind, at, build(keys, entries(ft, most), nil), most) {
		t.Errorf("%s %s %s: %d entries are too many, and the limit allows them", apiVersion, kind, at, most)
	}
	if !told(t, apiVersion, kind, at, build(keys, entries(ft, most+1), nil), most) {
		t.Errorf("%s %s %s: %d entries are not refused, and the limit is %d", apiVersion, kind, at, most+1, most)
	}
}

// told says whether admission finds that there are too many.
func told(t *testing.T, apiVersion, kind, at string, spec any, most int) bool {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": "default"}, "spec": spec,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, problems := Object(raw)
	for _, p := range problems {
		if p.Severity == model.Error && index.ReplaceAllString(p.Field, "") == at &&
			p.Message == fmt.Sprintf("has %d entries; at most %d", most+1, most) {
			return true
		}
	}
	return false
}

var index = regexp.MustCompile(`\[\d+\]`)

// markers are the limits of fields, by TYPE.FIELD.
func markers(t *testing.T) map[string]int {
	t.Helper()
	files, err := filepath.Glob("../../api/v1alpha1/*.go")
	if err != nil {
		t.Fatal(err)
	}
	limit := regexp.MustCompile(`\+kubebuilder:validation:Max(Items|Properties)=(\d+)`)
	out := map[string]int{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					if f.Doc == nil {
						continue
					}
					for _, c := range f.Doc.List {
						if m := limit.FindStringSubmatch(c.Text); m != nil {
							out[spec.Name.Name+"."+f.Names[0].Name], _ = strconv.Atoi(m[2])
						}
					}
				}
			}
			return true
		})
	}
	return out
}

// eachLimit calls visit for every list and map below t that has a limit.
func eachLimit(at string, t reflect.Type, keys []step, limits map[string]int, visit func(string, []step, reflect.Type, int)) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		ft, s, below := f.Type, step{key: name}, at+"."+name
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		if most, ok := limits[t.Name()+"."+f.Name]; ok {
			visit(below, append(append([]step{}, keys...), s), ft, most)
		}
		if ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Struct {
			ft, s.list = ft.Elem(), true
		}
		if ft.Kind() == reflect.Struct {
			eachLimit(below, ft, append(append([]step{}, keys...), s), limits, visit)
		}
	}
}

// entries are n of a list or map of that type.
func entries(t reflect.Type, n int) any {
	if t.Kind() == reflect.Map {
		out := map[string]any{}
		for i := range n {
			out[fmt.Sprintf("r%d", i)] = 1
		}
		return out
	}
	out := make([]any, n)
	for i := range out {
		switch t.Elem().Kind() {
		case reflect.Struct:
			out[i] = map[string]any{}
		case reflect.Int32:
			out[i] = 100 + i%500
		default:
			out[i] = fmt.Sprintf("a%d", i)
		}
	}
	return out
}
