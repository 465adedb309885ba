package admit

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// silent are the fields that may be set, alone, without a word: they are honoured
// now, or have no effect without another field.
var silent = []string{
	"spec.host",
	"spec.exportTo",
	"spec.workloadSelector.matchLabels",
	"spec.subsets.name",
	"spec.subsets.labels",
	"spec.trafficPolicy.loadBalancer.simple",
	"spec.trafficPolicy.loadBalancer.localityLbSetting.enabled",
	"spec.trafficPolicy.loadBalancer.localityLbSetting.failoverPriority",
	"spec.trafficPolicy.loadBalancer.localityLbSetting.failover.from",
	"spec.trafficPolicy.loadBalancer.localityLbSetting.failover.to",
	"spec.trafficPolicy.loadBalancer.localityLbSetting.allowedRegions",
	"spec.trafficPolicy.proxyProtocol.version",
	"spec.rootNamespace",
	"spec.suspend",
	"spec.localityLbSetting.enabled",
	"spec.localityLbSetting.failoverPriority",
	"spec.localityLbSetting.failover.from",
	"spec.localityLbSetting.failover.to",
	"spec.localityLbSetting.allowedRegions",
	"spec.localityLbSetting.failoverThreshold",
	"spec.dnsRefreshRate",
}

// TestNoFieldIsIgnored sets every field of both kinds, one at a time: what is not
// honoured must be told.
func TestNoFieldIsIgnored(t *testing.T) {
	rule := map[string]any{"host": "a"}
	eachField("spec", reflect.TypeFor[v1alpha1.DestinationRuleSpec](), nil, func(at string, keys []step, value any) {
		checkTold(t, at, v1alpha1.APIVersion, v1alpha1.KindDestinationRule, build(keys, value, rule))
		checkTold(t, at, v1alpha1.IstioAPIVersion, v1alpha1.KindDestinationRule, build(keys, value, rule))
	})
	eachField("spec", reflect.TypeFor[v1alpha1.MeshConfigSpec](), nil, func(at string, keys []step, value any) {
		checkTold(t, at, v1alpha1.APIVersion, v1alpha1.KindMeshConfig, build(keys, value, nil))
	})
}

func checkTold(t *testing.T, at, apiVersion, kind string, spec any) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": "default"}, "spec": spec,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, problems := Object(raw)
	if told := len(problems) > 0; !told && !slices.Contains(silent, everywhere(at)) && !inWholeBlock(everywhere(at)) {
		t.Errorf("%s is accepted and ignored: %s", at, raw)
	}
}

// everywhere is the field at the top of the rule that one of a subset or of a
// port repeats: all are honoured alike.
func everywhere(at string) string {
	at = strings.Replace(at, "spec.subsets.trafficPolicy.", "spec.trafficPolicy.", 1)
	return strings.Replace(at, "spec.trafficPolicy.portLevelSettings.", "spec.trafficPolicy.", 1)
}

// beside is what an entry of a list needs to be valid.
var beside = map[string]map[string]any{
	"portLevelSettings": {"port": map[string]any{"number": 80}},
	"subsets":           {"name": "v1"},
}

// step is one key on the way to a field, and whether a list stands there.
type step struct {
	key  string
	list bool
}

// eachField calls visit for every leaf below t, with a value that is not its
// default.
func eachField(at string, t reflect.Type, keys []step, visit func(string, []step, any)) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" { // nobody can write it
			continue
		}
		ft, s := f.Type, step{key: name}
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		if ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Struct {
			ft, s.list = ft.Elem(), true
		}
		path := append(slices.Clone(keys), s)
		if ft.Kind() == reflect.Struct {
			eachField(at+"."+name, ft, path, visit)
			continue
		}
		visit(at+"."+name, path, sample(name, ft))
	}
}

// sample is valid where that is simple, so that only honouring can speak.
func sample(name string, t reflect.Type) any {
	words := map[string]any{"simple": "UNSPECIFIED", "mode": "SIMPLE", "h2UpgradePolicy": "UPGRADE", "protocol": "POST", "version": "V2"}
	if word, ok := words[name]; ok {
		return word
	}
	switch t.Kind() {
	case reflect.String:
		if t == reflect.TypeFor[v1alpha1.Duration]() {
			return "7s"
		}
		return "x"
	case reflect.Bool:
		return true
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Int32 {
			return []any{500}
		}
		return []any{"x"}
	case reflect.Map:
		if t.Elem().Kind() == reflect.Int32 {
			return map[string]any{"x": 100}
		}
		return map[string]any{"x": "y"}
	}
	return 7
}

// build nests value under keys, beside what base has.
func build(keys []step, value any, base map[string]any) any {
	if len(keys) == 0 {
		return value
	}
	out := map[string]any{}
	for k, v := range base {
		out[k] = v
	}
	out[keys[0].key] = build(keys[1:], value, beside[keys[0].key])
	if keys[0].list {
		out[keys[0].key] = []any{out[keys[0].key]}
	}
	return out
}
