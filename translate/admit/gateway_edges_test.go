package admit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/translate/model"
)

// The last value that is taken and the first that is not, and parts of an object that
// nothing else of it depends on: field is the one that is refused, "" for none.
func TestGatewayEdges(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	route := func(rule string) string { return "{parentRefs: [{name: a}], rules: [" + rule + "]}" }
	backend := func(ref string) string { return route("{backendRefs: [" + ref + "]}") }
	mirror := func(fraction string) string {
		return route("{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}, fraction: " + fraction + "}}]}")
	}
	session := func(s string) string { return route("{sessionPersistence: {" + s + "}}") }
	rules := func(n, matches int) string {
		rule := "{matches: [" + strings.Repeat("{}, ", matches-1) + "{}]}"
		return route(strings.Repeat(rule+", ", n-1) + rule)
	}
	grant := func(from, to string) string { return "{from: [" + from + "], to: [" + to + "]}" }
	const from = "{group: g, kind: K, namespace: ns}"
	const fraction, port = "spec.rules[0].filters[0].requestMirror.fraction", "spec.rules[0].backendRefs[0].port"
	for _, c := range []struct{ kind, spec, field string }{
		{"ReferenceGrant", grant(from, "{group: '', kind: Service}"), ""},
		{"ReferenceGrant", grant(from, ""), "spec.to"},
		{"ReferenceGrant", grant("", "{group: '', kind: Service}"), "spec.from"},
		{"ReferenceGrant", grant(from, "{group: A/b, kind: Service}"), "spec.to[0].group"},
		{"ReferenceGrant", grant("{group: A/b, kind: K, namespace: ns}", "{group: '', kind: Service}"), "spec.from[0].group"},
		{"Gateway", "{gatewayClassName: c, listeners: [{name: a, port: 80, protocol: HTTP}], addresses: [{type: example.com/x, value: " + long(253) + "}]}", ""},
		{"Gateway", "{gatewayClassName: c, listeners: [{name: a, port: 80, protocol: HTTP}], addresses: [{type: example.com/x, value: " + long(254) + "}]}", "spec.addresses[0].value"},
		{"HTTPRoute", mirror("{numerator: 1, denominator: 1}"), ""},
		{"HTTPRoute", mirror("{numerator: 2, denominator: 1}"), fraction},
		{"HTTPRoute", mirror("{numerator: -1}"), fraction},
		{"HTTPRoute", mirror("{numerator: 0, denominator: 0}"), fraction},
		{"GRPCRoute", route("{filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: 'a b', value: c}]}}]}"), "spec.rules[0].filters[0].responseHeaderModifier.set[0].name"},
		{"HTTPRoute", rules(2, 64), ""},
		{"HTTPRoute", rules(3, 64), "spec.rules"},
		{"HTTPRoute", "{parentRefs: [{name: a, port: 65535}]}", ""},
		{"HTTPRoute", "{parentRefs: [{name: a, port: 65536}]}", "spec.parentRefs[0].port"},
		{"HTTPRoute", backend("{name: a, port: 65535}"), ""},
		{"HTTPRoute", backend("{name: a, port: 65536}"), port},
		{"HTTPRoute", backend("{name: a, port: 0}"), port},
		{"HTTPRoute", backend("{name: a, port: 80, namespace: A}"), "spec.rules[0].backendRefs[0].namespace"},
		{"HTTPRoute", session("sessionName: " + long(128)), ""},
		{"HTTPRoute", session("sessionName: " + long(129)), "spec.rules[0].sessionPersistence.sessionName"},
		{"HTTPRoute", session("cookieConfig: {lifetimeType: Session}"), ""},
		{"HTTPRoute", session("cookieConfig: {lifetimeType: Ever}"), "spec.rules[0].sessionPersistence.cookieConfig.lifetimeType"},
	} {
		doc := fmt.Sprintf("{apiVersion: gateway.networking.k8s.io/v1, kind: %s, metadata: {name: a}, spec: %s}", c.kind, c.spec)
		if c.kind == "ReferenceGrant" {
			doc = strings.Replace(doc, "/v1,", "/v1beta1,", 1)
		}
		_, problems := Object([]byte(doc))
		var fields []string
		for _, p := range problems {
			if p.Severity == model.Error {
				fields = append(fields, p.Field)
			}
		}
		var want []string
		if c.field != "" {
			want = []string{c.field}
		}
		if !slices.Equal(fields, want) {
			t.Errorf("%s %.200s is refused for %q, not %q: %v", c.kind, c.spec, fields, want, problems)
		}
	}
}
