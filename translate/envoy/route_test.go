package envoy

import (
	"slices"
	"strings"
	"testing"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/coastwise/coastwise/translate/model"
)

// to is a backend in the namespace of reviews.
func to(name string, weight uint32) model.Backend {
	return model.Backend{To: model.BackendTarget{Key: model.ServiceKey("default", name), Port: 80}, Weight: weight}
}

// routedBy is reviews with routes on port 80.
func routedBy(routes ...model.Route) *model.Service {
	s := reviews(plain())
	for i := range routes {
		routes[i].Object = model.ObjectRef{Kind: "HTTPRoute", Namespace: "default", Name: "r"}
	}
	s.Ports[0].Routes = routes
	return s
}

// listed are the routes of port 80, which every entrance gives, validated.
func listed(t *testing.T, s *model.Service) []*routev3.Route {
	t.Helper()
	r := must[Resource](t)(PortRoutes(s, 80, 0))
	if err := Validate(r); err != nil {
		t.Fatal(err)
	}
	c := decoded(t, r, new(routev3.RouteConfiguration))
	if name := "outbound|80||reviews.default.svc.cluster.local"; r.Name != name || c.GetVirtualHosts()[0].GetDomains()[0] != "*" {
		t.Errorf("%s: %v", r.Name, c)
	}
	table := routesFor(t, "default", s)
	if got, want := len(table.VirtualHosts[0].Routes), len(c.VirtualHosts[0].Routes); got != want {
		t.Errorf("%d routes at the HTTP proxy port, %d by port", got, want)
	}
	return c.VirtualHosts[0].Routes
}

func TestRouteWeights(t *testing.T) {
	r := listed(t, routedBy(model.Route{Backends: []model.Backend{to("v1", 90), to("v2", 10), to("v3", 0), {Weight: 5, To: model.BackendTarget{Broken: true}}}}))[0]
	got := map[string]uint32{}
	for _, c := range r.GetRoute().GetWeightedClusters().GetClusters() {
		got[c.GetName()] = c.GetWeight().GetValue()
	}
	if len(got) != 3 || got["outbound|80||v1.default.svc.cluster.local"] != 90 || got["outbound|80||v2.default.svc.cluster.local"] != 10 || got[BrokenCluster] != 5 {
		t.Errorf("%v", got)
	}
	if code := r.GetRoute().GetClusterNotFoundResponseCode(); code != routev3.RouteAction_INTERNAL_SERVER_ERROR {
		t.Errorf("a backend that does not exist answers %s", code)
	}
	if retry := r.GetRoute().GetRetryPolicy(); retry.GetRetryPriority() != nil || retry.GetRetryOn() != "connect-failure,refused-stream,reset-before-request" {
		t.Errorf("nothing is said of retries, and there is %v", retry)
	}
}

// What no backend can serve is answered at once, to gRPC in a status that its clients
// read as UNAVAILABLE.
func TestRouteWithoutBackend(t *testing.T) {
	for _, backends := range [][]model.Backend{nil, {to("v1", 0)}, {{Weight: 1, To: model.BackendTarget{Broken: true}}}} {
		for grpc, want := range map[bool]uint32{false: 500, true: 503} {
			r := listed(t, routedBy(model.Route{Backends: backends, GRPC: grpc}))[0]
			if got := r.GetDirectResponse().GetStatus(); got != want {
				t.Errorf("%v: %d, want %d", backends, got, want)
			}
			if (r.GetMatch().GetGrpc() != nil) != grpc {
				t.Errorf("only requests of gRPC: %v", r.GetMatch())
			}
		}
	}
	r := listed(t, routedBy(model.Route{Backends: []model.Backend{to("v1", 1)}, GRPC: true}))[0]
	if r.GetRoute().GetClusterNotFoundResponseCode() != routev3.RouteAction_SERVICE_UNAVAILABLE {
		t.Errorf("%v", r)
	}
}

// A request never goes past the tunnel of the policy, and other backends are reached.
func TestRouteBesideATunnel(t *testing.T) {
	own, other := to("reviews", 1), to("v1", 1)
	s := routedBy(model.Route{Backends: []model.Backend{own}}, model.Route{Backends: []model.Backend{own, other}}, model.Route{Backends: []model.Backend{other}})
	s.Policies[0].Cluster.Tunnel = &model.Tunnel{Target: "x:443"}
	routes := listed(t, s)
	if routes[0].GetDirectResponse().GetStatus() != 503 || routes[2].GetRoute().GetCluster() != "outbound|80||v1.default.svc.cluster.local" {
		t.Errorf("%v", routes)
	}
	if w := routes[1].GetRoute().GetWeightedClusters().GetClusters(); len(w) != 2 || w[0].GetName() != BrokenCluster {
		t.Errorf("%v", routes[1])
	}
}

func TestRouteMatches(t *testing.T) {
	match := func(m model.RouteMatch) *routev3.RouteMatch {
		return listed(t, routedBy(model.Route{Match: m, Backends: []model.Backend{to("v1", 1)}}))[0].GetMatch()
	}
	if m := match(model.RouteMatch{Path: model.PathMatch{Value: "/"}}); m.GetPrefix() != "/" {
		t.Errorf("%v", m)
	}
	if m := match(model.RouteMatch{Path: model.PathMatch{Value: "/a"}}); m.GetPathSeparatedPrefix() != "/a" {
		t.Errorf("%v", m)
	}
	if m := match(model.RouteMatch{Path: model.PathMatch{Kind: model.PathExact, Value: "/a/"}}); m.GetPath() != "/a/" {
		t.Errorf("%v", m)
	}
	m := match(model.RouteMatch{
		Path: model.PathMatch{Kind: model.PathRegex, Value: "/a.*"}, Method: "POST",
		Headers: []model.ValueMatch{{Name: "x", Value: "1"}, {Name: "y", Value: "2+", Regex: true}},
		Query:   []model.ValueMatch{{Name: "q", Value: "3"}},
	})
	h := m.GetHeaders()
	if m.GetSafeRegex().GetRegex() != "/a.*" || len(h) != 3 || h[0].GetName() != ":method" || h[0].GetStringMatch().GetExact() != "POST" ||
		h[1].GetStringMatch().GetExact() != "1" || h[2].GetStringMatch().GetSafeRegex().GetRegex() != "2+" ||
		m.GetQueryParameters()[0].GetName() != "q" || m.GetQueryParameters()[0].GetStringMatch().GetExact() != "3" {
		t.Errorf("%v", m)
	}
}

func TestRouteHeaders(t *testing.T) {
	change := model.HeaderChange{
		Set: []model.HeaderValue{{Name: "a", Value: "100%"}}, Add: []model.HeaderValue{{Name: "b", Value: "2"}}, Remove: []string{"c"},
	}
	b := to("v1", 1)
	b.Response = change
	r := listed(t, routedBy(model.Route{Request: change, Backends: []model.Backend{b}}))[0]
	add := r.GetRequestHeadersToAdd()
	if len(add) != 2 || add[0].GetHeader().GetValue() != "100%%" || add[0].GetAppendAction().String() != "OVERWRITE_IF_EXISTS_OR_ADD" ||
		add[1].GetAppendAction().String() != "APPEND_IF_EXISTS_OR_ADD" || !slices.Equal(r.GetRequestHeadersToRemove(), []string{"c"}) {
		t.Errorf("%v", r)
	}
	if w := r.GetRoute().GetWeightedClusters().GetClusters(); len(w) != 1 || len(w[0].GetResponseHeadersToAdd()) != 2 || len(w[0].GetRequestHeadersToAdd()) != 0 {
		t.Errorf("of one backend: %v", r)
	}
}

func TestRouteMirrors(t *testing.T) {
	target := to("v2", 1).To
	r := listed(t, routedBy(model.Route{Backends: []model.Backend{to("v1", 1)}, Mirrors: []model.Mirror{{To: target, Numerator: 20, Denominator: 100}, {To: target, Numerator: 1, Denominator: 3}}}))[0]
	m := r.GetRoute().GetRequestMirrorPolicies()
	if len(m) != 2 || m[0].GetCluster() != "outbound|80||v2.default.svc.cluster.local" || !m[0].GetDisableShadowHostSuffixAppend() {
		t.Fatalf("%v", m)
	}
	if f := m[0].GetRuntimeFraction().GetDefaultValue(); f.GetNumerator() != 20 || f.GetDenominator().String() != "HUNDRED" {
		t.Errorf("%v", f)
	}
	if f := m[1].GetRuntimeFraction().GetDefaultValue(); f.GetNumerator() != 333_333 || f.GetDenominator().String() != "MILLION" {
		t.Errorf("%v", f)
	}
}

func TestRouteTimeouts(t *testing.T) {
	r := listed(t, routedBy(model.Route{Backends: []model.Backend{to("v1", 1)}, Timeout: time.Second, BackendTimeout: 300 * time.Millisecond}))[0].GetRoute()
	if r.GetTimeout().AsDuration() != time.Second || r.GetRetryPolicy().GetPerTryTimeout().AsDuration() != 300*time.Millisecond {
		t.Errorf("%v", r)
	}
}

// A route that asks for retries is two: only what may be repeated is, after a reset.
func TestRouteRetries(t *testing.T) {
	asks := model.Route{Backends: []model.Backend{to("v1", 1)}, Retry: &model.Retry{Attempts: 3, Codes: []uint32{503}, Backoff: time.Microsecond}}
	routes := listed(t, routedBy(asks))
	if len(routes) != 2 {
		t.Fatalf("%d routes: %v", len(routes), routes)
	}
	safe, rest := routes[0], routes[1]
	if m := safe.GetMatch().GetHeaders(); len(m) != 1 || m[0].GetName() != ":method" || !strings.Contains(m[0].GetStringMatch().GetSafeRegex().GetRegex(), "PUT") ||
		strings.Contains(m[0].GetStringMatch().GetSafeRegex().GetRegex(), "POST") {
		t.Errorf("%v", m)
	}
	if len(rest.GetMatch().GetHeaders()) != 0 {
		t.Errorf("the others: %v", rest.GetMatch())
	}
	for r, on := range map[*routev3.Route]string{
		safe: "connect-failure,refused-stream,reset-before-request,reset,retriable-status-codes",
		rest: "connect-failure,refused-stream,reset-before-request,retriable-status-codes",
	} {
		p := r.GetRoute().GetRetryPolicy()
		if p.GetRetryOn() != on || p.GetNumRetries().GetValue() != 3 || !slices.Equal(p.GetRetriableStatusCodes(), []uint32{503}) ||
			p.GetRetryPriority().GetName() != "envoy.retry_priorities.previous_priorities" || len(p.GetRetryHostPredicate()) != 1 ||
			p.GetHostSelectionRetryMaxAttempts() != 5 || p.GetRetryBackOff().GetBaseInterval().AsDuration() != time.Millisecond {
			t.Errorf("%v", p)
		}
	}
	for method, resets := range map[string]bool{"GET": true, "POST": false} {
		asks.Match.Method = method
		routes := listed(t, routedBy(asks))
		if len(routes) != 1 || strings.Contains(routes[0].GetRoute().GetRetryPolicy().GetRetryOn(), ",reset,") != resets {
			t.Errorf("%s: %v", method, routes)
		}
	}
	asks.Match.Method, asks.GRPC = "", true
	if routes := listed(t, routedBy(asks)); len(routes) != 1 || strings.Contains(routes[0].GetRoute().GetRetryPolicy().GetRetryOn(), ",reset,") {
		t.Errorf("gRPC: %v", routes)
	}
	none := model.Route{Backends: asks.Backends, Retry: &model.Retry{}}
	if p := listed(t, routedBy(none))[0].GetRoute().GetRetryPolicy(); p.GetRetryOn() != "" || p.GetNumRetries().GetValue() != 0 {
		t.Errorf("none: %v", p)
	}
}

// The key is the policy's, for every backend.
func TestRouteHash(t *testing.T) {
	s := routedBy(model.Route{Backends: []model.Backend{to("reviews", 1), to("v1", 1)}})
	s.Policies[0].Cluster.Hash = &model.Hash{Header: "x-user"}
	if h := listed(t, s)[0].GetRoute().GetHashPolicy(); len(h) != 1 || h[0].GetHeader().GetHeaderName() != "x-user" {
		t.Errorf("%v", h)
	}
}

func TestPortRoutesRefuses(t *testing.T) {
	for port, id := range map[uint32]model.PolicyID{81: 0, 80: model.NoPolicy} {
		if _, err := PortRoutes(reviews(plain()), port, id); err == nil {
			t.Errorf("port %d, policy %d", port, id)
		}
	}
	if r := listed(t, reviews(plain())); len(r) != 1 || r[0].GetRoute().GetCluster() != "outbound|80||reviews.default.svc.cluster.local" {
		t.Errorf("without routes: %v", r)
	}
}
