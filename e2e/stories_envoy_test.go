package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/e2e/ads"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// envoyTakes loads all of it as static configuration into one Envoy: clusters as
// they are, assignments in static twins of their clusters, listeners and, in
// twins of their listeners, routes.
func envoyTakes(t *testing.T, all []told) {
	text, err := built.coastwise.Bootstrap(t.Context(), coastwise.Client{ID: "stories", AdminPort: 15000}, "127.0.0.1:15010")
	if err != nil {
		t.Fatal(err)
	}
	if text, err = yaml.YAMLToJSON(text); err != nil {
		t.Fatal(err)
	}
	b := new(bootstrapv3.Bootstrap)
	if err := protojson.Unmarshal(text, b); err != nil {
		t.Fatal(err)
	}
	into := b.StaticResources
	each(all, ads.Cluster, func(name string, a told, original string) {
		m := proto.CloneOf(a.resources[ads.Cluster][original].(*clusterv3.Cluster))
		m.Name = name
		into.Clusters = append(into.Clusters, m)
	})
	each(all, ads.Endpoint, func(name string, a told, original string) {
		into.Clusters = append(into.Clusters, staticTwin(t, name, a, original))
	})
	each(all, ads.Listener, func(name string, a told, original string) {
		m := proto.CloneOf(a.resources[ads.Listener][original].(*listenerv3.Listener))
		into.Listeners = append(into.Listeners, elsewhere(m, name, len(into.Listeners)))
	})
	each(all, ads.Route, func(name string, a told, original string) {
		routes := a.resources[ads.Route][original].(*routev3.RouteConfiguration)
		checkClusters(t, name, a, routes)
		if m := withRoutes(t, a, routes); m != nil {
			into.Listeners = append(into.Listeners, elsewhere(m, "routes of "+name, len(into.Listeners)))
		}
	})
	secretsByFile(t, into)
	t.Logf("%d clusters, %d listeners", len(into.Clusters), len(into.Listeners))
	out, err := protojson.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "envoy.json")
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command(built.envoy, "--mode", "validate", "-c", path, "-l", "warn").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// staticTwin is the cluster of an assignment that has it inside.
func staticTwin(t *testing.T, name string, a told, original string) *clusterv3.Cluster {
	t.Helper()
	of, ok := a.resources[ads.Cluster][original].(*clusterv3.Cluster)
	if !ok {
		t.Fatalf("%s: an assignment without its cluster", name)
	}
	m := proto.CloneOf(of)
	m.Name, m.EdsClusterConfig = "endpoints of "+name, nil
	m.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC}
	m.LoadAssignment = proto.CloneOf(a.resources[ads.Endpoint][original].(*endpointv3.ClusterLoadAssignment))
	return m
}

// elsewhere gives a listener a name and an address that no other has; an internal one
// has no address.
func elsewhere(m *listenerv3.Listener, name string, n int) *listenerv3.Listener {
	m.Name = name
	if m.GetInternalListener() != nil {
		return m
	}
	m.Address = &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: "127.0.0.1", PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(20000 + n)},
	}}}
	return m
}

// withRoutes is the listener that asks for these routes, with the routes inside;
// nil if none does.
func withRoutes(t *testing.T, a told, routes *routev3.RouteConfiguration) *listenerv3.Listener {
	t.Helper()
	for _, m := range a.resources[ads.Listener] {
		l := proto.CloneOf(m.(*listenerv3.Listener))
		for _, chain := range l.FilterChains {
			for _, filter := range chain.Filters {
				hcm := new(hcmv3.HttpConnectionManager)
				if filter.GetTypedConfig().UnmarshalTo(hcm) != nil || hcm.GetRds().GetRouteConfigName() != routes.Name {
					continue
				}
				inside := proto.CloneOf(routes)
				inside.ValidateClusters = wrapperspb.Bool(false) // as by RDS; checkClusters does it
				hcm.RouteSpecifier = &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: inside}
				filter.ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: packed(t, hcm)}
				return l
			}
		}
	}
	t.Errorf("%s: no listener asks for the routes %s", a.story, routes.Name)
	return nil
}

// checkClusters: routes name only clusters that the client has.
func checkClusters(t *testing.T, name string, a told, routes *routev3.RouteConfiguration) {
	t.Helper()
	for _, host := range routes.VirtualHosts {
		for _, r := range host.Routes {
			if c := r.GetRoute().GetCluster(); c != "" && a.resources[ads.Cluster][c] == nil {
				t.Errorf("%s: %s leads to %s, which the client does not have", name, host.Name, c)
			}
		}
	}
}
