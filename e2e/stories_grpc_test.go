package e2e

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/xds"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/e2e/ads"
	"github.com/coastwise/coastwise/e2e/await"
)

// grpcTakes gives every assignment to a real grpc-go client: channels whose routes
// lead to a hundred of them each. It says by ACK or NACK what its parser thinks.
func grpcTakes(t *testing.T, all []told) {
	var batch []sourced
	total := 0
	flush := func() {
		total += len(batch)
		grpcTakesThese(t, batch)
		batch = nil
	}
	each(all, ads.Endpoint, func(name string, a told, original string) {
		batch = append(batch, sourced{name, a.resources[ads.Endpoint][original].(*endpointv3.ClusterLoadAssignment)})
		if len(batch) == 100 {
			flush()
		}
	})
	flush()
	t.Logf("%d different assignments", total)
}

// sourced is an assignment, and where it comes from.
type sourced struct {
	from string
	m    *endpointv3.ClusterLoadAssignment
}

func grpcTakesThese(t *testing.T, batch []sourced) {
	t.Helper()
	served := ads.Resources{ads.Listener: {}, ads.Route: {}, ads.Cluster: {}, ads.Endpoint: {}}
	var routes []*routev3.Route
	for i, a := range batch {
		name := fmt.Sprintf("c%d", i)
		m := proto.CloneOf(a.m)
		m.ClusterName = name
		served[ads.Endpoint][name] = m
		served[ads.Cluster][name] = plainCluster(name)
		routes = append(routes, &routev3.Route{
			Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Path{Path: "/" + name}},
			Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: name}}},
		})
	}
	served[ads.Listener]["stories"] = apiListener(t, &routev3.RouteConfiguration{
		Name: "stories", VirtualHosts: []*routev3.VirtualHost{{Name: "all", Domains: []string{"*"}, Routes: routes}},
	})
	answers := grpcAnswers(t, []string{"stories"}, served, len(batch))
	for i, a := range batch {
		if message := answers[fmt.Sprintf("c%d", i)]; message != "" {
			t.Errorf("%s: %s\n%v", a.from, message, a.m)
		}
	}
}

// TestGRPCRefuses: the client that is asked above does refuse what it should.
func TestGRPCRefuses(t *testing.T) {
	good := func(address string) *endpointv3.LocalityLbEndpoints {
		return &endpointv3.LocalityLbEndpoints{
			Locality: &corev3.Locality{Region: "eu", Zone: address}, LoadBalancingWeight: wrapped32(1),
			LbEndpoints: []*endpointv3.LbEndpoint{{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{
				Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
					Address: address, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 80},
				}}},
			}}}},
		}
	}
	gap := good("10.0.0.2")
	gap.Priority = 2
	for what, groups := range map[string][]*endpointv3.LocalityLbEndpoints{
		"":                    {good("10.0.0.1"), good("10.0.0.2")},
		"priority 1 missing":  {good("10.0.0.1"), gap},
		"duplicate locality":  {good("10.0.0.1"), good("10.0.0.1")},
		"locality without ID": {{LoadBalancingWeight: wrapped32(1)}},
	} {
		served := ads.Resources{ads.Listener: {}, ads.Cluster: {"c": plainCluster("c")}, ads.Endpoint: {
			"c": &endpointv3.ClusterLoadAssignment{ClusterName: "c", Endpoints: groups},
		}}
		served[ads.Listener]["one"] = apiListener(t, &routev3.RouteConfiguration{
			Name: "one", VirtualHosts: []*routev3.VirtualHost{{Name: "all", Domains: []string{"*"}, Routes: []*routev3.Route{{
				Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
				Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: "c"}}},
			}}}},
		})
		got := grpcAnswers(t, []string{"one"}, served, 1)["c"]
		if what == "" && got != "" || !strings.Contains(got, what) {
			t.Errorf("%q is answered with %q", what, got)
		}
	}
}

// grpcWalks lets grpc-go clients walk all that gRPC clients of the stories are sent,
// from each listener over routes and clusters to endpoints, as it is.
func grpcWalks(t *testing.T, all []told) {
	walked := 0
	for _, a := range all {
		wanted := 0
		for _, m := range a.resources[ads.Route] {
			for _, host := range m.(*routev3.RouteConfiguration).VirtualHosts {
				for _, r := range host.Routes {
					if a.resources[ads.Endpoint][r.GetRoute().GetCluster()] != nil {
						wanted++
					}
				}
			}
		}
		targets := slices.Sorted(maps.Keys(a.resources[ads.Listener]))
		if len(targets) == 0 {
			continue
		}
		walked += wanted
		for name, message := range grpcAnswers(t, targets, a.resources, wanted) {
			if message != "" {
				t.Errorf("%s: %s: %s\n%v", a.story, name, message, a.resources[ads.Endpoint][name])
			}
		}
	}
	t.Logf("%d clients, %d assignments at the end of their routes", len(all), walked)
	if walked < 15 {
		t.Error("these are too few: are there no stories of gRPC clients?")
	}
}

// grpcAnswers is what a grpc-go client of xds:///TARGET for each target says to the
// endpoints, once it has said something to n of them and nothing against anything else.
func grpcAnswers(t *testing.T, targets []string, served ads.Resources, n int) map[string]string {
	t.Helper()
	server, err := ads.NewServer(served)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(g, server)
	go g.Serve(l)
	resolver, err := xds.NewXDSResolverWithConfigForTesting([]byte(fmt.Sprintf(
		`{"xds_servers": [{"server_uri": %q, "channel_creds": [{"type": "insecure"}]}], "node": {"id": "test"}}`, l.Addr())))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		conn, err := grpc.NewClient("xds:///"+target, grpc.WithResolvers(resolver), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Connect()
	}
	defer g.Stop() // before the clients end: one may wait for it
	await.Until(t, 2*patience, func() string {
		for _, url := range []string{ads.Listener, ads.Route, ads.Cluster} {
			for name, message := range server.Answers(url) {
				if message != "" {
					t.Fatalf("%s %s: %s", short(url), name, message)
				}
			}
		}
		if got := len(server.Answers(ads.Listener)); got < len(targets) {
			return fmt.Sprintf("%d of %d listeners are answered", got, len(targets))
		}
		if got := len(server.Answers(ads.Endpoint)); got < n {
			return fmt.Sprintf("%d of %d assignments are answered", got, n)
		}
		return ""
	})
	return server.Answers(ads.Endpoint)
}

func wrapped32(n uint32) *wrapperspb.UInt32Value { return wrapperspb.UInt32(n) }

func byADS() *corev3.ConfigSource {
	return &corev3.ConfigSource{
		ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}}, ResourceApiVersion: corev3.ApiVersion_V3,
	}
}

// plainCluster is the least that gRPC takes.
func plainCluster(name string) *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name: name, ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig: &clusterv3.Cluster_EdsClusterConfig{EdsConfig: byADS(), ServiceName: name},
	}
}

// apiListener is a listener of a gRPC client with its routes inside.
func apiListener(t *testing.T, routes *routev3.RouteConfiguration) *listenerv3.Listener {
	t.Helper()
	router := packed(t, &routerv3.Router{})
	hcm := packed(t, &hcmv3.HttpConnectionManager{
		RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: routes},
		HttpFilters:    []*hcmv3.HttpFilter{{Name: "router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: router}}},
	})
	return &listenerv3.Listener{Name: routes.Name, ApiListener: &listenerv3.ApiListener{ApiListener: hcm}}
}

func packed(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	out, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
