package worldtest

import (
	"math"
	"reflect"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// shape fills some fields of what into points to, by their names and types: mostly
// with what admission takes, so that every field of every block is drawn, a new one
// too.
func shape(t *rapid.T, into any) { fill(t, "", reflect.ValueOf(into).Elem()) }

func fill(t *rapid.T, name string, v reflect.Value) {
	if whole(t, name, v) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, name, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			field, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if field != "" && field != "-" && chosen(t, field) {
				fill(t, field, v.Field(i))
			}
		}
	case reflect.Slice:
		n := rapid.IntRange(1, 2).Draw(t, "entries of "+name)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, name, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("version"), reflect.ValueOf(rapid.SampledFrom([]string{"v1", "v2"}).Draw(t, name)))
	case reflect.String:
		choice := words(name)
		if v.Type() == reflect.TypeFor[v1alpha1.Duration]() {
			choice = []string{"10s", "1.5s", "500ms", "1m", "0s", "-1s", "1ns"}
		}
		v.SetString(rapid.SampledFrom(choice).Draw(t, name))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, name))
	case reflect.Float64:
		v.SetFloat(rapid.SampledFrom([]float64{0.5, 1, 20, 100, 0, math.MaxFloat32}).Draw(t, name))
	default:
		n := rapid.SampledFrom([]int64{1, 2, 3, 5, 50, 80, 80, 90, 100, 0, 65537, -1}).Draw(t, name)
		if v.OverflowInt(n) {
			n = 1
		}
		v.SetInt(n)
	}
}

// chosen are the fields without which nothing is valid, and some of the others.
func chosen(t *rapid.T, field string) bool {
	if slices.Contains([]string{"host", "name", "port", "number", "targetHost", "targetPort", "trafficPolicy", "loadBalancer"}, field) {
		return rapid.IntRange(0, 19).Draw(t, "has "+field) > 0
	}
	return rapid.IntRange(0, 4).Draw(t, "has "+field) == 0
}

// whole draws fields whose parts hang together; false for all others.
func whole(t *rapid.T, name string, v reflect.Value) bool {
	var drawn any
	switch name {
	case "distribute":
		drawn = drawDistribute(t)
	case "failoverPriority":
		drawn = drawFailoverPriority(t)
	case "allowedRegions":
		drawn = rapid.SampledFrom([][]string{{"r1"}, {"r1", "r2"}, {"r3"}, {"r2", "nowhere"}}).Draw(t, name)
	case "localityLbSetting":
		drawn = setting(t)
	default:
		return false
	}
	if r := reflect.ValueOf(drawn); r.Type() == v.Type() {
		v.Set(r)
		return true
	}
	return false
}

// words are those that a field of this name takes, and a few that it does not.
func words(name string) []string {
	if known, ok := map[string][]string{
		"host":            {"s1.a.svc.cluster.local", "s1", "s2.a", "s1.b.svc", "*.a.svc.cluster.local", "*", "S1.a"},
		"name":            {"v1", "v2", "x-user", "SameSite"},
		"from":            {"r1", "r2"},
		"to":              {"r2", "r3"},
		"simple":          {"ROUND_ROBIN", "LEAST_REQUEST", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "UNSPECIFIED"},
		"mode":            {"DISABLE", "SIMPLE", "MUTUAL", "SIMPLE", "ISTIO_MUTUAL", "ALLOW_ANY"},
		"protocol":        {"CONNECT", "POST", ""},
		"version":         {"V1", "V2"},
		"h2UpgradePolicy": {"UPGRADE", "DO_NOT_UPGRADE"},
		"targetHost":      {"target.example", "10.9.9.9", "::1", "%REQ(x)%"},
		"exportTo":        {".", "*", "a", "b"},
		"credentialName":  {"web", "web", "../web", "web/x"},
		"rootNamespace":   {"coastwise-system", "a"},
		"path":            {"/", "/x"},
	}[name]; ok {
		return known
	}
	return []string{"x-user", "a.example", "web", "/etc/passwd", "(a+)+$"}
}
