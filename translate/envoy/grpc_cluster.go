package envoy

import (
	"fmt"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	leastrequestv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/least_request/v3"
	ringhashv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/ring_hash/v3"
	roundrobinv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/round_robin/v3"
	wrrlocalityv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/wrr_locality/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// maxRing is the largest ring that gRPC clients take; they cap it further.
const maxRing = 8 << 20

// grpcCluster is a cluster as gRPC clients understand it (semantics 9.5,
// reference/xds.md 6): what they ignore is not in it. The legacy policy is read by
// old clients, and checked by all.
func grpcCluster(s *model.Service, v model.Variant, policy model.Policy) (*clusterv3.Cluster, error) {
	name := ClusterName(v.Port, v.Subset, s.Host)
	c := &clusterv3.Cluster{
		Name:                 name,
		AltStatName:          AltStatName(s.Namespace, s.Name, v.Port, v.Subset),
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:     &clusterv3.Cluster_EdsClusterConfig{EdsConfig: ads(), ServiceName: name},
		CircuitBreakers: &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{
			MaxRequests: limited(policy.Cluster.Pool.MaxRequests),
		}}},
		OutlierDetection: outlierDetection(policy.Cluster.Outliers),
	}
	switch policy.Algorithm {
	case model.LeastRequest:
		c.LbPolicy = clusterv3.Cluster_ROUND_ROBIN
		c.LoadBalancingPolicy = byLocality(
			extension("least_request", &leastrequestv3.LeastRequest{}), extension("round_robin", &roundrobinv3.RoundRobin{}))
	case model.RoundRobin:
		c.LbPolicy = clusterv3.Cluster_ROUND_ROBIN
		c.LoadBalancingPolicy = byLocality(extension("round_robin", &roundrobinv3.RoundRobin{}))
	case model.RingHash:
		least, most := ringOf(policy.Cluster.Hash), wrapperspb.UInt64(maxRing)
		c.LbPolicy = clusterv3.Cluster_RING_HASH
		c.LbConfig = &clusterv3.Cluster_RingHashLbConfig_{RingHashLbConfig: &clusterv3.Cluster_RingHashLbConfig{
			MinimumRingSize: least, MaximumRingSize: most,
		}}
		c.LoadBalancingPolicy = policies(extension("ring_hash", &ringhashv3.RingHash{
			HashFunction: ringhashv3.RingHash_XX_HASH, MinimumRingSize: least, MaximumRingSize: most,
		}))
	default:
		return nil, fmt.Errorf("gRPC clients have no load balancing algorithm %q", policy.Algorithm)
	}
	return c, nil
}

// byLocality chooses a locality by its weight, then an endpoint in it by the first
// policy that the client knows: grpc-js has no least_request, and refuses a cluster
// with nothing that it knows.
func byLocality(children ...*corev3.TypedExtensionConfig) *clusterv3.LoadBalancingPolicy {
	return policies(extension("wrr_locality", &wrrlocalityv3.WrrLocality{EndpointPickingPolicy: policies(children...)}))
}

// policies are tried in this order: the first that a client knows counts.
func policies(of ...*corev3.TypedExtensionConfig) *clusterv3.LoadBalancingPolicy {
	out := &clusterv3.LoadBalancingPolicy{}
	for _, e := range of {
		out.Policies = append(out.Policies, &clusterv3.LoadBalancingPolicy_Policy{TypedExtensionConfig: e})
	}
	return out
}

func extension(name string, config proto.Message) *corev3.TypedExtensionConfig {
	return &corev3.TypedExtensionConfig{Name: lbPolicyPrefix + name, TypedConfig: pack(config)}
}

func ringOf(h *model.Hash) *wrapperspb.UInt64Value {
	if h == nil || h.Size == 0 {
		return nil
	}
	return wrapperspb.UInt64(min(h.Size, maxRing))
}
