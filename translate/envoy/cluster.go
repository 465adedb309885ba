package envoy

import (
	"fmt"
	"math"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	clusterprovidedv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/cluster_provided/v3"
	commonv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/common/v3"
	leastrequestv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/least_request/v3"
	randomv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/random/v3"
	roundrobinv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/round_robin/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

const (
	connectTimeout  = 10 * time.Second
	httpOptionsName = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
	lbPolicyPrefix  = "envoy.load_balancing_policies."
	unlimited       = math.MaxUint32
)

// Cluster is the cluster of one variant, with the defaults of semantics 9.6.
// It reads the variant's port, subset and policy, never its View, so all
// clients of one policy share its bytes.
//
// It fails if the service has no such port or policy.
func Cluster(s *model.Service, v model.Variant) (Resource, error) {
	port, policy, err := resolve(s, v)
	if err != nil {
		return Resource{}, err
	}
	lb, err := loadBalancing(policy.Algorithm, localityWeighting(policy))
	if err != nil {
		return Resource{}, fmt.Errorf("cluster of %s port %d: %w", s.Host, v.Port, err)
	}
	name := ClusterName(v.Port, v.Subset, s.Host)
	c := &clusterv3.Cluster{
		Name:                          name,
		AltStatName:                   AltStatName(s.Namespace, s.Name, v.Port, v.Subset),
		ConnectTimeout:                durationpb.New(connectTimeout),
		CircuitBreakers:               openBreakers(),
		CommonLbConfig:                commonLb(policy),
		LoadBalancingPolicy:           lb,
		TypedExtensionProtocolOptions: map[string]*anypb.Any{httpOptionsName: pack(upstreamHTTP(port.Protocol))},
	}
	if policy.Algorithm == model.Passthrough {
		c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_ORIGINAL_DST}
		c.LbPolicy = clusterv3.Cluster_CLUSTER_PROVIDED
	} else {
		c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS}
		c.EdsClusterConfig = &clusterv3.Cluster_EdsClusterConfig{EdsConfig: ads(), ServiceName: name}
	}
	return encode(ClusterType, name, c)
}

// resolve finds what a variant names.
func resolve(s *model.Service, v model.Variant) (model.Port, model.Policy, error) {
	if v.PolicyID < 0 || int(v.PolicyID) >= len(s.Policies) {
		return model.Port{}, model.Policy{}, fmt.Errorf("%s has no policy %d", s.Host, v.PolicyID)
	}
	for _, p := range s.Ports {
		if p.Number == v.Port {
			return p, s.Policies[v.PolicyID], nil
		}
	}
	return model.Port{}, model.Policy{}, fmt.Errorf("%s has no port %d", s.Host, v.Port)
}

// ads says: ask on the stream that this came by.
func ads() *corev3.ConfigSource {
	return &corev3.ConfigSource{
		ResourceApiVersion:    corev3.ApiVersion_V3,
		ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
	}
}

// openBreakers lifts Envoy's limits of 1024: a limit is the user's to set.
func openBreakers() *clusterv3.CircuitBreakers {
	return &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{
		MaxConnections:     wrapperspb.UInt32(unlimited),
		MaxPendingRequests: wrapperspb.UInt32(unlimited),
		MaxRequests:        wrapperspb.UInt32(unlimited),
		MaxRetries:         wrapperspb.UInt32(unlimited),
		TrackRemaining:     true,
	}}}
}

// commonLb always writes the panic threshold: Envoy's own 50 % could reach
// unready endpoints (semantics 7). Where priorities act, updates are not merged
// over a second, which would hold failover back (semantics 9.6).
func commonLb(policy model.Policy) *clusterv3.Cluster_CommonLbConfig {
	c := &clusterv3.Cluster_CommonLbConfig{
		HealthyPanicThreshold: &typev3.Percent{Value: float64(policy.MinHealthPercent)},
	}
	switch policy.Mode {
	case model.Levels, model.Hints:
		c.UpdateMergeWindow = durationpb.New(0)
	}
	return c
}

// localityWeighting switches Envoy's locality weights on where they carry meaning
// (semantics 6.3), on the policy itself (reference envoy R14); nil elsewhere.
func localityWeighting(policy model.Policy) *commonv3.LocalityLbConfig {
	if !policy.Weighted() {
		return nil
	}
	return &commonv3.LocalityLbConfig{LocalityConfigSpecifier: &commonv3.LocalityLbConfig_LocalityWeightedLbConfig_{
		LocalityWeightedLbConfig: &commonv3.LocalityLbConfig_LocalityWeightedLbConfig{},
	}}
}

func loadBalancing(a model.Algorithm, l *commonv3.LocalityLbConfig) (*clusterv3.LoadBalancingPolicy, error) {
	var name string
	var config proto.Message
	switch a {
	case model.LeastRequest:
		name, config = "least_request", &leastrequestv3.LeastRequest{LocalityLbConfig: l}
	case model.RoundRobin:
		name, config = "round_robin", &roundrobinv3.RoundRobin{LocalityLbConfig: l}
	case model.Random:
		name, config = "random", &randomv3.Random{LocalityLbConfig: l}
	case model.Passthrough:
		name, config = "cluster_provided", &clusterprovidedv3.ClusterProvided{}
	default:
		return nil, fmt.Errorf("unknown load balancing algorithm %q", a)
	}
	return &clusterv3.LoadBalancingPolicy{Policies: []*clusterv3.LoadBalancingPolicy_Policy{{
		TypedExtensionConfig: &corev3.TypedExtensionConfig{Name: lbPolicyPrefix + name, TypedConfig: pack(config)},
	}}}, nil
}

// upstreamHTTP says what the endpoints speak: HTTP/2 only where it is declared.
func upstreamHTTP(p model.AppProtocol) *httpv3.HttpProtocolOptions {
	explicit := &httpv3.HttpProtocolOptions_ExplicitHttpConfig{}
	switch p {
	case model.ProtocolHTTP2, model.ProtocolGRPC:
		explicit.ProtocolConfig = &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
			Http2ProtocolOptions: &corev3.Http2ProtocolOptions{},
		}
	default:
		explicit.ProtocolConfig = &httpv3.HttpProtocolOptions_ExplicitHttpConfig_HttpProtocolOptions{
			HttpProtocolOptions: &corev3.Http1ProtocolOptions{},
		}
	}
	return &httpv3.HttpProtocolOptions{
		UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{ExplicitHttpConfig: explicit},
	}
}
