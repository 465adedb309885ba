package ingest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// The classes of rank, by the kind of path; among GRPCRoutes there are none.
const (
	classPrefix = iota
	classRegex
	classExact
)

// rankedMatch is a match, its index in its rule, and where it stands among others.
type rankedMatch struct {
	model.RouteMatch
	rank  rank
	index int
}

// matches are those of a rule. One that could match nothing, or that proxies would
// refuse, is told and left out.
func (t *ruleReader) matches(field string, rule routeRule) []rankedMatch {
	if t.object.isGRPC() {
		return readMatches(field+".matches", rule.grpc, t.grpcMatch)
	}
	return readMatches(field+".matches", rule.http, t.httpMatch)
}

// readMatches are those of a list that can be read; an empty list has one, of all
// requests.
func readMatches[M any](field string, list []M, read func(field string, m M) (rankedMatch, bool)) []rankedMatch {
	if len(list) == 0 {
		list = make([]M, 1)
	}
	var out []rankedMatch
	for i, m := range list {
		if got, ok := read(fmt.Sprintf("%s[%d]", field, i), m); ok {
			got.index = i
			out = append(out, got)
		}
	}
	return out
}

func (t *ruleReader) httpMatch(field string, m gatewayv1.HTTPRouteMatch) (out rankedMatch, ok bool) {
	if out.Path, ok = t.path(field+".path", m.Path); !ok {
		return out, false
	}
	out.rank.class, out.rank.path = classOf(out.Path.Kind), len(out.Path.Value)
	if m.Method != nil {
		out.Method, out.rank.method = string(*m.Method), 1
		if !token(out.Method) {
			t.unsupported(field+".method", "%q is no method: the match is left out", out.Method)
			return out, false
		}
	}
	for i, h := range m.Headers {
		at := fmt.Sprintf("%s.headers[%d]", field, i)
		if !t.value(&out.Headers, at, strings.ToLower(string(h.Name)), h.Value, (*string)(h.Type)) {
			return out, false
		}
	}
	for i, q := range m.QueryParams {
		at := fmt.Sprintf("%s.queryParams[%d]", field, i)
		if !t.value(&out.Query, at, string(q.Name), q.Value, (*string)(q.Type)) {
			return out, false
		}
	}
	out.rank.headers, out.rank.query = len(out.Headers), len(out.Query)
	return out, true
}

func classOf(k model.PathKind) int {
	switch k {
	case model.PathExact:
		return classExact
	case model.PathRegex:
		return classRegex
	}
	return classPrefix
}

// path reads the path of a match; a slash at the end of a prefix says nothing.
func (t *ruleReader) path(field string, p *gatewayv1.HTTPPathMatch) (model.PathMatch, bool) {
	out := model.PathMatch{Kind: model.PathPrefix, Value: "/"}
	if p == nil {
		return out, true
	}
	if p.Value != nil {
		out.Value = *p.Value
	}
	switch kind := ptr.Deref(p.Type, gatewayv1.PathMatchPathPrefix); kind {
	case gatewayv1.PathMatchPathPrefix:
		if out.Value = strings.TrimRight(out.Value, "/"); out.Value == "" {
			out.Value = "/"
		}
	case gatewayv1.PathMatchExact:
		out.Kind = model.PathExact
	case gatewayv1.PathMatchRegularExpression:
		out.Kind = model.PathRegex
		return out, t.regex(field+".value", out.Value)
	default:
		t.unsupported(field+".type", "%q is not known: the match is left out", string(kind))
		return out, false
	}
	if !strings.HasPrefix(out.Value, "/") || strings.ContainsAny(out.Value, "?#") || !printable(out.Value) {
		t.unsupported(field+".value", "%q is no path: the match is left out", out.Value)
		return out, false
	}
	return out, true
}

func (t *ruleReader) regex(field, pattern string) bool {
	if err := model.CheckRegex(pattern); err != nil {
		t.unsupported(field, "not a pattern that a proxy takes (RE2): %v: the match is left out", err)
		return false
	}
	return true
}

// value adds one comparison, whose type is nil for Exact; of one name the first counts.
func (t *ruleReader) value(to *[]model.ValueMatch, field, name, value string, kind *string) bool {
	regex := kind != nil && *kind == string(gatewayv1.HeaderMatchRegularExpression)
	switch {
	case kind != nil && *kind != string(gatewayv1.HeaderMatchExact) && !regex:
		t.unsupported(field+".type", "%q is not known: the match is left out", *kind)
		return false
	case !token(name) || !printable(value):
		t.unsupported(field, "%q: %q cannot be compared: the match is left out", name, value)
		return false
	case regex && !t.regex(field+".value", value):
		return false
	}
	if !slices.ContainsFunc(*to, func(v model.ValueMatch) bool { return v.Name == name }) {
		*to = append(*to, model.ValueMatch{Name: name, Value: value, Regex: regex})
	}
	return true
}

// grpcMatch makes a path of a method: /Service/Method, /Service/ or a pattern.
func (t *ruleReader) grpcMatch(field string, m gatewayv1.GRPCRouteMatch) (out rankedMatch, ok bool) {
	out.rank.grpc = true
	if out.Path, ok = t.grpcPath(field+".method", m.Method); !ok {
		return out, false
	}
	if m.Method != nil {
		out.rank.path, out.rank.method = len(ptr.Deref(m.Method.Service, "")), len(ptr.Deref(m.Method.Method, ""))
	}
	for i, h := range m.Headers {
		at := fmt.Sprintf("%s.headers[%d]", field, i)
		if !t.value(&out.Headers, at, strings.ToLower(string(h.Name)), h.Value, (*string)(h.Type)) {
			return out, false
		}
	}
	out.rank.headers = len(out.Headers)
	return out, true
}

func (t *ruleReader) grpcPath(field string, m *gatewayv1.GRPCMethodMatch) (model.PathMatch, bool) {
	all := model.PathMatch{Kind: model.PathPrefix, Value: "/"}
	if m == nil {
		return all, true
	}
	service, method := ptr.Deref(m.Service, ""), ptr.Deref(m.Method, "")
	switch kind := ptr.Deref(m.Type, gatewayv1.GRPCMethodMatchExact); {
	case service == "" && method == "":
		return all, true
	case kind == gatewayv1.GRPCMethodMatchRegularExpression:
		if !t.regex(field+".service", service) || !t.regex(field+".method", method) {
			return all, false
		}
		return model.PathMatch{Kind: model.PathRegex, Value: "/" + group(service) + "/" + group(method)}, true
	case kind != gatewayv1.GRPCMethodMatchExact:
		t.unsupported(field+".type", "%q is not known: the match is left out", string(kind))
		return all, false
	case strings.ContainsAny(service+method, "/?# ") || !printable(service+method):
		t.unsupported(field, "%q is no gRPC method: the match is left out", service+"/"+method)
		return all, false
	case service == "":
		return model.PathMatch{Kind: model.PathRegex, Value: "/[^/]+/" + regexp.QuoteMeta(method)}, true
	case method == "":
		return model.PathMatch{Kind: model.PathPrefix, Value: "/" + service}, true
	}
	return model.PathMatch{Kind: model.PathExact, Value: "/" + service + "/" + method}, true
}

// group is a pattern for one element of a path; "" takes any.
func group(pattern string) string {
	if pattern == "" {
		return "[^/]+"
	}
	return "(?:" + pattern + ")"
}
