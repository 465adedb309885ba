package envoy

import (
	"fmt"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	dnscommonv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/common/dns/v3"
	dnsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/dns/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/coastwise/coastwise/translate/locality"
	"github.com/coastwise/coastwise/translate/model"
)

// dnsClusterName is Envoy's STRICT_DNS and LOGICAL_DNS: the types of these names
// take their settings from fields that Envoy says it will remove.
const dnsClusterName = "envoy.cluster.dns"

// How soon a name that could not be resolved is tried again. Envoy would wait for
// as long as after a success, and a cluster that is replaced starts without addresses.
const (
	dnsRetry    = time.Second
	dnsRetryMax = 10 * time.Second
)

// discover says where the endpoints of a cluster come from: over the stream that
// the cluster came by, from DNS, or from the client.
func discover(c *clusterv3.Cluster, s *model.Service, policy model.Policy, a locality.Assignment) error {
	switch {
	case policy.Algorithm == model.Passthrough:
		c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_ORIGINAL_DST}
		c.LbPolicy = clusterv3.Cluster_CLUSTER_PROVIDED
		c.CleanupInterval = durationpb.New(hostsKept)
	case inline(s):
		return resolved(c, s, a)
	default:
		c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS}
		c.EdsClusterConfig = &clusterv3.Cluster_EdsClusterConfig{EdsConfig: ads(), ServiceName: c.Name}
	}
	return nil
}

// inline says that the cluster itself holds its load assignment, if it has one: only
// so does Envoy resolve names.
func inline(s *model.Service) bool {
	return s.Resolution == model.DNS || s.Resolution == model.DNSRoundRobin
}

// resolved makes a cluster whose names Envoy resolves: each address of a name is
// an endpoint, or with DNSRoundRobin the one name is. Envoy refuses such a logical
// endpoint that does not exist, so without one it is a strict cluster of no names,
// which serves nothing. Each endpoint has one address.
func resolved(c *clusterv3.Cluster, s *model.Service, a locality.Assignment) error {
	n := 0
	for i := range a.Groups {
		n += len(a.Groups[i].Endpoints)
	}
	logical := s.Resolution == model.DNSRoundRobin
	if logical && n > 1 {
		return fmt.Errorf("%d endpoints, but with resolution %s there is at most one", n, s.Resolution)
	}
	c.ClusterDiscoveryType = &clusterv3.Cluster_ClusterType{ClusterType: &clusterv3.Cluster_CustomClusterType{
		Name: dnsClusterName, TypedConfig: pack(dnsCluster(s.DNSRefreshRate, logical && n == 1)),
	}}
	c.LoadAssignment = loadAssignment(c.Name, a, bySocket)
	for _, g := range c.LoadAssignment.Endpoints {
		for _, e := range g.LbEndpoints {
			e.GetEndpoint().AdditionalAddresses = nil
		}
	}
	return nil
}

// dnsCluster resolves anew when an answer's TTL is over, after refresh where it has
// none. Where a name has addresses of both families the IPv4 ones count: pods
// without IPv6 are common, and Envoy's own choice would send them to IPv6.
func dnsCluster(refresh time.Duration, logical bool) *dnsv3.DnsCluster {
	return &dnsv3.DnsCluster{
		DnsRefreshRate: durationpb.New(refresh),
		RespectDnsTtl:  true,
		DnsFailureRefreshRate: &dnsv3.DnsCluster_RefreshRate{
			BaseInterval: durationpb.New(min(dnsRetry, refresh)), MaxInterval: durationpb.New(min(dnsRetryMax, refresh)),
		},
		DnsLookupFamily:              dnscommonv3.DnsLookupFamily_V4_PREFERRED,
		AllAddressesInSingleEndpoint: logical,
	}
}
