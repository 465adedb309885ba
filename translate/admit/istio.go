package admit

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// servedOfIstio is the table of the kinds of Istio's group that are read; nil for
// all others, which are foreign.
func servedOfIstio(name string) *kind {
	var k *kind
	switch name {
	case v1alpha1.KindDestinationRule:
		k = kindOf(v1alpha1.IstioAPIVersion, scope{namespaced: true}, (*report).istioRule)
	case v1alpha1.KindServiceEntry:
		k = kindOf(v1alpha1.IstioAPIVersion, scope{namespaced: true}, (*report).serviceEntry)
	case v1alpha1.KindWorkloadEntry:
		k = kindOf(v1alpha1.IstioAPIVersion, scope{namespaced: true}, (*report).workloadEntry)
	default:
		return nil
	}
	k.ours, k.istio = true, true
	return k
}

// serves says whether a kind is read under this apiVersion.
func (k *kind) serves(apiVersion string) bool {
	if k.versions != nil {
		return slices.Contains(k.versions, apiVersion)
	}
	version, istio := strings.CutPrefix(apiVersion, v1alpha1.IstioGroup+"/")
	if k.istio {
		return istio && slices.Contains(v1alpha1.IstioVersions(), version)
	}
	return apiVersion == k.apiVersion
}

// istioRule checks a rule of Istio's as one of ours, and tells where 0 is not
// what it is in Istio (reference/destination-rule.md 5).
func (r *report) istioRule(rule *v1alpha1.DestinationRule) {
	r.rule(rule)
	for _, z := range Zeros(&rule.Spec) {
		r.notHonoured(path(z.Field), "0 %s; Istio reads 0 as unset, which is %s: remove the field for that", z.Here, z.Istio)
	}
}

// istioFields are the fields of a struct that Istio's form of it has, and the
// names of those that only ours has.
func istioFields(t reflect.Type) (known map[string]reflect.Type, ours map[string]bool) {
	known, ours = fields(t), map[string]bool{}
	for f := range t.Fields() {
		if f.Tag.Get("istio") == "-" {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			delete(known, name)
			ours[name] = true
		}
	}
	return known, ours
}

// protoNumber reads a number as protobuf's JSON has it: also as a string, and a
// whole one also with a fraction of zero.
func protoNumber(t reflect.Type, value any) any {
	switch t.Kind() {
	case reflect.Int32, reflect.Int64:
		switch value := value.(type) {
		case string:
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				return n
			}
		case float64:
			if value == math.Trunc(value) && math.Abs(value) < 1<<53 {
				return int64(value)
			}
		}
	case reflect.Float64:
		if s, ok := value.(string); ok {
			if f, err := strconv.ParseFloat(s, 64); err == nil {
				return f
			}
		}
	}
	return value
}
