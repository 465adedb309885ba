package envoy

import (
	"errors"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// spoilt says what Validate must say of a valid resource after one change.
type spoilt[M proto.Message] struct {
	name  string
	spoil func(M)
	want  string
}

// run changes a valid resource and expects the finding, and no finding without.
func run[M proto.Message](t *testing.T, good Resource, empty func() M, tests []spoilt[M]) {
	t.Helper()
	if err := Validate(good); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := decoded(t, good, empty())
			tt.spoil(m)
			bad := must[Resource](t)(encode(good.TypeURL, good.Name, m))
			expect(t, Validate(bad), tt.want)
		})
	}
}

func expect(t *testing.T, err error, want string) {
	t.Helper()
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("%v, want an InvalidError with %q", err, want)
	}
	if !strings.Contains(strings.Join(invalid.Findings, "\n"), want) {
		t.Errorf("%q, want %q", invalid.Findings, want)
	}
}

type cla = endpointv3.ClusterLoadAssignment

func socketOf(m *cla, group, endpoint int) *corev3.SocketAddress {
	return m.Endpoints[group].LbEndpoints[endpoint].GetEndpoint().GetAddress().GetSocketAddress()
}

func setPort(s *corev3.SocketAddress, port uint32) {
	s.PortSpecifier = &corev3.SocketAddress_PortValue{PortValue: port}
}

func TestValidateEndpoints(t *testing.T) {
	good := must[Resource](t)(LoadAssignment(reviews(plain()), model.Variant{Port: 80}, assignment()))
	run(t, good, func() *cla { return new(cla) }, []spoilt[*cla]{
		{"address", func(m *cla) { socketOf(m, 0, 0).Address = "not-an-ip" }, `endpoints[0].lb_endpoints[0].address: "not-an-ip" is not an IP`},
		{"zone identifier", func(m *cla) { socketOf(m, 0, 0).Address = "fe80::1%eth0" }, "zone identifier"},
		{"unspecified", func(m *cla) { socketOf(m, 0, 1).Address = "0.0.0.0" }, "0.0.0.0 cannot be connected to"},
		{"multicast", func(m *cla) { socketOf(m, 1, 0).Address = "224.0.0.1" }, "224.0.0.1 is a multicast address"},
		{"port 0", func(m *cla) { setPort(socketOf(m, 0, 0), 0) }, "port 0 is not in"},
		{"port 65536", func(m *cla) { setPort(socketOf(m, 0, 0), 65536) }, "value must be less than or equal to 65535"},
		{"pipe", func(m *cla) {
			m.Endpoints[0].LbEndpoints[0].GetEndpoint().Address = &corev3.Address{Address: &corev3.Address_Pipe{Pipe: &corev3.Pipe{Path: "/x"}}}
		}, "not a socket address"},
		{"twice", func(m *cla) { socketOf(m, 1, 0).Address = "10.0.0.1" }, "10.0.0.1:8080 stands twice"},
		{"twice, written differently", func(m *cla) { socketOf(m, 1, 0).Address = "fd00:0::1" }, "[fd00::1]:8080 stands twice"},
		{"additional", func(m *cla) {
			m.Endpoints[0].LbEndpoints[0].GetEndpoint().AdditionalAddresses[0].Address = socketAddress("x", 1)
		}, `additional_addresses: "x" is not an IP`},
		{"weight 0", func(m *cla) { m.Endpoints[0].LbEndpoints[0].LoadBalancingWeight = wrapperspb.UInt32(0) }, "load_balancing_weight: missing or 0"},
		{"no weight", func(m *cla) { m.Endpoints[0].LbEndpoints[1].LoadBalancingWeight = nil }, "lb_endpoints[1].load_balancing_weight: missing"},
		{"health", func(m *cla) { m.Endpoints[0].LbEndpoints[0].HealthStatus = corev3.HealthStatus_UNKNOWN }, "UNKNOWN is neither"},
	})
}

func TestValidateLocalities(t *testing.T) {
	good := must[Resource](t)(LoadAssignment(reviews(plain()), model.Variant{Port: 80}, assignment()))
	huge := wrapperspb.UInt32(1<<32 - 1)
	run(t, good, func() *cla { return new(cla) }, []spoilt[*cla]{
		{"no locality", func(m *cla) { m.Endpoints[0].Locality = nil }, "endpoints[0].locality: missing"},
		{"no weight", func(m *cla) { m.Endpoints[1].LoadBalancingWeight = nil }, "endpoints[1].load_balancing_weight: missing"},
		{"no endpoints", func(m *cla) { m.Endpoints[1].LbEndpoints = nil }, "endpoints[1].lb_endpoints: empty"},
		{"twice", func(m *cla) {
			m.Endpoints[1].Priority, m.Endpoints[1].Locality = 0, m.Endpoints[0].Locality
		}, "eu/eu-1/ stands twice in priority 0"},
		{"gap", func(m *cla) { m.Endpoints[1].Priority = 2 }, "priority 1 is missing"},
		{"no priority 0", func(m *cla) { m.Endpoints = m.Endpoints[1:] }, "priority 0 is missing"},
		{"above 128", func(m *cla) { m.Endpoints[1].Priority = 129 }, "129 is above 128"},
		{"locality weights", func(m *cla) {
			m.Endpoints[1].Priority, m.Endpoints[1].LoadBalancingWeight = 0, huge
		}, "sum of the locality weights, 4294967298, is above"},
		{"endpoint weights", func(m *cla) { m.Endpoints[0].LbEndpoints[0].LoadBalancingWeight = huge }, "sum of the endpoint weights, 4294967296, is above"},
		{"low factor", func(m *cla) { m.Policy.OverprovisioningFactor = wrapperspb.UInt32(99) }, "99 is below 100"},
		{"no factor", func(m *cla) { m.Policy = nil }, "overprovisioning_factor: missing"},
		{"drops", func(m *cla) {
			m.Policy.DropOverloads = []*endpointv3.ClusterLoadAssignment_Policy_DropOverload{{
				Category: "x", DropPercentage: &typev3.FractionalPercent{Numerator: 10_001, Denominator: typev3.FractionalPercent_TEN_THOUSAND},
			}}
		}, "more than everything is dropped"},
		{"name", func(m *cla) { m.ClusterName = "x" }, `"x" is not outbound|PORT|SUBSET|HOST`},
		{"other name", func(m *cla) { m.ClusterName = "outbound|1||x" }, `is called "outbound|1||x" inside`},
	})
}

func TestValidateCluster(t *testing.T) {
	type c = clusterv3.Cluster
	good := must[Resource](t)(Cluster(reviews(plain()), model.Variant{Port: 80}, assignment()))
	run(t, good, func() *c { return new(c) }, []spoilt[*c]{
		{"no name", func(m *c) { m.Name = "" }, "has no name"},
		{"name", func(m *c) { m.Name = "x" }, `"x" is not outbound|PORT|SUBSET|HOST`},
		{"no alt_stat_name", func(m *c) { m.AltStatName = "" }, "alt_stat_name: missing"},
		{"dot", func(m *c) { m.AltStatName = "a.b" }, "alt_stat_name: \"a.b\" has a dot"},
		{"EDS name", func(m *c) { m.EdsClusterConfig.ServiceName = "y" }, `service_name: "y" is not the cluster's name`},
		{"no EDS", func(m *c) { m.EdsClusterConfig = nil }, "not over ADS"},
		{"type", func(m *c) { m.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC} }, "STATIC is not served"},
		{"original destination", func(m *c) { m.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_ORIGINAL_DST} }, "has none"},
		{"inline endpoints", func(m *c) { m.LoadAssignment = &cla{ClusterName: "x"} }, "load_assignment: must come by EDS"},
		{"no policy", func(m *c) { m.LoadBalancingPolicy = nil }, "0 policies instead of 1"},
		{"unknown policy", func(m *c) {
			m.LoadBalancingPolicy.Policies[0].TypedExtensionConfig.Name = "envoy.load_balancing_policies.pick_first"
		}, `Envoy has no "envoy.load_balancing_policies.pick_first"`},
		{"policy without prefix", func(m *c) { m.LoadBalancingPolicy.Policies[0].TypedExtensionConfig.Name = "random" }, `Envoy has no "random"`},
		{"no panic threshold", func(m *c) { m.CommonLbConfig = nil }, "healthy_panic_threshold: missing"},
		{"file", func(m *c) { m.TransportSocket = tlsFromFile() }, "names a file"},
		{"schema", func(m *c) { m.ConnectTimeout.Seconds = -1 }, "ConnectTimeout"},
	})
}

// tlsFromFile hides a file name in a packed message.
func tlsFromFile() *corev3.TransportSocket {
	ca := &corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: "/etc/ca.pem"}}
	return &corev3.TransportSocket{Name: "tls", ConfigType: &corev3.TransportSocket_TypedConfig{
		TypedConfig: pack(&tlsv3.UpstreamTlsContext{CommonTlsContext: &tlsv3.CommonTlsContext{
			ValidationContextType: &tlsv3.CommonTlsContext_ValidationContext{
				ValidationContext: &tlsv3.CertificateValidationContext{TrustedCa: ca},
			},
		}}),
	}}
}

func TestValidateListener(t *testing.T) {
	type l = listenerv3.Listener
	good := must[Resource](t)(Listener(Listen{Bind: "127.0.0.1", Port: 80}))
	inline := &hcmv3.HttpConnectionManager{
		StatPrefix:     "x",
		RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: &routev3.RouteConfiguration{}},
	}
	set := func(m *l, filter *hcmv3.HttpConnectionManager) {
		m.FilterChains[0].Filters[0].ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: pack(filter)}
	}
	run(t, good, func() *l { return new(l) }, []spoilt[*l]{
		{"no address", func(m *l) { m.Address = nil }, "address: not a socket address"},
		{"address", func(m *l) { m.Address = socketAddress("localhost", 80) }, `"localhost" is not an IP`},
		{"port", func(m *l) { m.Address = socketAddress("127.0.0.1", 0) }, "port 0 is not in"},
		{"no chain", func(m *l) { m.FilterChains = nil }, "filter_chains: empty"},
		{"chain twice", func(m *l) { m.FilterChains = append(m.FilterChains, m.FilterChains[0]) }, `filter_chains[1].name: "" stands twice`},
		{"inline routes", func(m *l) { set(m, inline) }, "routes do not come over ADS"},
		{"schema inside", func(m *l) { set(m, &hcmv3.HttpConnectionManager{}) }, "StatPrefix"},
		{"other filter", func(m *l) {
			m.FilterChains[0].Filters[0].ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: pack(inline.GetRouteConfig())}
		}, "filter_chains[0].filters[0]"},
		{"pipe", func(m *l) {
			m.Address = &corev3.Address{Address: &corev3.Address_Pipe{Pipe: &corev3.Pipe{Path: "/x"}}}
		}, "names a file"},
	})
}

func TestValidateRoutes(t *testing.T) {
	type rc = routev3.RouteConfiguration
	good := must[Resource](t)(Routes(of("a"), []*model.Service{service("a", "x", 80), service("a", "y", 80)}))
	run(t, good, func() *rc { return new(rc) }, []spoilt[*rc]{
		{"name twice", func(m *rc) { m.VirtualHosts[1].Name = m.VirtualHosts[0].Name }, "virtual_hosts[1].name"},
		{"domain twice", func(m *rc) {
			m.VirtualHosts[1].Domains = append(m.VirtualHosts[1].Domains, "x.a")
		}, `virtual_hosts[1].domains: "x.a" stands twice`},
		{"no domains", func(m *rc) { m.VirtualHosts[1].Domains = nil }, "Domains"},
		{"no routes", func(m *rc) { m.VirtualHosts[0].Routes = nil }, "virtual_hosts[0].routes: empty"},
		{"cluster", func(m *rc) {
			m.VirtualHosts[0].Routes[0].GetRoute().ClusterSpecifier = &routev3.RouteAction_Cluster{Cluster: "x"}
		}, `"x" is not outbound|PORT|SUBSET|HOST`},
		{"no timeout", func(m *rc) { m.VirtualHosts[0].Routes[0].GetRoute().Timeout = nil }, "route.timeout: missing"},
		{"two keys", func(m *rc) {
			m.VirtualHosts[0].Routes[0].GetRoute().HashPolicy = append(hashPolicy(everyHash()[0]), hashPolicy(everyHash()[1])...)
		}, "route.hash_policy: 2 keys"},
		{"no action", func(m *rc) { m.VirtualHosts[0].Routes[0].Action = nil }, "Action"},
	})
}

func TestValidateEnvelope(t *testing.T) {
	good := must[Resource](t)(Cluster(reviews(plain()), model.Variant{Port: 80}, assignment()))
	for _, tt := range []struct {
		want  string
		spoil func(*Resource)
	}{
		{`unknown type "x"`, func(r *Resource) { r.TypeURL = "x" }},
		{"does not decode", func(r *Resource) { r.Body = []byte{0xff} }},
		{"is called", func(r *Resource) { r.Name = "other" }},
		{"has no version", func(r *Resource) { r.Version = "" }},
		{"has no name", func(r *Resource) { r.Body = nil }},
	} {
		r := good
		tt.spoil(&r)
		expect(t, Validate(r), tt.want)
	}
}

// All findings are told, and one line shows the first ten.
func TestInvalidErrorListsAll(t *testing.T) {
	a := large(90)
	for i := range a.Groups {
		for j := range a.Groups[i].Endpoints {
			a.Groups[i].Endpoints[j].Port = 0
		}
	}
	err := Validate(must[Resource](t)(LoadAssignment(reviews(plain()), model.Variant{Port: 80}, a)))
	var invalid *InvalidError
	if !errors.As(err, &invalid) || len(invalid.Findings) != 90 {
		t.Fatalf("%v", err)
	}
	if text := err.Error(); !strings.HasSuffix(text, "; and 80 more") || !strings.HasPrefix(text, `ClusterLoadAssignment "outbound|80||`) {
		t.Error(text)
	}
}

// The fence holds on the bytes, by the endpoint's region and not by what its
// locality says.
func TestValidateWithin(t *testing.T) {
	v := model.Variant{Port: 80}
	send := func(addresses ...string) Resource {
		g := locality.Group{Locality: model.Locality{Region: "eu"}}
		for _, a := range addresses {
			g.Endpoints = append(g.Endpoints, locality.Endpoint{Address: a, Port: 8080, Weight: 1})
		}
		return must[Resource](t)(LoadAssignment(reviews(plain()), v, locality.Assignment{OverprovisioningFactor: 140, Groups: []locality.Group{g}}))
	}
	open, fenced, shut := plain(), plain(), plain()
	fenced.Allowed = &model.Allowed{Regions: []string{"eu"}}
	shut.Allowed = &model.Allowed{}
	for _, tt := range []struct {
		policy model.Policy
		r      Resource
		want   string
	}{
		{open, send("10.0.0.1", "10.0.0.2"), ""},
		{fenced, send("10.0.0.1"), ""},
		{fenced, send("10.0.0.1", "10.0.0.2"), `10.0.0.2 port 8080 is in region "us", which is not allowed`},
		{shut, send("10.0.0.1"), "not allowed"},
		{open, send("10.0.0.9"), "10.0.0.9 port 8080 is no endpoint of reviews.default.svc.cluster.local port 80"},
	} {
		err := ValidateWithin(reviews(tt.policy), v, tt.r)
		if tt.want == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		expect(t, err, tt.want)
	}
	expect(t, ValidateWithin(reviews(open), model.Variant{Port: 1}, send("10.0.0.1")), "has no port 1")
	expect(t, ValidateWithin(reviews(open), v, Resource{Body: []byte{0xff}}), "does not decode")
}
