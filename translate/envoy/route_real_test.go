package envoy

import (
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// everyRoute has each match, change and answer once; a real Envoy takes them.
func everyRoute() []model.Route {
	change := model.HeaderChange{
		Set: []model.HeaderValue{{Name: "a", Value: "100%"}}, Add: []model.HeaderValue{{Name: "b", Value: "%START_TIME%"}}, Remove: []string{"c"},
	}
	headed := to("v1", 3)
	headed.Request, headed.Response = change, change
	one := []model.Backend{to("v1", 1)}
	path := func(kind model.PathKind, value string) model.RouteMatch {
		return model.RouteMatch{Path: model.PathMatch{Kind: kind, Value: value}}
	}
	prefix := func(value string) *model.PathChange { return &model.PathChange{Prefix: true, Value: value} }
	all := path(model.PathRegex, "/a.*")
	all.Method = "POST"
	all.Headers = []model.ValueMatch{{Name: "x", Value: "1"}, {Name: "y", Value: "2+", Regex: true}, {Name: "host", Value: "h"}}
	all.Query = []model.ValueMatch{{Name: "q", Value: "3"}, {Name: "r", Value: "4+", Regex: true}}
	return []model.Route{
		{Match: all, Request: change, Response: change, Backends: []model.Backend{headed, {Weight: 1, To: model.BackendTarget{Broken: true}}}},
		{Match: path(model.PathExact, "/e"), Backends: one, Timeout: time.Second, BackendTimeout: time.Millisecond},
		{Match: path(model.PathPrefix, "/p"), Backends: one, Rewrite: &model.Rewrite{Host: "h", Path: prefix("/x")}},
		{Match: path(model.PathPrefix, "/q"), Backends: one, Rewrite: &model.Rewrite{Path: prefix("")}},
		{Match: path(model.PathPrefix, "/r"), Backends: one, Rewrite: &model.Rewrite{Path: &model.PathChange{Value: "/x"}}},
		{Match: path(model.PathPrefix, "/s"), Redirect: &model.Redirect{Scheme: "https", Path: prefix("/")}},
		{Match: path(model.PathPrefix, "/t"), Redirect: &model.Redirect{Host: "h", Port: 8080, Path: prefix("/t"), Status: 307}},
		{Match: path(model.PathPrefix, "/u"), Redirect: &model.Redirect{Path: &model.PathChange{Value: "/x"}, Status: 308}},
		{Match: path(model.PathPrefix, "/v"), Backends: one, Mirrors: []model.Mirror{{To: to("v2", 1).To, Numerator: 1, Denominator: 3}, {To: to("v2", 1).To, Numerator: 100, Denominator: 100}}},
		{Match: path(model.PathPrefix, "/w"), Backends: one, Retry: &model.Retry{Attempts: 2, Codes: []uint32{500, 503}, Backoff: time.Second}},
		{Match: path(model.PathPrefix, "/x"), Backends: one, Retry: &model.Retry{}},
		{Match: path(model.PathExact, "/pkg.Svc/M"), Backends: one, GRPC: true, Retry: &model.Retry{Attempts: 1}},
		{Match: path(model.PathPrefix, "/")},
	}
}

func TestValidateEveryRoute(t *testing.T) {
	type rc = routev3.RouteConfiguration
	good := must[Resource](t)(PortRoutes(routedBy(everyRoute()...), 80, 0))
	at := func(m *rc, i int) *routev3.Route { return m.VirtualHosts[0].Routes[i] }
	header := func(name, value string) []*corev3.HeaderValueOption {
		return []*corev3.HeaderValueOption{{Header: &corev3.HeaderValue{Key: name, Value: value}}}
	}
	run(t, good, func() *rc { return new(rc) }, []spoilt[*rc]{
		{"weighted cluster", func(m *rc) { at(m, 0).GetRoute().GetWeightedClusters().Clusters[0].Name = "x" }, `clusters[0].name: "x" is not`},
		{"no weight", func(m *rc) {
			for _, c := range at(m, 0).GetRoute().GetWeightedClusters().Clusters {
				c.Weight = wrapperspb.UInt32(0)
			}
		}, "sum 0 is not in"},
		{"too much weight", func(m *rc) {
			for _, c := range at(m, 0).GetRoute().GetWeightedClusters().Clusters {
				c.Weight = wrapperspb.UInt32(1<<32 - 1)
			}
		}, "sum 8589934590 is not in"},
		{"path", func(m *rc) { at(m, 0).Match.GetSafeRegex().Regex = "(" }, "match.safe_regex: missing closing )"},
		{"header pattern", func(m *rc) { at(m, 0).Match.Headers[2].GetStringMatch().GetSafeRegex().Regex = "a{9999}" }, "match.headers[2]: invalid repeat count"},
		{"query pattern", func(m *rc) {
			at(m, 0).Match.QueryParameters[1].GetStringMatch().GetSafeRegex().Regex = `\pL{900}`
		}, "match.query_parameters[1]: it compiles to some"},
		{"prefix", func(m *rc) {
			at(m, 2).Match.PathSpecifier = &routev3.RouteMatch_PathSeparatedPrefix{PathSeparatedPrefix: "/p/"}
		}, "PathSeparatedPrefix"},
		{"host", func(m *rc) { at(m, 0).RequestHeadersToAdd = header("Host", "x") }, `the header "Host" cannot be changed`},
		{"pseudo header", func(m *rc) { at(m, 0).ResponseHeadersToRemove = []string{":status"} }, `the header ":status" cannot be changed`},
		{"format", func(m *rc) { at(m, 0).RequestHeadersToAdd = header("x", "%BAD%") }, `the header x has a format`},
		{"mirror", func(m *rc) { mirroring(m).GetRequestMirrorPolicies()[0].Cluster = "x" }, `request_mirror_policies[0].cluster: "x" is not`},
		{"every mirror", func(m *rc) { mirroring(m).GetRequestMirrorPolicies()[0].RuntimeFraction = nil }, `runtime_fraction: missing`},
		{"reference", func(m *rc) { at(m, 3).GetRoute().GetRegexRewrite().Substitution = `\1` }, `has references`},
		{"two rewrites", func(m *rc) { at(m, 3).GetRoute().PrefixRewrite = "/x" }, `exclude each other`},
		{"port", func(m *rc) { at(m, 5).GetRedirect().PortRedirect = 65536 }, `port_redirect: 65536`},
		{"backoff", func(m *rc) {
			retrying(m).RetryBackOff.BaseInterval = durationpb.New(time.Microsecond)
		}, `base_interval: 1µs is below 1ms`},
		{"codes", func(m *rc) { retrying(m).RetriableStatusCodes = nil }, `with 0 retriable_status_codes`},
	})
}

// mirroring and retrying are of the first route that does so.
func mirroring(m *routev3.RouteConfiguration) *routev3.RouteAction {
	for _, r := range m.VirtualHosts[0].Routes {
		if len(r.GetRoute().GetRequestMirrorPolicies()) > 0 {
			return r.GetRoute()
		}
	}
	return nil
}

func retrying(m *routev3.RouteConfiguration) *routev3.RetryPolicy {
	for _, r := range m.VirtualHosts[0].Routes {
		if p := r.GetRoute().GetRetryPolicy(); len(p.GetRetriableStatusCodes()) > 0 {
			return p
		}
	}
	return nil
}
