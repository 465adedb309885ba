package envoy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/model"
)

// TestRealEnvoyTakesThem loads every form of resource as static configuration
// of the Envoy that the environment variable ENVOY names. The e2e module sends
// them over ADS, and never skips.
func TestRealEnvoyTakesThem(t *testing.T) {
	binary := os.Getenv("ENVOY")
	if binary == "" {
		t.Skip("ENVOY names no Envoy")
	}
	b := new(bootstrapv3.Bootstrap)
	text := must[[]byte](t)(Bootstrap(goodProxy(), BootstrapOptions{XDS: "127.0.0.1:15010", AdminPort: 15000}))
	if err := protojson.Unmarshal(must[[]byte](t)(yaml.YAMLToJSON(text)), b); err != nil {
		t.Fatal(err)
	}
	b.StaticResources.Clusters = append(b.StaticResources.Clusters, everyCluster(t)...)
	l := decoded(t, must[Resource](t)(Listener(Listen{Bind: "127.0.0.1", Port: 15080})), new(listenerv3.Listener))
	connecting := model.Proxy{Kind: model.Sidecar, Namespace: "default", Internal: true, Connect: true, HTTPProxyPort: 1}
	connect := decoded(t, must[Resource](t)(Listener(Listen{Bind: "127.0.0.1", Port: 15082, Connect: true})), new(listenerv3.Listener))
	connect.Name = "connect"
	carried := decoded(t, must[Resource](t)(carrying().Listener("127.0.0.1", 0)), new(listenerv3.Listener))
	asks := decoded(t, must[Resource](t)(tunnelling(model.Tunnel{Target: "[::1]:443", Post: true}).Listener("127.0.0.1", 0)), new(listenerv3.Listener))
	b.StaticResources.Listeners = append(b.StaticResources.Listeners, l, withRoutes(t, l, of("default")), withRoutes(t, connect, connecting), carried, asks)
	for i, r := range captureListeners(t) {
		l := decoded(t, r, new(listenerv3.Listener))
		l.Name = fmt.Sprintf("%s-%d", l.Name, i)
		if l.GetAddress() != nil {
			l.Address = socketAddress("127.0.0.1", uint32(15100+i))
		}
		b.StaticResources.Listeners = append(b.StaticResources.Listeners, l)
	}
	for _, name := range FixedClusters(true, true) {
		b.StaticResources.Clusters = append(b.StaticResources.Clusters, decoded(t, must[Resource](t)(FixedCluster(name)), new(clusterv3.Cluster)))
	}
	path := filepath.Join(t.TempDir(), "envoy.json")
	if err := os.WriteFile(path, must[[]byte](t)(protojson.Marshal(b)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, "--mode", "validate", "-c", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// everyCluster has each algorithm, protocol and mode once, and a static one that
// carries our load assignment.
func everyCluster(t *testing.T) []*clusterv3.Cluster {
	var out []*clusterv3.Cluster
	for _, a := range []model.Algorithm{model.LeastRequest, model.RoundRobin, model.Random, model.Passthrough} {
		policy := plain()
		policy.Mode, policy.Algorithm = model.Levels, a
		for _, port := range []uint32{80, 9000} {
			v := model.Variant{Port: port, Subset: string(a)}
			c := decoded(t, must[Resource](t)(Cluster(reviews(policy), v, assignment())), new(clusterv3.Cluster))
			out = append(out, c)
		}
		policy.Distribute = []model.Distribute{{}}
		weighted := model.Variant{Port: 80, Subset: string(a) + "-WEIGHTED"}
		out = append(out, decoded(t, must[Resource](t)(Cluster(reviews(policy), weighted, assignment())), new(clusterv3.Cluster)))
	}
	for i, policy := range everySettings() {
		for _, port := range []uint32{80, 9000} {
			v := model.Variant{Port: port, Subset: fmt.Sprintf("settings-%d", i)}
			r := must[Resource](t)(Cluster(reviews(policy), v, assignment()))
			if err := Validate(r); err != nil {
				t.Error(err)
			}
			out = append(out, decoded(t, r, new(clusterv3.Cluster)))
		}
	}
	static := proto.CloneOf(out[0])
	v := model.Variant{Port: 80, Subset: "static"}
	r := must[Resource](t)(LoadAssignment(reviews(plain()), v, assignment()))
	static.Name, static.EdsClusterConfig = r.Name, nil
	static.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC}
	static.LoadAssignment = decoded(t, r, new(endpointv3.ClusterLoadAssignment))
	return append(append(out, static), dnsClusters(t)...)
}

// withRoutes is the listener on another port with our routes inside.
func withRoutes(t *testing.T, l *listenerv3.Listener, client model.Proxy) *listenerv3.Listener {
	l = proto.CloneOf(l)
	l.Name, l.Address = "inline"+l.Name, socketAddress("::1", 15081+client.HTTPProxyPort%2)
	filter := l.FilterChains[0].Filters[0]
	hcm := new(hcmv3.HttpConnectionManager)
	if err := filter.GetTypedConfig().UnmarshalTo(hcm); err != nil {
		t.Fatal(err)
	}
	routes := decoded(t, must[Resource](t)(Routes(client, append([]*model.Service{routedBy(everyRoute()...)}, append(many(3), hashing()...)...))), new(routev3.RouteConfiguration))
	hcm.RouteSpecifier = &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: routes}
	filter.ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: pack(hcm)}
	return l
}
