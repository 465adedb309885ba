package envoy

import (
	"fmt"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	clusterprovidedv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/cluster_provided/v3"
	lbcommonv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/common/v3"
	leastrequestv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/least_request/v3"
	maglevv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/maglev/v3"
	randomv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/random/v3"
	ringhashv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/ring_hash/v3"
	roundrobinv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/round_robin/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

const lbPolicyPrefix = "envoy.load_balancing_policies."

// loadBalancing is the typed policy; it fails for an algorithm that Envoy has not.
func loadBalancing(p model.Policy, l *lbcommonv3.LocalityLbConfig) (*clusterv3.LoadBalancingPolicy, error) {
	var name string
	var config proto.Message
	switch p.Algorithm {
	case model.LeastRequest:
		name, config = "least_request", &leastrequestv3.LeastRequest{LocalityLbConfig: l, SlowStartConfig: slowStart(p.Cluster.Warmup)}
	case model.RoundRobin:
		name, config = "round_robin", &roundrobinv3.RoundRobin{LocalityLbConfig: l, SlowStartConfig: slowStart(p.Cluster.Warmup)}
	case model.Random:
		name, config = "random", &randomv3.Random{LocalityLbConfig: l}
	case model.RingHash:
		name, config = "ring_hash", &ringhashv3.RingHash{MinimumRingSize: tableOf(p.Cluster.Hash), LocalityWeightedLbConfig: l.GetLocalityWeightedLbConfig()}
	case model.Maglev:
		name, config = "maglev", &maglevv3.Maglev{TableSize: tableOf(p.Cluster.Hash), LocalityWeightedLbConfig: l.GetLocalityWeightedLbConfig()}
	case model.Passthrough:
		name, config = "cluster_provided", &clusterprovidedv3.ClusterProvided{}
	default:
		return nil, fmt.Errorf("unknown load balancing algorithm %q", p.Algorithm)
	}
	return policies(extension(name, config)), nil
}

// localityWeighting switches Envoy's locality weights on where they carry meaning
// (semantics 6.3), on the policy itself (reference envoy R14); nil elsewhere.
func localityWeighting(policy model.Policy) *lbcommonv3.LocalityLbConfig {
	if !policy.Weighted() {
		return nil
	}
	return &lbcommonv3.LocalityLbConfig{LocalityConfigSpecifier: &lbcommonv3.LocalityLbConfig_LocalityWeightedLbConfig_{
		LocalityWeightedLbConfig: &lbcommonv3.LocalityLbConfig_LocalityWeightedLbConfig{},
	}}
}

// tableOf is nil, which is Envoy's own size, where no size is known.
func tableOf(h *model.Hash) *wrapperspb.UInt64Value {
	if h == nil || h.Size == 0 {
		return nil
	}
	return wrapperspb.UInt64(h.Size)
}

// slowStart is nil where new endpoints get their share at once.
func slowStart(w *model.Warmup) *lbcommonv3.SlowStartConfig {
	if w == nil {
		return nil
	}
	return &lbcommonv3.SlowStartConfig{
		SlowStartWindow:  durationpb.New(w.Window),
		Aggression:       &corev3.RuntimeDouble{DefaultValue: w.Aggression},
		MinWeightPercent: &typev3.Percent{Value: w.Minimum},
	}
}

// hashPolicy says what of a request is its key; a hash key arrives in routes.
func hashPolicy(h *model.Hash) []*routev3.RouteAction_HashPolicy {
	if h == nil {
		return nil
	}
	out := &routev3.RouteAction_HashPolicy{}
	switch {
	case h.Header != "":
		out.PolicySpecifier = &routev3.RouteAction_HashPolicy_Header_{
			Header: &routev3.RouteAction_HashPolicy_Header{HeaderName: h.Header},
		}
	case h.QueryParameter != "":
		out.PolicySpecifier = &routev3.RouteAction_HashPolicy_QueryParameter_{
			QueryParameter: &routev3.RouteAction_HashPolicy_QueryParameter{Name: h.QueryParameter},
		}
	case h.Cookie != nil:
		out.PolicySpecifier = &routev3.RouteAction_HashPolicy_Cookie_{Cookie: hashCookie(h.Cookie)}
	case h.SourceIP:
		out.PolicySpecifier = &routev3.RouteAction_HashPolicy_ConnectionProperties_{
			ConnectionProperties: &routev3.RouteAction_HashPolicy_ConnectionProperties{SourceIp: true},
		}
	default:
		return nil
	}
	return []*routev3.RouteAction_HashPolicy{out}
}

func hashCookie(c *model.Cookie) *routev3.RouteAction_HashPolicy_Cookie {
	out := &routev3.RouteAction_HashPolicy_Cookie{Name: c.Name, Path: c.Path}
	if c.TTL != nil {
		out.Ttl = durationpb.New(*c.TTL)
	}
	for _, a := range c.Attributes {
		out.Attributes = append(out.Attributes, &routev3.RouteAction_HashPolicy_CookieAttribute{Name: a.Name, Value: a.Value})
	}
	return out
}

// settingsFor is what rules for a client at one port, as Select finds it.
func settingsFor(s *model.Service, client model.Proxy, port uint32) model.ClusterSettings {
	if len(s.Policies) == 0 {
		return model.ClusterSettings{}
	}
	id := s.Select(client, port, "").PolicyID
	if id < 0 || int(id) >= len(s.Policies) {
		return model.ClusterSettings{}
	}
	return s.Policies[id].Cluster
}
