package envoy

import (
	"fmt"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	leastrequestv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/least_request/v3"
	ringhashv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/ring_hash/v3"
	roundrobinv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/round_robin/v3"
	wrrlocalityv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/wrr_locality/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/coastwise/coastwise/translate/model"
)

// ValidateFor is Validate for clients of one form: gRPC clients take other
// clusters, listeners and routes than an Envoy, and refuse what it does not
// (reference/xds.md 6).
//
// The error is an *InvalidError.
func ValidateFor(form model.Form, r Resource) error {
	f := &findings{hbone: form == model.HBONE}
	if form != model.GRPCForm {
		return validate(f, r)
	}
	switch r.TypeURL {
	case ClusterType:
		if m := new(clusterv3.Cluster); f.decode(r, m) {
			f.named(r, m.GetName())
			f.grpcCluster(m)
		}
	case EndpointType:
		if m := new(endpointv3.ClusterLoadAssignment); f.decode(r, m) {
			f.named(r, m.GetClusterName())
			f.loadAssignment(m)
			f.allHealthy(m)
		}
	case ListenerType:
		if m := new(listenerv3.Listener); f.decode(r, m) {
			f.named(r, m.GetName())
			f.apiListener(m)
		}
	case RouteType:
		if m := new(routev3.RouteConfiguration); f.decode(r, m) {
			f.named(r, m.GetName())
			f.routes(m)
			f.grpcRoutes(m)
		}
	default:
		f.addf("unknown type %q", r.TypeURL)
	}
	return f.err(r)
}

func (f *findings) grpcCluster(m *clusterv3.Cluster) {
	if _, _, _, ok := ParseClusterName(m.GetName()); !ok {
		f.addf("name: %q is not outbound|PORT|SUBSET|HOST", m.GetName())
	}
	if m.GetType() != clusterv3.Cluster_EDS {
		f.addf("type: %s is not served to gRPC clients", m.GetType())
	}
	f.discovery(m)
	switch m.GetLbPolicy() {
	case clusterv3.Cluster_ROUND_ROBIN:
	case clusterv3.Cluster_RING_HASH:
		c := m.GetRingHashLbConfig()
		if c.GetHashFunction() != clusterv3.Cluster_RingHashLbConfig_XX_HASH {
			f.addf("ring_hash_lb_config.hash_function: not XX_HASH")
		}
		f.ring("ring_hash_lb_config", c.GetMinimumRingSize().GetValue(), c.GetMaximumRingSize().GetValue())
	default:
		f.addf("lb_policy: gRPC clients refuse %s even beside load_balancing_policy", m.GetLbPolicy())
	}
	f.grpcBalance(m.GetLoadBalancingPolicy(), m.GetLbPolicy())
	if m.GetTransportSocket() != nil || len(m.GetTransportSocketMatches()) > 0 {
		f.addf("transport_socket: gRPC clients have no certificates of ours")
	}
	if lrs := m.GetLrsServer(); lrs != nil && lrs.GetSelf() == nil {
		f.addf("lrs_server: not self")
	}
	thresholds := m.GetCircuitBreakers().GetThresholds()
	if len(thresholds) != 1 || thresholds[0].GetMaxRequests() == nil {
		f.addf("circuit_breakers: no max_requests, so gRPC's 1024 would hold")
	}
	f.grpcOutliers(m.GetOutlierDetection())
	f.noFiles(m)
}

// grpcBalance checks the typed policy, which must agree with the legacy one.
func (f *findings) grpcBalance(p *clusterv3.LoadBalancingPolicy, legacy clusterv3.Cluster_LbPolicy) {
	if len(p.GetPolicies()) != 1 {
		f.addf("load_balancing_policy: %d policies instead of 1", len(p.GetPolicies()))
		return
	}
	m, err := p.GetPolicies()[0].GetTypedExtensionConfig().GetTypedConfig().UnmarshalNew()
	if err != nil {
		f.addf("load_balancing_policy: %v", err)
		return
	}
	ring := legacy == clusterv3.Cluster_RING_HASH
	switch m := m.(type) {
	case *ringhashv3.RingHash:
		if m.GetHashFunction() != ringhashv3.RingHash_XX_HASH || !ring {
			f.addf("load_balancing_policy: ring_hash: not XX_HASH, or not the legacy policy")
		}
		f.ring("load_balancing_policy", m.GetMinimumRingSize().GetValue(), m.GetMaximumRingSize().GetValue())
	case *wrrlocalityv3.WrrLocality:
		if ring {
			f.addf("load_balancing_policy: wrr_locality, where the legacy policy is RING_HASH")
		}
		f.pick(m.GetEndpointPickingPolicy())
	default:
		f.addf("load_balancing_policy: localities are not weighed by %T", m)
	}
}

// pick checks what chooses an endpoint inside a locality: the last one is what
// every client knows, since one that knows none refuses the cluster.
func (f *findings) pick(p *clusterv3.LoadBalancingPolicy) {
	last := ""
	for _, of := range p.GetPolicies() {
		m, err := of.GetTypedExtensionConfig().GetTypedConfig().UnmarshalNew()
		last = of.GetTypedExtensionConfig().GetName()
		switch m := m.(type) {
		case *roundrobinv3.RoundRobin:
		case *leastrequestv3.LeastRequest:
			if n := m.GetChoiceCount(); n != nil && n.GetValue() < 2 {
				f.addf("endpoint_picking_policy: choice_count: %d is below 2", n.GetValue())
			}
		default:
			f.addf("endpoint_picking_policy: gRPC clients have no %T (%v)", m, err)
		}
	}
	if last != lbPolicyPrefix+"round_robin" {
		f.addf("endpoint_picking_policy: the last one is %q, which some clients do not have", last)
	}
}

func (f *findings) ring(where string, least, most uint64) {
	if least > maxRing || most > maxRing || most != 0 && least > most {
		f.addf("%s: a ring of %d..%d entries is not within %d", where, least, most, maxRing)
	}
}

// grpcOutliers checks that nothing ejects but what is written.
func (f *findings) grpcOutliers(o *clusterv3.OutlierDetection) {
	if o == nil {
		return
	}
	if o.GetEnforcingSuccessRate() == nil {
		f.addf("outlier_detection.enforcing_success_rate: missing, so 100 %% would hold")
	}
	for _, d := range []*durationpb.Duration{o.GetInterval(), o.GetBaseEjectionTime(), o.GetMaxEjectionTime()} {
		if d != nil && (d.CheckValid() != nil || d.AsDuration() < time.Millisecond) {
			f.addf("outlier_detection: %s is no time", d.AsDuration())
		}
	}
	for _, percent := range []uint32{
		o.GetMaxEjectionPercent().GetValue(), o.GetEnforcingSuccessRate().GetValue(),
		o.GetFailurePercentageThreshold().GetValue(), o.GetEnforcingFailurePercentage().GetValue(),
	} {
		if percent > 100 {
			f.addf("outlier_detection: %d %% is above 100", percent)
		}
	}
}

// allHealthy: unready endpoints would count as absent, and move the shares that
// the weights say (semantics 7).
func (f *findings) allHealthy(m *endpointv3.ClusterLoadAssignment) {
	for i, g := range m.GetEndpoints() {
		for j, e := range g.GetLbEndpoints() {
			if e.GetHealthStatus() != corev3.HealthStatus_HEALTHY {
				f.addf("%s.health_status: %s is not HEALTHY", where{i, j}, e.GetHealthStatus())
			}
		}
	}
}

func (f *findings) apiListener(m *listenerv3.Listener) {
	if m.GetAddress() != nil || len(m.GetFilterChains()) > 0 {
		f.addf("a socket, which would make it a server's listener")
	}
	hcm := new(hcmv3.HttpConnectionManager)
	if !f.unpack("api_listener", m.GetApiListener().GetApiListener(), hcm) {
		return
	}
	if rds := hcm.GetRds(); rds.GetConfigSource().GetAds() == nil || rds.GetRouteConfigName() == "" {
		f.addf("api_listener: routes do not come over ADS")
	}
	if hcm.GetXffNumTrustedHops() != 0 || len(hcm.GetOriginalIpDetectionExtensions()) > 0 {
		f.addf("api_listener: says how to find the client's address, which gRPC clients refuse")
	}
	filters := hcm.GetHttpFilters()
	if len(filters) != 1 || !filters[0].GetTypedConfig().MessageIs(new(routerv3.Router)) || filters[0].GetName() == "" {
		f.addf("api_listener: the filters are not the router alone")
	}
	f.noFiles(m)
}

// grpcRoutes checks what of a route table gRPC clients would refuse or not use.
func (f *findings) grpcRoutes(m *routev3.RouteConfiguration) {
	for i, h := range m.GetVirtualHosts() {
		for j, r := range h.GetRoutes() {
			at := fmt.Sprintf("virtual_hosts[%d].routes[%d]", i, j)
			if r.GetRoute() == nil || r.GetMatch().GetPathSpecifier() == nil || len(r.GetMatch().GetQueryParameters()) > 0 {
				f.addf("%s: gRPC clients take paths to clusters only", at)
			}
			if p := r.GetRoute().GetRetryPolicy(); p != nil && p.GetNumRetries() != nil && p.GetNumRetries().GetValue() < 1 {
				f.addf("%s.route.retry_policy.num_retries: below 1", at)
			}
			for _, h := range r.GetRoute().GetHashPolicy() {
				if h.GetHeader() == nil && h.GetFilterState().GetKey() != channelID {
					f.addf("%s.route.hash_policy: gRPC clients hash by headers and channels only", at)
				}
			}
		}
	}
}
