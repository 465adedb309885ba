package envoy

import (
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	commonv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/common/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/coastwise/coastwise/translate/model"
)

// cluster builds, validates and decodes.
func cluster(t *testing.T, policy model.Policy, v model.Variant) *clusterv3.Cluster {
	t.Helper()
	r := must[Resource](t)(Cluster(reviews(policy), v, assignment()))
	if err := Validate(r); err != nil {
		t.Fatal(err)
	}
	return decoded(t, r, new(clusterv3.Cluster))
}

func TestClusterIsEDSOverADS(t *testing.T) {
	want := new(clusterv3.Cluster)
	if err := protojson.Unmarshal([]byte(`{
		"name": "outbound|80|v1|reviews.default.svc.cluster.local",
		"altStatName": "default/reviews/80/v1",
		"type": "EDS",
		"edsClusterConfig": {
			"edsConfig": {"ads": {}, "resourceApiVersion": "V3"},
			"serviceName": "outbound|80|v1|reviews.default.svc.cluster.local"
		},
		"connectTimeout": "10s",
		"circuitBreakers": {"thresholds": [{
			"maxConnections": 4294967295, "maxPendingRequests": 4294967295,
			"maxRequests": 4294967295, "maxRetries": 4294967295, "trackRemaining": true
		}]},
		"commonLbConfig": {"healthyPanicThreshold": {"value": 30}, "updateMergeWindow": "0s"},
		"loadBalancingPolicy": {"policies": [{"typedExtensionConfig": {
			"name": "envoy.load_balancing_policies.least_request",
			"typedConfig": {"@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest"}
		}}]},
		"typedExtensionProtocolOptions": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
			"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			"explicitHttpConfig": {"httpProtocolOptions": {}}
		}}
	}`), want); err != nil {
		t.Fatal(err)
	}
	policy := plain()
	policy.Mode, policy.MinHealthPercent = model.Levels, 30
	got := cluster(t, policy, model.Variant{Port: 80, Subset: "v1"})
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func TestClusterAlgorithms(t *testing.T) {
	for algorithm, want := range map[model.Algorithm]string{
		model.LeastRequest: "envoy.load_balancing_policies.least_request",
		model.RoundRobin:   "envoy.load_balancing_policies.round_robin",
		model.Random:       "envoy.load_balancing_policies.random",
		model.RingHash:     "envoy.load_balancing_policies.ring_hash",
		model.Maglev:       "envoy.load_balancing_policies.maglev",
		model.Passthrough:  "envoy.load_balancing_policies.cluster_provided",
	} {
		policy := plain()
		policy.Algorithm = algorithm
		c := cluster(t, policy, model.Variant{Port: 80})
		if got := c.LoadBalancingPolicy.Policies[0].TypedExtensionConfig.Name; got != want {
			t.Errorf("%s: %s, want %s", algorithm, got, want)
		}
		passthrough := algorithm == model.Passthrough
		if got := c.GetType() == clusterv3.Cluster_ORIGINAL_DST; got != passthrough {
			t.Errorf("%s: type %s", algorithm, c.GetType())
		}
		if got := c.LbPolicy == clusterv3.Cluster_CLUSTER_PROVIDED; got != passthrough {
			t.Errorf("%s: lb_policy %s", algorithm, c.LbPolicy)
		}
		if got := c.EdsClusterConfig == nil; got != passthrough {
			t.Errorf("%s: eds_cluster_config %v", algorithm, c.EdsClusterConfig)
		}
	}
}

func TestClusterUpdatesAtOnceWherePrioritiesAct(t *testing.T) {
	for mode, want := range map[model.Mode]bool{model.Flat: false, model.Levels: true, model.Hints: true} {
		policy := plain()
		policy.Mode = mode
		common := cluster(t, policy, model.Variant{Port: 80}).CommonLbConfig
		if got := common.UpdateMergeWindow != nil; got != want {
			t.Errorf("%s: update_merge_window %v", mode, common.UpdateMergeWindow)
		}
		if common.HealthyPanicThreshold == nil || common.HealthyPanicThreshold.Value != 0 {
			t.Errorf("%s: panic threshold %v, want an explicit 0", mode, common.HealthyPanicThreshold)
		}
	}
}

func TestClusterProtocols(t *testing.T) {
	for protocol, http2 := range map[model.AppProtocol]bool{
		model.ProtocolUndeclared: false, model.ProtocolTCP: false, model.ProtocolHTTP: false,
		model.ProtocolHTTP2: true, model.ProtocolGRPC: true,
	} {
		s := reviews(plain())
		s.Ports[0].Protocol = protocol
		c := decoded(t, must[Resource](t)(Cluster(s, model.Variant{Port: 80}, assignment())), new(clusterv3.Cluster))
		options := new(httpv3.HttpProtocolOptions)
		if err := c.TypedExtensionProtocolOptions[httpOptionsName].UnmarshalTo(options); err != nil {
			t.Fatal(err)
		}
		if got := options.GetExplicitHttpConfig().GetHttp2ProtocolOptions() != nil; got != http2 {
			t.Errorf("%q: HTTP/2 %v", protocol, got)
		}
		if got := options.GetExplicitHttpConfig().GetHttpProtocolOptions() != nil; got == http2 {
			t.Errorf("%q: HTTP/1 %v", protocol, got)
		}
	}
}

// Semantics 6.3: locality weights count where shares carry meaning, and only there.
func TestClusterWeighsLocalities(t *testing.T) {
	for _, algorithm := range []model.Algorithm{model.LeastRequest, model.RoundRobin, model.Random} {
		for _, mode := range []model.Mode{model.Levels, model.Flat} {
			for _, shares := range [][]model.Distribute{nil, {{}}} {
				policy := plain()
				policy.Mode, policy.Algorithm, policy.Distribute = mode, algorithm, shares
				c := cluster(t, policy, model.Variant{Port: 80})
				m, err := c.LoadBalancingPolicy.Policies[0].TypedExtensionConfig.TypedConfig.UnmarshalNew()
				if err != nil {
					t.Fatal(err)
				}
				l := m.(interface {
					GetLocalityLbConfig() *commonv3.LocalityLbConfig
				}).GetLocalityLbConfig()
				if got, want := l.GetLocalityWeightedLbConfig() != nil, mode == model.Levels && shares != nil; got != want || !want && l != nil {
					t.Errorf("%s, %s, %v: %v", algorithm, mode, shares, l)
				}
			}
		}
	}
}

// Nothing of a client stands in a cluster.
func TestClusterIgnoresTheView(t *testing.T) {
	policy := plain()
	policy.Mode = model.Levels
	near := model.View{Locality: model.Locality{Region: "eu", Zone: "eu-1"}, Node: "n1"}
	a := must[Resource](t)(Cluster(reviews(policy), model.Variant{Port: 80, View: near}, assignment()))
	b := must[Resource](t)(Cluster(reviews(policy), model.Variant{Port: 80}, assignment()))
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
	policy.MinHealthPercent = 1
	c := must[Resource](t)(Cluster(reviews(policy), model.Variant{Port: 80}, assignment()))
	if a.Version == c.Version {
		t.Error("another panic threshold has the same version")
	}
}

func TestClusterRefusesWhatIsNotThere(t *testing.T) {
	for _, v := range []model.Variant{{Port: 81}, {Port: 80, PolicyID: 1}, {Port: 80, PolicyID: -1}} {
		if _, err := Cluster(reviews(plain()), v, assignment()); err == nil {
			t.Errorf("%+v: no error", v)
		}
		if _, err := LoadAssignment(reviews(plain()), v, assignment()); err == nil {
			t.Errorf("%+v: no error", v)
		}
	}
	policy := plain()
	policy.Algorithm = "NONE"
	if _, err := Cluster(reviews(policy), model.Variant{Port: 80}, assignment()); err == nil {
		t.Error("NONE: no error")
	}
}
