package envoy

import (
	"fmt"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	lbcommonv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/common/v3"
	leastrequestv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/least_request/v3"
	maglevv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/maglev/v3"
	ringhashv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/ring_hash/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// everyOutliers has every field.
func everyOutliers() *model.Outliers {
	return &model.Outliers{
		Consecutive5xx: 7, ConsecutiveGateway: 3, SplitLocalOrigin: true, ConsecutiveLocalOrigin: 4,
		Interval: 2 * time.Second, BaseEjectionTime: 20 * time.Second, MaxEjectionTime: 90 * time.Second,
		Jitter: 1500 * time.Millisecond, MaxEjectionPercent: 40, ErrorCodes: []int32{429, 500, 501, 502, 599},
		SuccessRate:       &model.SuccessRate{MinimumHosts: 6, RequestVolume: 50, StdevFactor: 1500},
		FailurePercentage: &model.FailurePercentage{Threshold: 60, MinimumHosts: 4, RequestVolume: 30},
	}
}

// everySettings are policies that between them have every setting of a cluster.
func everySettings() []model.Policy {
	outliers := plain()
	outliers.Cluster.Outliers = everyOutliers()
	limits, client, passing := plain(), plain(), plain()
	limits.Cluster.Pool = everyPool()
	client.Cluster.Pool = everyPool()
	client.Cluster.Pool.Upgrade, client.Cluster.Pool.UseClientProtocol = model.NoUpgrade, true
	passing.Cluster.Pool, passing.Cluster.Outliers = everyPool(), everyOutliers()
	passing.Algorithm = model.Passthrough
	all := append([]model.Policy{outliers, limits, client, passing}, encrypted()...)
	for _, a := range []model.Algorithm{model.RingHash, model.Maglev, model.LeastRequest, model.RoundRobin} {
		all = append(all, balanced(a))
	}
	return all
}

// balanced has every setting that an algorithm has.
func balanced(a model.Algorithm) model.Policy {
	p := plain()
	p.Algorithm = a
	switch a {
	case model.RingHash, model.Maglev:
		p.Cluster.Hash = &model.Hash{Header: "x-user", Size: 101}
	default:
		p.Cluster.Warmup = &model.Warmup{Window: time.Minute, Minimum: 5, Aggression: 1.5}
	}
	return p
}

// everyHash has each kind of key once.
func everyHash() []*model.Hash {
	return []*model.Hash{
		{Header: "x-user"},
		{QueryParameter: "user"},
		{SourceIP: true},
		{Cookie: &model.Cookie{Name: "c"}},
		{Cookie: &model.Cookie{Name: "c", Path: "/x", TTL: ptr(time.Duration(0)), Attributes: []model.CookieAttribute{{Name: "SameSite", Value: "Lax"}}}},
	}
}

// everyPool has every field but UseClientProtocol.
func everyPool() model.Pool {
	return model.Pool{
		MaxConnections: ptr(uint32(1)), MaxPendingRequests: ptr(uint32(2)), MaxRequests: ptr(uint32(3)), MaxRetries: ptr(uint32(0)),
		RetryBudget:    &model.RetryBudget{Percent: 12.5, MinConcurrency: 0, Interval: time.Second},
		ConnectTimeout: 2 * time.Second,
		Keepalive:      &model.Keepalive{Probes: ptr(uint32(4)), Time: ptr(uint32(5)), Interval: ptr(uint32(6))},
		IdleTimeout:    ptr(time.Duration(0)), TCPIdleTimeout: ptr(time.Minute),
		MaxConnectionDuration: time.Hour, MaxRequestsPerConnection: 7, MaxConcurrentStreams: 8,
		Upgrade: model.UpgradeAlways, HTTP2Keepalive: &model.HTTP2Keepalive{Interval: 9 * time.Second, Timeout: time.Second},
	}
}

func ptr[T any](v T) *T { return &v }

// jsonOf reads what a test expects.
func jsonOf[M proto.Message](t *testing.T, text string, m M) M {
	t.Helper()
	if err := protojson.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	return m
}

func optionsOf(t *testing.T, c *clusterv3.Cluster) *httpv3.HttpProtocolOptions {
	t.Helper()
	options := new(httpv3.HttpProtocolOptions)
	if err := c.TypedExtensionProtocolOptions[httpOptionsName].UnmarshalTo(options); err != nil {
		t.Fatal(err)
	}
	return options
}

// destination-rule.md 2.6, and what Istio cannot say.
func TestOutlierDetection(t *testing.T) {
	policy := plain()
	policy.Cluster.Outliers = everyOutliers()
	c := cluster(t, policy, model.Variant{Port: 80})
	want := jsonOf(t, `{
		"consecutive5xx": 7, "enforcingConsecutive5xx": 100,
		"consecutiveGatewayFailure": 3, "enforcingConsecutiveGatewayFailure": 100,
		"splitExternalLocalOriginErrors": true,
		"consecutiveLocalOriginFailure": 4, "enforcingConsecutiveLocalOriginFailure": 100,
		"interval": "2s", "baseEjectionTime": "20s", "maxEjectionTime": "90s", "maxEjectionTimeJitter": "1.5s",
		"maxEjectionPercent": 40,
		"enforcingSuccessRate": 100, "enforcingLocalOriginSuccessRate": 100,
		"successRateMinimumHosts": 6, "successRateRequestVolume": 50, "successRateStdevFactor": 1500,
		"enforcingFailurePercentage": 100, "enforcingFailurePercentageLocalOrigin": 100,
		"failurePercentageThreshold": 60, "failurePercentageMinimumHosts": 4, "failurePercentageRequestVolume": 30
	}`, new(clusterv3.OutlierDetection))
	if diff := cmp.Diff(want, c.OutlierDetection, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	codes := jsonOf(t, `{"errorMatcher": {"orMatch": {"rules": [
		{"httpResponseHeadersMatch": {"headers": [{"name": ":status", "rangeMatch": {"start": "429", "end": "430"}}]}},
		{"httpResponseHeadersMatch": {"headers": [{"name": ":status", "rangeMatch": {"start": "500", "end": "503"}}]}},
		{"httpResponseHeadersMatch": {"headers": [{"name": ":status", "rangeMatch": {"start": "599", "end": "600"}}]}}
	]}}}`, new(httpv3.HttpProtocolOptions_OutlierDetection))
	if diff := cmp.Diff(codes, optionsOf(t, c).OutlierDetection, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if w := c.CommonLbConfig.UpdateMergeWindow; w == nil || w.AsDuration() != 0 {
		t.Errorf("update_merge_window %v", w)
	}
}

// A single run of codes needs no set, of which Envoy wants two.
func TestOutlierErrorCodesInOneRun(t *testing.T) {
	policy := plain()
	policy.Cluster.Outliers = everyOutliers()
	policy.Cluster.Outliers.ErrorCodes = []int32{503}
	got := optionsOf(t, cluster(t, policy, model.Variant{Port: 80})).OutlierDetection
	want := jsonOf(t, `{"errorMatcher": {"httpResponseHeadersMatch": {"headers": [
		{"name": ":status", "rangeMatch": {"start": "503", "end": "504"}}]}}}`, new(httpv3.HttpProtocolOptions_OutlierDetection))
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// destination-rule.md 2.5 and 2.8.
func TestPool(t *testing.T) {
	policy := plain()
	policy.Cluster.Pool = everyPool()
	c := cluster(t, policy, model.Variant{Port: 80})
	want := jsonOf(t, `{
		"connectTimeout": "2s",
		"circuitBreakers": {"thresholds": [{
			"maxConnections": 1, "maxPendingRequests": 2, "maxRequests": 3, "maxRetries": 0, "trackRemaining": true,
			"retryBudget": {"budgetPercent": {"value": 12.5}, "minRetryConcurrency": 0, "budgetInterval": "1s"}
		}]},
		"upstreamConnectionOptions": {"tcpKeepalive": {"keepaliveProbes": 4, "keepaliveTime": 5, "keepaliveInterval": 6}}
	}`, new(clusterv3.Cluster))
	got := &clusterv3.Cluster{
		ConnectTimeout: c.ConnectTimeout, CircuitBreakers: c.CircuitBreakers, UpstreamConnectionOptions: c.UpstreamConnectionOptions,
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	options := jsonOf(t, `{
		"commonHttpProtocolOptions": {"idleTimeout": "0s", "maxConnectionDuration": "3600s", "maxRequestsPerConnection": 7},
		"explicitHttpConfig": {"http2ProtocolOptions": {
			"maxConcurrentStreams": 8, "connectionKeepalive": {"interval": "9s", "timeout": "1s"}
		}}
	}`, new(httpv3.HttpProtocolOptions))
	if diff := cmp.Diff(options, optionsOf(t, c), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// h2UpgradePolicy: a rule's word holds for its host, the mesh's where HTTP is declared.
func TestUpgrade(t *testing.T) {
	for _, tt := range []struct {
		protocol model.AppProtocol
		upgrade  model.Upgrade
		http2    bool
	}{
		{model.ProtocolHTTP, model.NoUpgrade, false},
		{model.ProtocolHTTP, model.UpgradeOfHTTP1, true},
		{model.ProtocolHTTP, model.UpgradeAlways, true},
		{model.ProtocolUndeclared, model.UpgradeOfHTTP1, false},
		{model.ProtocolUndeclared, model.UpgradeAlways, true},
		{model.ProtocolTCP, model.UpgradeOfHTTP1, false},
		{model.ProtocolGRPC, model.NoUpgrade, true},
	} {
		got := upstreamHTTP(tt.protocol, model.ClusterSettings{Pool: model.Pool{Upgrade: tt.upgrade}})
		if http2 := got.GetExplicitHttpConfig().GetHttp2ProtocolOptions() != nil; http2 != tt.http2 {
			t.Errorf("%q %q: HTTP/2 %t", tt.protocol, tt.upgrade, http2)
		}
	}
}

// destination-rule.md 2.2: the tables and the slow start.
func TestBalance(t *testing.T) {
	for algorithm, want := range map[model.Algorithm]string{
		model.RingHash: `{"@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash", "minimumRingSize": "101"}`,
		model.Maglev:   `{"@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.maglev.v3.Maglev", "tableSize": "101"}`,
		model.RoundRobin: `{"@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin",
			"slowStartConfig": {"slowStartWindow": "60s", "aggression": {"defaultValue": 1.5}, "minWeightPercent": {"value": 5}}}`,
		model.LeastRequest: `{"@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest",
			"slowStartConfig": {"slowStartWindow": "60s", "aggression": {"defaultValue": 1.5}, "minWeightPercent": {"value": 5}}}`,
	} {
		c := cluster(t, balanced(algorithm), model.Variant{Port: 80})
		got := c.LoadBalancingPolicy.Policies[0].TypedExtensionConfig.TypedConfig
		if diff := cmp.Diff(jsonOf(t, want, new(anypb.Any)), got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", algorithm, diff)
		}
	}
}

// A hash key stands in the routes to its service, and only there.
func TestRoutesCarryHashKeys(t *testing.T) {
	for _, tt := range []struct {
		hash *model.Hash
		want string
	}{
		{everyHash()[0], `{"header": {"headerName": "x-user"}}`},
		{everyHash()[1], `{"queryParameter": {"name": "user"}}`},
		{everyHash()[2], `{"connectionProperties": {"sourceIp": true}}`},
		{everyHash()[3], `{"cookie": {"name": "c"}}`},
		{everyHash()[4], `{"cookie": {"name": "c", "path": "/x", "ttl": "0s", "attributes": [{"name": "SameSite", "value": "Lax"}]}}`},
	} {
		policy := plain()
		policy.Algorithm, policy.Cluster.Hash = model.RingHash, tt.hash
		s := reviews(policy)
		s.Lookup = map[model.PolicyKey]model.PolicyID{{Port: 80}: 0, {Port: 9000}: 0}
		routes := routesFor(t, "default", append(many(1), s)...)
		if got := routes.VirtualHosts[0].Routes[0].GetRoute().HashPolicy; got != nil {
			t.Errorf("a service without a hash has %v", got)
		}
		got := routes.VirtualHosts[1].Routes[0].GetRoute().HashPolicy
		want := []*routev3.RouteAction_HashPolicy{jsonOf(t, tt.want, new(routev3.RouteAction_HashPolicy))}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	}
}

// Two namespaces with different rules: the key in the routes is that of the
// policy which Select gives the client for the cluster.
func TestRoutesHashAsTheCluster(t *testing.T) {
	theirs, others := plain(), plain()
	theirs.Algorithm, theirs.Cluster.Hash = model.Maglev, &model.Hash{Header: "x-theirs"}
	others.Algorithm, others.Cluster.Hash = model.RingHash, &model.Hash{Header: "x-others"}
	s := reviews(others)
	s.Policies = append(s.Policies, theirs)
	s.Lookup = map[model.PolicyKey]model.PolicyID{{Port: 80}: 0, {Port: 9000}: 0, {Namespace: "web", Port: 80}: 1, {Namespace: "web", Port: 9000}: 1}
	for _, p := range []model.Proxy{
		{Kind: model.Sidecar, Namespace: "web", ID: "web/a", Labels: map[string]string{"a": "b"}},
		{Kind: model.Sidecar, Namespace: "default"},
		{Kind: model.Waypoint, Namespace: "web"},
	} {
		want := s.Policies[s.Select(p, 80, "").PolicyID].Cluster.Hash.Header
		r := decoded(t, must[Resource](t)(Routes(p, []*model.Service{s})), new(routev3.RouteConfiguration))
		got := r.VirtualHosts[0].Routes[0].GetRoute().HashPolicy[0].GetHeader().GetHeaderName()
		if got != want {
			t.Errorf("%s of %s: %s, want %s", p.Kind, p.Namespace, got, want)
		}
	}
}

func TestValidateBalance(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config proto.Message
		want   string
	}{
		{"empty ring", &ringhashv3.RingHash{MinimumRingSize: wrapperspb.UInt64(0)}, "inside range [1, 8388608]"},
		{"large ring", &ringhashv3.RingHash{MinimumRingSize: wrapperspb.UInt64(1 << 24)}, "inside range [1, 8388608]"},
		{"no prime", &maglevv3.Maglev{TableSize: wrapperspb.UInt64(1000)}, "1000 is no prime"},
		{"no window", &leastrequestv3.LeastRequest{SlowStartConfig: &lbcommonv3.SlowStartConfig{}}, "slow_start_window: missing"},
		{"aggression", &leastrequestv3.LeastRequest{SlowStartConfig: &lbcommonv3.SlowStartConfig{}}, "aggression: not above 0"},
	} {
		f := &findings{}
		f.balance(pack(tt.config))
		expect(t, f.err(Resource{}), tt.want)
	}
}

func TestValidateSettings(t *testing.T) {
	policy := plain()
	policy.Cluster.Outliers, policy.Cluster.Pool = everyOutliers(), everyPool()
	good := must[Resource](t)(Cluster(reviews(policy), model.Variant{Port: 80}, assignment()))
	run(t, good, func() *clusterv3.Cluster { return new(clusterv3.Cluster) }, []spoilt[*clusterv3.Cluster]{
		{"success rate", func(m *clusterv3.Cluster) { m.OutlierDetection.EnforcingSuccessRate = nil }, "enforcing_success_rate: missing"},
		{"local success rate", func(m *clusterv3.Cluster) { m.OutlierDetection.EnforcingLocalOriginSuccessRate = nil }, "enforcing_local_origin_success_rate: missing"},
		{"longest", func(m *clusterv3.Cluster) {
			m.OutlierDetection.MaxEjectionTime = durationpb.New(time.Second)
		}, "max_ejection_time: 1s is below base_ejection_time, 20s"},
		{"merged", func(m *clusterv3.Cluster) { m.CommonLbConfig.UpdateMergeWindow = nil }, "update_merge_window: not 0s"},
		{"limit", func(m *clusterv3.Cluster) { m.CircuitBreakers.Thresholds[0].MaxRetries = nil }, "thresholds[0]: a limit is missing"},
		{"no limits", func(m *clusterv3.Cluster) { m.CircuitBreakers = nil }, "thresholds: 0 instead of 1"},
		{"connect", func(m *clusterv3.Cluster) { m.ConnectTimeout = nil }, "connect_timeout: missing"},
		{"probes", func(m *clusterv3.Cluster) {
			m.UpstreamConnectionOptions.TcpKeepalive.KeepaliveTime = wrapperspb.UInt32(32768)
		}, "tcp_keepalive: Linux takes at most"},
		{"no options", func(m *clusterv3.Cluster) { m.TypedExtensionProtocolOptions = nil }, "typed_extension_protocol_options"},
		{"bad options", func(m *clusterv3.Cluster) {
			o := optionsOf(t, m)
			o.UpstreamProtocolOptions = nil
			m.TypedExtensionProtocolOptions[httpOptionsName] = pack(o)
		}, "typed_extension_protocol_options: invalid HttpProtocolOptions"},
	})
}

// of is a client of a namespace.
func of(namespace string) model.Proxy {
	return model.Proxy{Kind: model.Sidecar, Namespace: namespace}
}

// hashing are services that have each kind of key once.
func hashing() []*model.Service {
	out := []*model.Service{reviews(plain())}
	for i, h := range everyHash() {
		s := reviews(plain())
		s.Key, s.Name = model.ServiceKey("hash", fmt.Sprint(i)), fmt.Sprint(i)
		s.Policies[0].Algorithm, s.Policies[0].Cluster.Hash = model.RingHash, h
		s.Lookup = map[model.PolicyKey]model.PolicyID{{Port: 80}: 0, {Port: 9000}: 0}
		out = append(out, s)
	}
	return out
}

// Locality weights act under hashing too (semantics 6.3): the ring is that of the
// locality that was drawn.
func TestHashTablesWeighLocalities(t *testing.T) {
	for _, a := range []model.Algorithm{model.RingHash, model.Maglev} {
		policy := balanced(a)
		policy.Mode = model.Levels
		for _, weighted := range []bool{false, true} {
			if weighted {
				policy.Distribute = make([]model.Distribute, 1)
			}
			c := cluster(t, policy, model.Variant{Port: 80})
			m := must[proto.Message](t)(c.LoadBalancingPolicy.Policies[0].TypedExtensionConfig.TypedConfig.UnmarshalNew())
			got := m.(interface {
				GetLocalityWeightedLbConfig() *lbcommonv3.LocalityLbConfig_LocalityWeightedLbConfig
			}).GetLocalityWeightedLbConfig()
			if (got != nil) != weighted {
				t.Errorf("%s, weighted %t: %v", a, weighted, got)
			}
		}
	}
}
