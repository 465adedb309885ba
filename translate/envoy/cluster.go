package envoy

import (
	"fmt"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

const (
	httpOptionsName = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
)

// Cluster is the cluster of one variant, with the defaults of semantics 9.6.
// It reads the variant's port, subset and policy, and of its View the Form alone,
// so all clients of one form and policy share its bytes.
//
// A service that is resolved by DNS is the exception: its cluster holds the load
// assignment a, so that it is a function of the whole variant, and every change of
// an endpoint is one of the cluster. Envoy then resolves all names again before the
// new cluster takes the place of the old one.
//
// It fails if the service has no such port or policy, where the policy withholds the
// cluster from clients of the form, on a string that is not UTF-8, and on more than
// one endpoint with DNSRoundRobin.
func Cluster(s *model.Service, v model.Variant, a locality.Assignment) (Resource, error) {
	port, policy, err := resolve(s, v)
	if err != nil {
		return Resource{}, err
	}
	if _, what := s.Withheld(policy, v.View.Form); what != "" {
		return Resource{}, fmt.Errorf("cluster of %s port %d: such clients cannot %s", s.Host, v.Port, what)
	}
	if v.View.Form == model.GRPCForm {
		c, err := grpcCluster(s, v, policy)
		if err != nil {
			return Resource{}, fmt.Errorf("cluster of %s port %d: %w", s.Host, v.Port, err)
		}
		return encode(ClusterType, c.Name, c)
	}
	lb, err := loadBalancing(policy, localityWeighting(policy))
	if err != nil {
		return Resource{}, fmt.Errorf("cluster of %s port %d: %w", s.Host, v.Port, err)
	}
	name := ClusterName(v.Port, v.Subset, s.Host)
	c := &clusterv3.Cluster{
		Name:                          name,
		AltStatName:                   AltStatName(s.Namespace, s.Name, v.Port, v.Subset),
		ConnectTimeout:                connect(policy.Cluster.Pool),
		CircuitBreakers:               breakers(policy.Cluster.Pool),
		CommonLbConfig:                commonLb(policy),
		LoadBalancingPolicy:           lb,
		UpstreamConnectionOptions:     connectionOptions(policy.Cluster.Pool.Keepalive),
		TransportSocket:               transport(policy.Cluster),
		OutlierDetection:              outlierDetection(policy.Cluster.Outliers),
		TypedExtensionProtocolOptions: map[string]*anypb.Any{httpOptionsName: pack(upstreamHTTP(port.Protocol, policy.Cluster))},
	}
	if v.View.Form == model.HBONE && policy.Algorithm != model.Passthrough && !inline(s) {
		c.TransportSocket = hop(c.TransportSocket, originalDstMeta, MetadataKey)
	}
	if err := discover(c, s, policy, a); err != nil {
		return Resource{}, fmt.Errorf("cluster of %s port %d: %w", s.Host, v.Port, err)
	}
	return encode(ClusterType, name, c)
}

// resolve finds what a variant names, the policy as clients of its form have it.
func resolve(s *model.Service, v model.Variant) (model.Port, model.Policy, error) {
	if v.PolicyID < 0 || int(v.PolicyID) >= len(s.Policies) {
		return model.Port{}, model.Policy{}, fmt.Errorf("%s has no policy %d", s.Host, v.PolicyID)
	}
	for _, p := range s.Ports {
		if p.Number == v.Port {
			return p, s.Policies[v.PolicyID].For(v.View.Form), nil
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

// commonLb always writes the panic threshold: Envoy's own 50 % could reach
// unready endpoints (semantics 7). Where priorities or ejection act, updates are
// not merged over a second, which would hold failover back (semantics 9.6).
func commonLb(policy model.Policy) *clusterv3.Cluster_CommonLbConfig {
	c := &clusterv3.Cluster_CommonLbConfig{
		HealthyPanicThreshold: &typev3.Percent{Value: float64(policy.MinHealthPercent)},
	}
	if policy.Mode != model.Flat || policy.Cluster.Outliers != nil {
		c.UpdateMergeWindow = durationpb.New(0)
	}
	return c
}
