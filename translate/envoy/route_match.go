package envoy

import (
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// routeMatch compares the path without its query. A route for gRPC takes requests of
// gRPC only.
func routeMatch(m model.RouteMatch, grpc bool) *routev3.RouteMatch {
	out := everything()
	switch {
	case m.Path.Kind == model.PathExact:
		out.PathSpecifier = &routev3.RouteMatch_Path{Path: m.Path.Value}
	case m.Path.Kind == model.PathRegex:
		out.PathSpecifier = &routev3.RouteMatch_SafeRegex{SafeRegex: regex(m.Path.Value)}
	case m.Path.Value != "/" && m.Path.Value != "":
		out.PathSpecifier = &routev3.RouteMatch_PathSeparatedPrefix{PathSeparatedPrefix: m.Path.Value}
	}
	if m.Method != "" {
		out.Headers = append(out.Headers, headerMatch(":method", exactly(m.Method)))
	}
	for _, h := range m.Headers {
		out.Headers = append(out.Headers, headerMatch(h.Name, compared(h)))
	}
	for _, q := range m.Query {
		out.QueryParameters = append(out.QueryParameters, &routev3.QueryParameterMatcher{
			Name:                         q.Name,
			QueryParameterMatchSpecifier: &routev3.QueryParameterMatcher_StringMatch{StringMatch: compared(q)},
		})
	}
	if grpc {
		out.Grpc = &routev3.RouteMatch_GrpcRouteMatchOptions{}
	}
	return out
}

func headerMatch(name string, value *matcherv3.StringMatcher) *routev3.HeaderMatcher {
	return &routev3.HeaderMatcher{
		Name:                 name,
		HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: value},
	}
}

func compared(v model.ValueMatch) *matcherv3.StringMatcher {
	if v.Regex {
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regex(v.Value)}}
	}
	return exactly(v.Value)
}

func exactly(value string) *matcherv3.StringMatcher {
	return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: value}}
}

// regex must match the whole of what it is compared with.
func regex(pattern string) *matcherv3.RegexMatcher { return &matcherv3.RegexMatcher{Regex: pattern} }

// headerChange is one change in Envoy's words: it removes first, and reads a "%" in a
// value as the start of a format.
func headerChange(c model.HeaderChange, add *[]*corev3.HeaderValueOption, remove *[]string) {
	put := func(values []model.HeaderValue, how corev3.HeaderValueOption_HeaderAppendAction) {
		for _, v := range values {
			*add = append(*add, &corev3.HeaderValueOption{
				Header:       &corev3.HeaderValue{Key: v.Name, Value: strings.ReplaceAll(v.Value, "%", "%%")},
				AppendAction: how,
			})
		}
	}
	put(c.Set, corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD)
	put(c.Add, corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD)
	*remove = append(*remove, c.Remove...)
}
