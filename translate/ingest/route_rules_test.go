package ingest

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/translate/model"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// first is the first route of front's port 80.
func first(t *testing.T, objects ...any) (model.Route, []model.Problem) {
	t.Helper()
	s, problems := routed(t, objects...)
	p, _ := s.Port(80)
	if len(p.Routes) == 0 {
		t.Fatalf("no routes: %v", problems)
	}
	return p.Routes[0], problems
}

func TestRouteOfEverything(t *testing.T) {
	got, problems := first(t, httpRoute(t, "r", `{rules: [{
		filters: [
			{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: A, value: "1"}], add: [{name: b, value: "2"}, {name: c, value: "3"}], remove: [C]}},
			{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: d, value: "4"}, {name: D, value: "5"}]}},
			{type: URLRewrite, urlRewrite: {hostname: h.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}},
			{type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}, percent: 20}},
			{type: RequestMirror, requestMirror: {backendRef: {name: v1, port: 80}, fraction: {numerator: 1, denominator: 3}}}],
		timeouts: {request: 10s, backendRequest: 500ms},
		retry: {codes: [503, 500, 503], attempts: 3, backoff: 100ms},
		backendRefs: [
			{name: v1, port: 80, weight: 90, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: e, value: "6"}]}}]},
			{name: v2, port: 81}]}]}`))
	v1, v2 := model.BackendTarget{Key: model.ServiceKey("a", "v1"), Port: 80}, model.BackendTarget{Key: model.ServiceKey("a", "v2"), Port: 81}
	want := model.Route{
		Object:  model.ObjectRef{Kind: "HTTPRoute", Namespace: "a", Name: "r"},
		Match:   model.RouteMatch{Path: model.PathMatch{Value: "/"}},
		Request: model.HeaderChange{Set: values("a", "1"), Add: values("b", "2"), Remove: []string{"c"}}, Response: model.HeaderChange{Add: values("d", "4")},
		Rewrite: &model.Rewrite{Host: "h.example", Path: &model.PathChange{Prefix: true, Value: "/x"}},
		Mirrors: []model.Mirror{{To: model.BackendTarget{Key: v2.Key, Port: 80}, Numerator: 20, Denominator: 100}, {To: v1, Numerator: 1, Denominator: 3}},
		Timeout: 10 * time.Second, BackendTimeout: 500 * time.Millisecond,
		Retry:    &model.Retry{Attempts: 3, Codes: []uint32{500, 503}, Backoff: 100 * time.Millisecond},
		Backends: []model.Backend{{To: v1, Weight: 90, Request: model.HeaderChange{Set: values("e", "6")}}, {To: v2, Weight: 1}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v\nwant\n%+v", got, want)
	}
	expectTold(t, problems)
}

func values(name, value string) []model.HeaderValue {
	return []model.HeaderValue{{Name: name, Value: value}}
}

func TestRouteRedirect(t *testing.T) {
	got, problems := first(t, httpRoute(t, "r", `{rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: HTTPS, hostname: h, port: 8443, statusCode: 301, path: {type: ReplaceFullPath, replaceFullPath: /x}}}],
		backendRefs: [{name: v1, port: 80}]}]}`))
	if want := (&model.Redirect{Scheme: "https", Host: "h", Port: 8443, Status: 301, Path: &model.PathChange{Value: "/x"}}); !reflect.DeepEqual(got.Redirect, want) || got.Backends != nil {
		t.Errorf("%+v", got)
	}
	expectTold(t, problems, "r spec.rules[0].backendRefs info NoEffect")
}

// A filter that cannot be served makes its rule answer 500, and the others stay.
func TestRouteFiltersRefused(t *testing.T) {
	for filter, field := range map[string]string{
		`{type: CORS, cors: {}}`: "",
		`{type: ExtensionRef, extensionRef: {group: x, kind: Y, name: z}}`: "",
		`{type: ExternalAuth}`:    "",
		`{type: RequestRedirect}`: "",
		`{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: x}]}}`:     ".requestHeaderModifier.set[0]",
		`{type: RequestHeaderModifier, requestHeaderModifier: {remove: [":path"]}}`:                 ".requestHeaderModifier.remove[0]",
		`{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: x, value: "a\nb"}]}}`: ".responseHeaderModifier.add[0].value",
		`{type: RequestRedirect, requestRedirect: {statusCode: 418}}`:                               ".requestRedirect.statusCode",
		`{type: RequestRedirect, requestRedirect: {scheme: ftp}}`:                                   ".requestRedirect.scheme",
		`{type: RequestRedirect, requestRedirect: {port: 65536}}`:                                   ".requestRedirect.port",
		`{type: RequestRedirect, requestRedirect: {hostname: "a b"}}`:                               ".requestRedirect.hostname",
		`{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: x}}}`:       ".urlRewrite.path",
		`{type: URLRewrite, urlRewrite: {path: {type: Other}}}`:                                     ".urlRewrite.path",
		`{type: URLRewrite, urlRewrite: {}}, {type: URLRewrite, urlRewrite: {}}`:                    "twice",
		`{type: URLRewrite, urlRewrite: {}}, {type: RequestRedirect, requestRedirect: {}}`:          "both",
	} {
		got, problems := first(t, httpRoute(t, "r", `{rules: [{filters: [`+filter+`], backendRefs: [{name: v1, port: 80}]}, {backendRefs: [{name: v1, port: 80}]}]}`))
		if len(got.Backends) != 0 || got.Redirect != nil || got.Rule != 0 {
			t.Errorf("%s: it is served: %+v", filter, got)
		}
		want := "r spec.rules[0].filters[0]" + field + " error UnsupportedValue"
		switch field {
		case "twice":
			want = "r spec.rules[0].filters[1] error UnsupportedValue"
		case "both":
			want = "r spec.rules[0].filters error UnsupportedValue"
		}
		expectTold(t, problems, want)
	}
	got, problems := first(t, httpRoute(t, "r", `{rules: [{matches: [{path: {type: Exact, value: /a}}], backendRefs: [{name: v1, port: 80}],
		filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}]}]}`))
	if len(got.Backends) != 0 {
		t.Errorf("%+v", got)
	}
	expectTold(t, problems, "r spec.rules[0].filters[0].urlRewrite.path.type error UnsupportedValue")
}

// What cannot be compared is left out, and its neighbours stay.
func TestRouteMatchesRefused(t *testing.T) {
	for match, field := range map[string]string{
		`path: {value: a}`:                                              "path.value",
		`path: {value: "/a?b"}`:                                         "path.value",
		`path: {type: RegularExpression, value: "("}`:                   "path.value",
		`path: {type: Other, value: /}`:                                 "path.type",
		`method: "G T"`:                                                 "method",
		`headers: [{name: "a b", value: x}]`:                            "headers[0]",
		`headers: [{name: a, value: "(", type: RegularExpression}]`:     "headers[0].value",
		`headers: [{name: a, value: x, type: Other}]`:                   "headers[0].type",
		`queryParams: [{name: a, value: "(", type: RegularExpression}]`: "queryParams[0].value",
	} {
		s, problems := routed(t, httpRoute(t, "r", `{rules: [{matches: [{`+match+`}, {path: {value: /b}}], backendRefs: [{name: v1, port: 80}]}]}`))
		if got := strings.Join(routesAt(s, 80), " "); got != "r/0 0:/b" {
			t.Errorf("%s: %s", match, got)
		}
		expectTold(t, problems, "r spec.rules[0].matches[0]."+field+" warning UnsupportedValue")
	}
	s, problems := routed(t, httpRoute(t, "r", `{rules: [{matches: [{path: {value: a}}], backendRefs: [{name: v1, port: 80}]}]}`))
	if got := strings.Join(routesAt(s, 80), " "); got != "" {
		t.Errorf("a rule of which no match is left: %s", got)
	}
	expectTold(t, problems, "r spec.rules[0].matches[0].path.value error UnsupportedValue")
	s, problems = routed(t, httpRoute(t, "r", `{rules: [{matches: [{headers: [{name: a, value: "1"}, {name: A, value: "2"}]}], backendRefs: [{name: v1, port: 80}]}]}`))
	if got := strings.Join(routesAt(s, 80), " "); got != "r/0 0:/ a=1" {
		t.Errorf("of one name the first counts: %s", got)
	}
	expectTold(t, problems)
}

func TestRoutePatience(t *testing.T) {
	got, problems := first(t, httpRoute(t, "r", `{rules: [{timeouts: {request: 0s, backendRequest: x}, retry: {attempts: 1000, codes: [200, 502]},
		sessionPersistence: {}, backendRefs: [{name: v1, port: 80}]}]}`))
	if got.Timeout != 0 || got.BackendTimeout != 0 || got.Retry.Attempts != 100 || len(got.Retry.Codes) != 1 {
		t.Errorf("%+v", got)
	}
	expectTold(t, problems, "r spec.rules[0].retry.attempts warning UnsupportedValue", "r spec.rules[0].retry.codes[0] warning UnsupportedValue",
		"r spec.rules[0].sessionPersistence warning NotHonoured", "r spec.rules[0].timeouts.backendRequest warning UnsupportedValue")
	if got, _ := first(t, httpRoute(t, "r", `{rules: [{retry: {}, backendRefs: [{name: v1, port: 80}]}]}`)); got.Retry.Attempts != 2 {
		t.Errorf("the default: %+v", got.Retry)
	}
}

// The share of a backend that cannot be used stays its own.
func TestRouteBackends(t *testing.T) {
	for ref, want := range map[string]struct {
		reason, field string
		broken        bool
	}{
		`{name: v1, port: 80}`:                  {},
		`{name: gone, port: 80}`:                {"BackendNotFound", "", false},
		`{name: v1, port: 9}`:                   {"BackendNotFound", "", false},
		`{name: v1}`:                            {"BackendNotFound", "", true},
		`{name: v1, port: 53}`:                  {"UnsupportedProtocol", "", true},
		`{kind: Other, name: v1, port: 80}`:     {"InvalidKind", "", true},
		`{group: x, name: v1, port: 80}`:        {"InvalidKind", "", true},
		`{name: there, namespace: b, port: 80}`: {"RefNotPermitted", "", true},
		`{name: v1, port: 80, weight: 2000000}`: {"UnsupportedValue", ".weight", false},
		`{name: v1, port: 80, filters: [{type: URLRewrite, urlRewrite: {}}]}`: {"UnsupportedValue", ".filters[0]", true},
	} {
		got, problems := first(t, httpRoute(t, "r", `{rules: [{backendRefs: [`+ref+`, {name: v2, port: 80}]}]}`))
		if len(got.Backends) != 2 || got.Backends[0].To.Broken != want.broken || got.Backends[1].To.Broken {
			t.Errorf("%s: %+v", ref, got.Backends)
		}
		if want.reason == "" {
			expectTold(t, problems)
			continue
		}
		expectTold(t, problems, "r spec.rules[0].backendRefs[0]"+want.field+" warning "+want.reason)
	}
}

func TestRouteMirrorsRefused(t *testing.T) {
	for mirror, want := range map[string]string{
		`backendRef: {name: there, namespace: b, port: 80}`:                          ".backendRef warning RefNotPermitted",
		`backendRef: {name: v2, port: 80}, percent: 101`:                             " warning UnsupportedValue",
		`backendRef: {name: v2, port: 80}, percent: 1, fraction: {numerator: 1}`:     " warning UnsupportedValue",
		`backendRef: {name: v2, port: 80}, fraction: {numerator: 1, denominator: 0}`: " warning UnsupportedValue",
	} {
		got, problems := first(t, httpRoute(t, "r", `{rules: [{filters: [{type: RequestMirror, requestMirror: {`+mirror+`}}], backendRefs: [{name: v1, port: 80}]}]}`))
		if len(got.Mirrors) != 0 || len(got.Backends) != 1 {
			t.Errorf("%s: %+v", mirror, got)
		}
		expectTold(t, problems, "r spec.rules[0].filters[0].requestMirror"+want)
	}
}

// A grant is of one kind and namespace, and may be for one name.
func TestRouteGrants(t *testing.T) {
	for spec, want := range map[string]bool{
		`{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}], to: [{group: "", kind: Service}]}`:              true,
		`{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}], to: [{group: "", kind: Service, name: there}]}`: true,
		`{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}], to: [{group: "", kind: Service, name: other}]}`: false,
		`{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}], to: [{group: "", kind: Secret}]}`:               false,
		`{from: [{group: gateway.networking.k8s.io, kind: GRPCRoute, namespace: a}], to: [{group: "", kind: Service}]}`:              false,
		`{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: c}], to: [{group: "", kind: Service}]}`:              false,
		`{from: [{group: "", kind: HTTPRoute, namespace: a}], to: [{group: "", kind: Service}]}`:                                     false,
	} {
		for namespace, counts := range map[string]bool{"b": true, "a": false} {
			g := &gatewayv1.ReferenceGrant{}
			read(t, spec, &g.Spec)
			g.Namespace, g.Name = namespace, "g"
			got, _ := first(t, g, httpRoute(t, "r", `{rules: [{backendRefs: [{name: there, namespace: b, port: 80}]}]}`))
			if got.Backends[0].To.Broken == (want && counts) {
				t.Errorf("in %s, %s: %+v", namespace, spec, got.Backends)
			}
		}
	}
}

// Envoy speaks HTTP/1.1 to a port that declares nothing, where gRPC is not understood.
func TestGRPCRouteToAnUndeclaredPort(t *testing.T) {
	_, problems := first(t, grpcRoute(t, "r", `{rules: [{backendRefs: [{name: v1, port: 81}]}]}`))
	expectTold(t, problems, "v1 spec.ports[1] info UndeclaredProtocol")
	got, problems := first(t, grpcRoute(t, "r", `{rules: [{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: "1"}]}}], backendRefs: [{name: v1, port: 83, filters: [{type: RequestMirror}]}]}]}`))
	expectTold(t, problems, "r spec.rules[0].backendRefs[0].filters[0] warning UnsupportedValue")
	if !got.GRPC || len(got.Request.Set) != 1 || !got.Backends[0].To.Broken {
		t.Errorf("%+v", got)
	}
}
