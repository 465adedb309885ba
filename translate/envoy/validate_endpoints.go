package envoy

import (
	"fmt"
	"math"
	"net/netip"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
)

// maxPriority is Envoy's; gRPC clients have no tighter one.
const maxPriority = 128

// spot is what may stand once in a load assignment.
type spot struct {
	priority              uint32
	region, zone, subZone string
}

// where is a position in a load assignment; it is spelt out only in a finding.
type where struct{ group, endpoint int }

func (w where) String() string {
	return fmt.Sprintf("endpoints[%d].lb_endpoints[%d]", w.group, w.endpoint)
}

func (f *findings) loadAssignment(m *endpointv3.ClusterLoadAssignment) {
	if _, _, _, ok := ParseClusterName(m.GetClusterName()); !ok {
		f.addf("cluster_name: %q is not outbound|PORT|SUBSET|HOST", m.GetClusterName())
	}
	f.policy(m)
	f.priorities(m.GetEndpoints())
	places := make(map[spot]bool, len(m.GetEndpoints()))
	sockets := make(map[netip.AddrPort]bool, len(m.GetEndpoints()))
	for i, g := range m.GetEndpoints() {
		f.locality(i, g, places, sockets)
	}
}

func (f *findings) policy(m *endpointv3.ClusterLoadAssignment) {
	factor := m.GetPolicy().GetOverprovisioningFactor()
	if len(m.GetEndpoints()) > 0 && factor == nil {
		f.addf("policy.overprovisioning_factor: missing")
	}
	if factor != nil && factor.GetValue() < 100 {
		f.addf("policy.overprovisioning_factor: %d is below 100", factor.GetValue())
	}
	for i, d := range m.GetPolicy().GetDropOverloads() {
		p := d.GetDropPercentage()
		if uint64(p.GetNumerator()) > denominator(p.GetDenominator()) {
			f.addf("policy.drop_overloads[%d]: more than everything is dropped", i)
		}
	}
}

func denominator(d typev3.FractionalPercent_DenominatorType) uint64 {
	switch d {
	case typev3.FractionalPercent_TEN_THOUSAND:
		return 10_000
	case typev3.FractionalPercent_MILLION:
		return 1_000_000
	}
	return 100
}

// priorities checks that they are dense from 0 and that each one's weights can
// be added up.
func (f *findings) priorities(groups []*endpointv3.LocalityLbEndpoints) {
	var used [maxPriority + 1]bool
	var sums [maxPriority + 1]uint64
	highest := -1
	for i, g := range groups {
		p := g.GetPriority()
		if p > maxPriority {
			f.addf("endpoints[%d].priority: %d is above %d", i, p, maxPriority)
			continue
		}
		used[p] = true
		sums[p] += uint64(g.GetLoadBalancingWeight().GetValue())
		highest = max(highest, int(p))
	}
	for p := range highest + 1 {
		if !used[p] {
			f.addf("priority %d is missing", p)
		}
		if sums[p] > math.MaxUint32 {
			f.addf("priority %d: the sum of the locality weights, %d, is above 2^32-1", p, sums[p])
		}
	}
}

func (f *findings) locality(i int, g *endpointv3.LocalityLbEndpoints, places map[spot]bool, sockets map[netip.AddrPort]bool) {
	l := g.GetLocality()
	if l == nil {
		f.addf("endpoints[%d].locality: missing", i)
	}
	p := spot{g.GetPriority(), l.GetRegion(), l.GetZone(), l.GetSubZone()}
	if places[p] {
		f.addf("endpoints[%d].locality: %s/%s/%s stands twice in priority %d", i, p.region, p.zone, p.subZone, p.priority)
	}
	places[p] = true
	if g.GetLoadBalancingWeight().GetValue() < 1 {
		f.addf("endpoints[%d].load_balancing_weight: missing or 0", i)
	}
	if len(g.GetLbEndpoints()) == 0 {
		f.addf("endpoints[%d].lb_endpoints: empty", i)
	}
	var sum uint64
	for j, e := range g.GetLbEndpoints() {
		f.endpoint(where{i, j}, e, sockets)
		sum += uint64(e.GetLoadBalancingWeight().GetValue())
	}
	if sum > math.MaxUint32 {
		f.addf("endpoints[%d]: the sum of the endpoint weights, %d, is above 2^32-1", i, sum)
	}
}

func (f *findings) endpoint(w where, e *endpointv3.LbEndpoint, sockets map[netip.AddrPort]bool) {
	if e.GetLoadBalancingWeight().GetValue() < 1 {
		f.addf("%s.load_balancing_weight: missing or 0", w)
	}
	switch e.GetHealthStatus() {
	case corev3.HealthStatus_HEALTHY, corev3.HealthStatus_UNHEALTHY:
	default:
		f.addf("%s.health_status: %s is neither HEALTHY nor UNHEALTHY", w, e.GetHealthStatus())
	}
	if e.GetEndpoint().GetAddress().GetEnvoyInternalAddress() != nil {
		at, ok := f.behindHop(w, e)
		if ok && sockets[at] {
			f.addf("%s.address: %s stands twice", w, at)
		}
		sockets[at] = true
		return
	}
	f.once(w, "address", e.GetEndpoint().GetAddress(), sockets)
	for _, a := range e.GetEndpoint().GetAdditionalAddresses() {
		f.once(w, "additional_addresses", a.GetAddress(), sockets)
	}
}

// once checks an address and that it stands once in the whole assignment.
func (f *findings) once(w where, field string, a *corev3.Address, sockets map[netip.AddrPort]bool) {
	if f.names != nil && f.host(w, field, a.GetSocketAddress()) {
		return
	}
	at, wrong := parseSocket(a, false)
	switch {
	case wrong != "":
		f.addf("%s.%s: %s", w, field, wrong)
	case sockets[at]:
		f.addf("%s.%s: %s stands twice", w, field, at)
	}
	sockets[at] = true
}
