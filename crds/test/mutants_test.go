package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/model"
)

// words and numbers are what a value is replaced by: at bounds, beyond them, and
// what other fields would take.
var (
	words = []any{
		"", "*", ".", "*.", "*.a", "*.b.c", "a", "A", "a.b", "a.1", "a..b", "-a", "a_b", "a/b", "a/*", "*/a", "a/b/c", "a/b/c/d", "a b", "a\n", "ä", ";", ":x",
		"0", "0s", "0.5ms", "1ms", "2ms", "1500us", "1.5s", "-1s", "1h1m", "32768s", "32767s", "9999999h", "10", "1 s",
		"10.0.0.1", "010.0.0.1", "10.0.0.1/8", "10.0.0.1/32", "0.0.0.0", "0.0.0.0/0", "0.0.0.0/32", "255.255.255.255", "224.0.0.1", "224.0.0.0/4", "127.0.0.1", "169.254.0.1",
		"::", "::1", "::/0", "::/128", "fe80::1", "fe80::1%eth0", "ff02::1", "2001:db8::1", "2001:DB8::1/64", "::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "unix:///a",
		"topology.kubernetes.io/zone", "topology.istio.io/subzone=a", "a.b/c=d", "/a", "a/",
		"UPGRADE", "SIMPLE", "MUTUAL", "DISABLE", "ISTIO_MUTUAL", "RANDOM", "NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "http", "GRPC-web", "DEFAULT", "V3",
		strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 192), strings.Repeat("a", 253), strings.Repeat("a", 254), strings.Repeat("a", 257),
		strings.Repeat("a.", 126) + "a", "*." + strings.Repeat("a.", 126) + "a", strings.Repeat("0", 40) + "1s",
	}
	numbers = []any{
		int64(-1), int64(0), int64(1), int64(2), int64(3), int64(99), int64(100), int64(101), int64(127), int64(128), int64(599), int64(600), int64(1000000), int64(1000001),
		int64(65535), int64(65536), int64(5000010), int64(8388608), int64(8388609), int64(1<<31 - 1), int64(1 << 31), int64(1<<32 - 1), int64(1 << 32), 0.5,
	}
	others = []any{true, false, []any{}, map[string]any{}, []any{"a", "a"}, []any{"a", "*"}, []any{""}}
)

// TestMutants holds the CRDs against admission where one value of a manifest
// that both take is replaced, or gone: every field with every value.
func TestMutants(t *testing.T) {
	all := definitions(t)
	used := make([]bool, len(allowances))
	credentials := admit.Options{Credential: func([]string) (string, error) { return "/", nil }}
	tried, seen := map[string]bool{}, map[bool]int{}
	for _, r := range rows(t) {
		d := all[r.kind]
		if result, _ := credentials.Object(r.manifest); d == nil || result.Object == nil {
			continue
		}
		var object map[string]any
		if err := yaml.Unmarshal(r.manifest, &object); err != nil {
			t.Fatal(err)
		}
		eachMutant(object, func(at string, value any, object map[string]any) {
			key := fmt.Sprint(r.kind, " ", regexp.MustCompile(`\[\d+\]`).ReplaceAllString(at, ""), " ", value)
			if tried[key] {
				return
			}
			tried[key] = true
			raw, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			result, problems := credentials.Object(raw)
			refusals := d.create(raw)
			seen[result.Object != nil]++
			if result.Object != nil && len(refusals) > 0 && !statusOnly(refusals) {
				t.Errorf("%s: %s = %v: admission takes it, the API server does not: %v", r.name, at, value, refusals)
			}
			for _, p := range problems {
				if result.Object == nil && p.Severity == model.Error && !covers(refusals, p.Field) && !allowed(p, used) {
					t.Errorf("%s: %s = %v: the API server takes what admission refuses: %s: %s", r.name, at, value, p.Field, p.Message)
				}
			}
		})
	}
	t.Log(seen)
	if seen[true] < 1000 || seen[false] < 1000 {
		t.Errorf("only %v were tried", seen)
	}
}

// eachMutant calls visit with every mutant of an object's spec, which is undone
// after each call.
func eachMutant(object map[string]any, visit func(at string, value any, object map[string]any)) {
	replace := func(at string, old any, set func(any)) {
		for _, value := range slices.Concat(words, numbers, others) {
			set(value)
			visit(at, value, object)
		}
		set(old)
	}
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(value)) {
				below, old := at+"."+name, value[name]
				replace(below, old, func(v any) { value[name] = v })
				delete(value, name)
				visit(below, "(absent)", object)
				value[name] = old
				walk(below, old)
			}
		case []any:
			for i, old := range value {
				below := fmt.Sprintf("%s[%d]", at, i)
				replace(below, old, func(v any) { value[i] = v })
				walk(below, old)
			}
		}
	}
	walk("spec", object["spec"])
}
