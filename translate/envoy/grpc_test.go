package envoy

import (
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// grpcVariant is that of a gRPC client at the first port.
var grpcVariant = model.Variant{Port: 80, View: model.View{Form: model.GRPCForm}}

// refusesAll changes a resource that gRPC clients take, and expects each finding.
func refusesAll[M proto.Message](t *testing.T, good Resource, empty func() M, tests []spoilt[M]) {
	t.Helper()
	if err := ValidateFor(model.GRPCForm, good); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := decoded(t, good, empty())
			tt.spoil(m)
			expect(t, ValidateFor(model.GRPCForm, must[Resource](t)(encode(good.TypeURL, good.Name, m))), tt.want)
		})
	}
}

func TestValidateGRPCCluster(t *testing.T) {
	hashed := plain()
	hashed.Algorithm, hashed.Cluster.Hash = model.RingHash, &model.Hash{Header: "x-user", Size: 2048}
	ring := must[Resource](t)(Cluster(reviews(hashed), grpcVariant, assignment()))
	refusesAll(t, ring, func() *clusterv3.Cluster { return &clusterv3.Cluster{} }, []spoilt[*clusterv3.Cluster]{
		{"legacy policy disagrees", func(m *clusterv3.Cluster) { m.LbPolicy = clusterv3.Cluster_ROUND_ROBIN }, "not the legacy policy"},
		{"ring too large", func(m *clusterv3.Cluster) { m.GetRingHashLbConfig().MinimumRingSize = wrapperspb.UInt64(maxRing + 1) }, "is not within"},
		{"another hash function", func(m *clusterv3.Cluster) {
			m.GetRingHashLbConfig().HashFunction = clusterv3.Cluster_RingHashLbConfig_MURMUR_HASH_2
		}, "not XX_HASH"},
	})
	ejecting := plain()
	ejecting.Cluster.Outliers = &model.Outliers{Interval: 1e9, BaseEjectionTime: 1e9, SuccessRate: &model.SuccessRate{}}
	good := must[Resource](t)(Cluster(reviews(ejecting), grpcVariant, assignment()))
	refusesAll(t, good, func() *clusterv3.Cluster { return &clusterv3.Cluster{} }, []spoilt[*clusterv3.Cluster]{
		{"name", func(m *clusterv3.Cluster) { m.Name = "reviews" }, "is not outbound|"},
		{"type", func(m *clusterv3.Cluster) {
			m.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STRICT_DNS}
		}, "STRICT_DNS is not served"},
		{"another name for its endpoints", func(m *clusterv3.Cluster) { m.EdsClusterConfig.ServiceName = "x" }, "is not the cluster's name"},
		{"legacy policy", func(m *clusterv3.Cluster) { m.LbPolicy = clusterv3.Cluster_MAGLEV }, "refuse MAGLEV"},
		{"no typed policy", func(m *clusterv3.Cluster) { m.LoadBalancingPolicy = nil }, "0 policies instead of 1"},
		{"typed policy without localities", func(m *clusterv3.Cluster) {
			m.LoadBalancingPolicy = must[*clusterv3.LoadBalancingPolicy](t)(loadBalancing(plain(), nil))
		}, "localities are not weighed"},
		{"transport socket", func(m *clusterv3.Cluster) { m.TransportSocket = &corev3.TransportSocket{Name: "x"} }, "no certificates of ours"},
		{"load reports to others", func(m *clusterv3.Cluster) { m.LrsServer = ads() }, "lrs_server: not self"},
		{"gRPC's own limit", func(m *clusterv3.Cluster) { m.CircuitBreakers = nil }, "gRPC's 1024"},
		{"gRPC's own ejection", func(m *clusterv3.Cluster) { m.OutlierDetection.EnforcingSuccessRate = nil }, "100 % would hold"},
		{"no interval", func(m *clusterv3.Cluster) { m.OutlierDetection.Interval = durationpb.New(0) }, "is no time"},
		{"too much", func(m *clusterv3.Cluster) { m.OutlierDetection.MaxEjectionPercent = wrapperspb.UInt32(101) }, "above 100"},
	})
}

func TestValidateGRPCEndpoints(t *testing.T) {
	a := assignment()
	a.Groups[0].Endpoints = a.Groups[0].Endpoints[:1]
	good := must[Resource](t)(LoadAssignment(reviews(plain()), grpcVariant, a))
	refusesAll(t, good, func() *cla { return &cla{} }, []spoilt[*cla]{
		{"unhealthy", func(m *cla) { m.Endpoints[0].LbEndpoints[0].HealthStatus = corev3.HealthStatus_UNHEALTHY }, "UNHEALTHY is not HEALTHY"},
		{"no locality", func(m *cla) { m.Endpoints[0].Locality = nil }, "locality: missing"},
		{"no weight", func(m *cla) { m.Endpoints[0].LoadBalancingWeight = nil }, "missing or 0"},
		{"a gap", func(m *cla) { m.Endpoints[1].Priority = 2 }, "priority 1 is missing"},
		{"an address twice", func(m *cla) { socketOf(m, 1, 0).Address = "10.0.0.1" }, "stands twice"},
	})
}

func TestValidateGRPCListenerAndRoutes(t *testing.T) {
	target := Target{Service: reviews(plain()), Port: 80}
	listener := must[Resource](t)(target.Listener("reviews:80"))
	hcm := func(m *listenerv3.Listener, change func(*hcmv3.HttpConnectionManager)) {
		inside := new(hcmv3.HttpConnectionManager)
		if err := m.ApiListener.ApiListener.UnmarshalTo(inside); err != nil {
			t.Fatal(err)
		}
		change(inside)
		m.ApiListener.ApiListener = pack(inside)
	}
	refusesAll(t, listener, func() *listenerv3.Listener { return &listenerv3.Listener{} }, []spoilt[*listenerv3.Listener]{
		{"another name", func(m *listenerv3.Listener) { m.Name = "x" }, `is called "x" inside`},
		{"a socket", func(m *listenerv3.Listener) { m.Address = socketAddress("127.0.0.1", 80) }, "a server's listener"},
		{"no API listener", func(m *listenerv3.Listener) { m.ApiListener = nil }, "api_listener"},
		{"no filter", func(m *listenerv3.Listener) { hcm(m, func(h *hcmv3.HttpConnectionManager) { h.HttpFilters = nil }) }, "the router alone"},
		{"trusted hops", func(m *listenerv3.Listener) { hcm(m, func(h *hcmv3.HttpConnectionManager) { h.XffNumTrustedHops = 1 }) }, "find the client's address"},
		{"no routes", func(m *listenerv3.Listener) {
			hcm(m, func(h *hcmv3.HttpConnectionManager) { h.GetRds().ConfigSource = nil })
		}, "do not come over ADS"},
	})
	routes := must[Resource](t)(target.Routes(0))
	action := func(m *routev3.RouteConfiguration) *routev3.RouteAction {
		return m.VirtualHosts[0].Routes[0].GetRoute()
	}
	refusesAll(t, routes, func() *routev3.RouteConfiguration { return &routev3.RouteConfiguration{} }, []spoilt[*routev3.RouteConfiguration]{
		{"a direct response", func(m *routev3.RouteConfiguration) { m.VirtualHosts[0].Routes[0] = direct(404, "x") }, "paths to clusters only"},
		{"a cookie", func(m *routev3.RouteConfiguration) {
			action(m).HashPolicy = hashPolicy(&model.Hash{Cookie: &model.Cookie{Name: "c"}})
		}, "headers and channels only"},
		{"no retry", func(m *routev3.RouteConfiguration) {
			action(m).RetryPolicy = &routev3.RetryPolicy{NumRetries: wrapperspb.UInt32(0)}
		}, "below 1"},
	})
	if err := ValidateFor(model.GRPCForm, Resource{TypeURL: "x", Name: "x", Version: "x"}); err == nil {
		t.Error("an unknown type is taken")
	}
	if err := ValidateFor(model.Plain, listener); err == nil {
		t.Error("an Envoy is sent an API listener")
	}
}

// A cluster that must not be sent cannot be made, whoever asks.
func TestGRPCClusterWithheld(t *testing.T) {
	for name, change := range map[string]func(*model.Service){
		"tls":            func(s *model.Service) { s.Policies[0].Cluster.TLS = &model.TLS{Credential: "web"} },
		"PROXY header":   func(s *model.Service) { s.Policies[0].Cluster.ProxyProtocol = model.ProxyProtocolV2 },
		"DNS":            func(s *model.Service) { s.Resolution = model.DNS },
		"round-robin":    func(s *model.Service) { s.Resolution = model.DNSRoundRobin },
		"as it was sent": func(s *model.Service) { s.Resolution = model.OriginalDestination },
	} {
		s := reviews(plain())
		change(s)
		if r, err := Cluster(s, grpcVariant, assignment()); err == nil || r.Name != "" {
			t.Errorf("%s: %q %v", name, r.Name, err)
		}
		told := s.Cannot(s.Policies[0], model.GRPCForm)
		if len(told) != 1 || told[0].Severity != model.Warning || !strings.Contains(told[0].Message, "no cluster") {
			t.Errorf("%s: %+v", name, told)
		}
		if told := s.Cannot(s.Policies[0], model.Plain); told != nil {
			t.Errorf("%s: an Envoy is told %+v", name, told)
		}
	}
}

// The ring is at most what gRPC clients take, and theirs where none is said.
func TestGRPCRing(t *testing.T) {
	for size, want := range map[uint64]*wrapperspb.UInt64Value{
		0: nil, 7: wrapperspb.UInt64(7), maxRing + 1: wrapperspb.UInt64(maxRing),
	} {
		p := plain()
		p.Algorithm, p.Cluster.Hash = model.RingHash, &model.Hash{Header: "x", Size: size}
		c := decoded(t, must[Resource](t)(Cluster(reviews(p), grpcVariant, assignment())), &clusterv3.Cluster{})
		if got := c.GetRingHashLbConfig().GetMinimumRingSize(); !proto.Equal(got, want) {
			t.Errorf("a ring of %d is sent as %v", size, got)
		}
	}
}

func TestGRPCBootstrap(t *testing.T) {
	p := goodProxy()
	p.Kind, p.Bind, p.HTTPProxyPort = model.GRPC, "", 0
	text := string(must[[]byte](t)(GRPCBootstrap(p, "coastwise.example:15010", ServerTLS{})))
	for _, want := range []string{`"server_uri": "coastwise.example:15010"`, `"type": "insecure"`, `"xds_v3"`, `"kind": "grpc"`, `"id": "` + p.ID + `"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	for _, bad := range []struct {
		want, xds string
		kind      model.Kind
	}{{"--xds: ", "x", model.GRPC}, {"--kind: sidecar starts with an Envoy's", "x:1", model.Sidecar}} {
		p.Kind = bad.kind
		if _, err := GRPCBootstrap(p, bad.xds, ServerTLS{}); err == nil || !strings.HasPrefix(err.Error(), bad.want) {
			t.Errorf("%v, want %q", err, bad.want)
		}
	}
}
