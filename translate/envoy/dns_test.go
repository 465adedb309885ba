package envoy

import (
	"strings"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	dnscommonv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/common/dns/v3"
	dnsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/dns/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// external is a host that DNS resolves, with names for addresses.
func external(how model.Resolution, policy model.Policy) *model.Service {
	return &model.Service{
		Key: model.Key{Namespace: "default", Host: "api.example.com"}, Name: "api",
		Resolution: how, DNSRefreshRate: time.Minute,
		Ports: []model.Port{{Name: "http", Number: 80, Endpoints: []model.Endpoint{
			{Address: "a.example.com", Port: 8080, Region: "eu"},
			{Address: "10.0.0.9", Port: 8080, Region: "eu"},
			{Address: "b.example.com", Port: 8080, Region: "us"},
		}}},
		Policies: []model.Policy{policy},
	}
}

// names is an assignment of the endpoints of external.
func names() locality.Assignment {
	return locality.Assignment{OverprovisioningFactor: 200, Weighted: true, Groups: []locality.Group{
		{
			Priority: 0, Locality: model.Locality{Region: "eu", Zone: "eu-1"}, Weight: 7000, Reason: locality.Listed,
			Endpoints: []locality.Endpoint{
				{Address: "10.0.0.9", Port: 8080, Weight: 2, Healthy: true, Additional: []string{"fd00::9"}},
				{Address: "a.example.com", Port: 8080, Weight: 1},
			},
		},
		{
			Priority: 0, Locality: model.Locality{Region: "us", Zone: "us-1"}, Weight: 3000, Reason: locality.Listed,
			Endpoints: []locality.Endpoint{{Address: "b.example.com", Port: 8080, Weight: 1, Healthy: true}},
		},
	}}
}

func oneName() locality.Assignment {
	a := names()
	a.Groups = a.Groups[1:]
	return a
}

var none = locality.Assignment{OverprovisioningFactor: 140}

func builtOf(t *testing.T, s *model.Service, v model.Variant, a locality.Assignment) (*clusterv3.Cluster, *dnsv3.DnsCluster) {
	t.Helper()
	r := must[Resource](t)(Cluster(s, v, a))
	if err := Validate(r); err != nil {
		t.Fatal(err)
	}
	c := decoded(t, r, new(clusterv3.Cluster))
	settings := new(dnsv3.DnsCluster)
	if c.GetClusterType().GetName() != "envoy.cluster.dns" || c.GetClusterType().GetTypedConfig().UnmarshalTo(settings) != nil {
		t.Fatalf("%v", c)
	}
	return c, settings
}

// A service that DNS resolves holds what EDS would have sent, less the second
// addresses of endpoints; and EDS has nothing for it.
func TestDNSClusterHoldsItsAssignment(t *testing.T) {
	policy := plain()
	policy.Mode, policy.Distribute = model.Levels, []model.Distribute{{}}
	for _, subset := range []string{"", "v1"} {
		v := model.Variant{Port: 80, Subset: subset}
		s := external(model.DNS, policy)
		c, settings := builtOf(t, s, v, names())
		want := loadAssignment(c.Name, names(), bySocket)
		want.Endpoints[0].LbEndpoints[0].GetEndpoint().AdditionalAddresses = nil
		if diff := cmp.Diff(want, c.LoadAssignment, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
		if settings.AllAddressesInSingleEndpoint || c.EdsClusterConfig != nil || c.LoadAssignment.ClusterName != ClusterName(80, subset, s.Host) {
			t.Errorf("%v", c)
		}
		if r, err := LoadAssignment(s, v, names()); err != nil || r.Name != "" {
			t.Errorf("endpoints by EDS too: %v, %v", r, err)
		}
	}
}

func TestDNSSettings(t *testing.T) {
	for _, tt := range []struct{ refresh, retry, most time.Duration }{
		{time.Minute, time.Second, 10 * time.Second},
		{5 * time.Second, time.Second, 5 * time.Second},
		{2 * time.Millisecond, 2 * time.Millisecond, 2 * time.Millisecond},
	} {
		s := external(model.DNS, plain())
		s.DNSRefreshRate = tt.refresh
		_, got := builtOf(t, s, model.Variant{Port: 80}, names())
		want := &dnsv3.DnsCluster{
			DnsRefreshRate: durationpb.New(tt.refresh), RespectDnsTtl: true, DnsLookupFamily: dnscommonv3.DnsLookupFamily_V4_PREFERRED,
			DnsFailureRefreshRate: &dnsv3.DnsCluster_RefreshRate{BaseInterval: durationpb.New(tt.retry), MaxInterval: durationpb.New(tt.most)},
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	}
}

// Envoy refuses a logical cluster without exactly one endpoint.
func TestDNSRoundRobin(t *testing.T) {
	s := external(model.DNSRoundRobin, plain())
	if c, settings := builtOf(t, s, model.Variant{Port: 80}, oneName()); !settings.AllAddressesInSingleEndpoint || len(c.LoadAssignment.Endpoints) != 1 {
		t.Errorf("%v", c)
	}
	if c, settings := builtOf(t, s, model.Variant{Port: 80}, none); settings.AllAddressesInSingleEndpoint || len(c.LoadAssignment.Endpoints) != 0 {
		t.Errorf("empty: %v", c)
	}
	_, err := Cluster(s, model.Variant{Port: 80}, names())
	if err == nil || !strings.Contains(err.Error(), "3 endpoints, but with resolution DNS_ROUND_ROBIN") {
		t.Errorf("%v", err)
	}
}

// PASSTHROUGH goes around the names.
func TestDNSPassthrough(t *testing.T) {
	policy := plain()
	policy.Algorithm = model.Passthrough
	c := decoded(t, must[Resource](t)(Cluster(external(model.DNS, policy), model.Variant{Port: 80}, none)), new(clusterv3.Cluster))
	if c.GetType() != clusterv3.Cluster_ORIGINAL_DST || c.LoadAssignment != nil {
		t.Errorf("%v", c)
	}
}

func TestValidateDNS(t *testing.T) {
	type c = clusterv3.Cluster
	good := must[Resource](t)(Cluster(external(model.DNS, plain()), model.Variant{Port: 80}, names()))
	socket := func(m *c, g, e int) func(string) {
		return func(name string) { socketOf(m.LoadAssignment, g, e).Address = name }
	}
	settings := func(edit func(*dnsv3.DnsCluster)) func(*c) {
		return func(m *c) {
			s := new(dnsv3.DnsCluster)
			if err := m.GetClusterType().TypedConfig.UnmarshalTo(s); err != nil {
				t.Fatal(err)
			}
			edit(s)
			m.GetClusterType().TypedConfig = pack(s)
		}
	}
	const first = "endpoints[0].lb_endpoints[0].address: "
	run(t, good, func() *c { return new(c) }, []spoilt[*c]{
		{"upper case", func(m *c) { socket(m, 0, 0)("A.example.com") }, first + `"A.example.com" is neither an IP nor a host name`},
		{"empty label", func(m *c) { socket(m, 0, 0)("a..b") }, "neither an IP nor"},
		{"no name", func(m *c) { socket(m, 0, 0)("") }, "value length must be at least 1"},
		{"hyphen", func(m *c) { socket(m, 0, 0)("-a.b") }, "neither an IP nor"},
		{"long label", func(m *c) { socket(m, 0, 0)(strings.Repeat("a", 64) + ".b") }, "neither an IP nor"},
		{"long name", func(m *c) { socket(m, 0, 0)(strings.Repeat("abc.", 64)) }, "neither an IP nor"},
		{"nearly an IP", func(m *c) { socket(m, 0, 0)("10.0.0.256") }, "neither an IP nor"},
		{"a bad IP", func(m *c) { socket(m, 0, 0)("0.0.0.0") }, "0.0.0.0 cannot be connected to"},
		{"port", func(m *c) { setPort(socketOf(m.LoadAssignment, 0, 1), 0) }, "port 0 is not in 1..65535"},
		{"twice", func(m *c) { socket(m, 0, 1)("b.example.com.") }, "b.example.com port 8080 stands twice"},
		{"additional", func(m *c) {
			m.LoadAssignment.Endpoints[0].LbEndpoints[1].GetEndpoint().AdditionalAddresses = []*endpointv3.Endpoint_AdditionalAddress{{Address: socketAddress("fd00::7", 1)}}
		}, "an endpoint that is resolved has one address"},
		{"locality twice", func(m *c) { m.LoadAssignment.Endpoints[1].Locality = m.LoadAssignment.Endpoints[0].Locality }, "stands twice in priority 0"},
		{"weight", func(m *c) { m.LoadAssignment.Endpoints[0].LoadBalancingWeight = nil }, "load_balancing_weight: missing or 0"},
		{"other name", func(m *c) { m.LoadAssignment.ClusterName = "outbound|80|x|api.example.com" }, "not like the cluster"},
		{"no assignment", func(m *c) { m.LoadAssignment = nil }, `is called "", not like the cluster`},
		{"EDS", func(m *c) { m.EdsClusterConfig = &clusterv3.Cluster_EdsClusterConfig{} }, "resolved by DNS has none"},
		{"other type", func(m *c) { m.GetClusterType().Name = "envoy.clusters.redis" }, `"envoy.clusters.redis" is not served`},
		{"other settings", func(m *c) { m.GetClusterType().TypedConfig = &anypb.Any{} }, "cluster_type: "},
		{"logical", settings(func(s *dnsv3.DnsCluster) { s.AllAddressesInSingleEndpoint = true }), "3 endpoints, but all addresses are those of a single one"},
		{"no refresh", settings(func(s *dnsv3.DnsCluster) { s.DnsRefreshRate = nil }), "how often names are resolved is missing"},
		{"short refresh", settings(func(s *dnsv3.DnsCluster) { s.DnsRefreshRate = durationpb.New(0) }), "cluster_type: "},
		{"retries", settings(func(s *dnsv3.DnsCluster) { s.DnsFailureRefreshRate.MaxInterval = durationpb.New(time.Millisecond) }), "max_interval is below"},
	})
}

// The fence and the endpoints that are known hold inside a cluster too.
func TestValidateWithinDNS(t *testing.T) {
	for want, edit := range map[string]func(*model.Service){
		"": func(*model.Service) {},
		`b.example.com port 8080 is in region "us", which is not allowed`: func(s *model.Service) { s.Policies[0].Allowed = &model.Allowed{Regions: []string{"eu"}} },
		"a.example.com port 8080 is no endpoint of api.example.com":       func(s *model.Service) { s.Ports[0].Endpoints = s.Ports[0].Endpoints[1:] },
	} {
		s := external(model.DNS, plain())
		r := must[Resource](t)(Cluster(s, model.Variant{Port: 80}, names()))
		edit(s)
		err := ValidateWithin(s, model.Variant{Port: 80}, r)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// dnsClusters has every form of such a cluster, for a real Envoy.
func dnsClusters(t *testing.T) []*clusterv3.Cluster {
	var out []*clusterv3.Cluster
	add := func(how model.Resolution, policy model.Policy, subset string, a locality.Assignment) {
		c, _ := builtOf(t, external(how, policy), model.Variant{Port: 80, Subset: subset}, a)
		out = append(out, c)
	}
	for i, policy := range append(everySettings(), plain()) {
		if policy.Algorithm == model.Passthrough {
			continue
		}
		policy.Mode, policy.Distribute = model.Levels, []model.Distribute{{}}
		subset := "dns-" + string(rune('a'+i))
		add(model.DNS, policy, subset, names())
		add(model.DNSRoundRobin, policy, subset+"-rr", oneName())
	}
	add(model.DNS, plain(), "dns-none", none)
	add(model.DNSRoundRobin, plain(), "dns-rr-none", none)
	return out
}
