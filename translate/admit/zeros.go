package admit

import (
	"strconv"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// Zero is a field that holds an explicit 0, which Istio reads as if the field
// were absent: there it is a plain number.
type Zero struct {
	// Field is where it stands: spec.trafficPolicy…
	Field string
	// Here is what 0 does; Istio is what an absent field means.
	Here, Istio string
}

// Zeros are the explicit zeros of a rule whose meaning differs from Istio's
// (reference/destination-rule.md 5), in the order of the fields.
func Zeros(spec *v1alpha1.DestinationRuleSpec) []Zero {
	var out []Zero
	if spec.TrafficPolicy != nil {
		out = policyZeros("spec.trafficPolicy", spec.TrafficPolicy)
	}
	for i := range spec.Subsets {
		if t := spec.Subsets[i].TrafficPolicy; t != nil {
			out = append(out, policyZeros(path("spec.subsets").index(i).child("trafficPolicy"), t)...)
		}
	}
	return out
}

// DefaultZeros are those of a MeshConfig's defaultTrafficPolicy.
func DefaultZeros(d *v1alpha1.DefaultTrafficPolicy) []Zero {
	return blockZeros("spec.defaultTrafficPolicy", d.ConnectionPool, d.OutlierDetection)
}

func policyZeros(p path, t *v1alpha1.TrafficPolicy) []Zero {
	out := blockZeros(p, t.ConnectionPool, t.OutlierDetection)
	for i, e := range t.PortLevelSettings {
		out = append(out, blockZeros(p.child("portLevelSettings").index(i), e.ConnectionPool, e.OutlierDetection)...)
	}
	if b := t.RetryBudget; b != nil {
		out = appendZero(out, p.child("retryBudget", "minRetryConcurrency"), b.MinRetryConcurrency, "allows no retry beyond the percentage", "3")
	}
	return out
}

func blockZeros(p path, c *v1alpha1.ConnectionPool, o *v1alpha1.OutlierDetection) []Zero {
	var out []Zero
	if c != nil && c.TCP != nil {
		at := p.child("connectionPool", "tcp")
		out = appendZero(out, at.child("maxConnections"), c.TCP.MaxConnections, "allows next to no connection", "no limit")
		if k := c.TCP.TCPKeepalive; k != nil {
			out = appendZero(out, at.child("tcpKeepalive", "probes"), k.Probes, "switches probing off", "the operating system's number")
		}
	}
	if c != nil && c.HTTP != nil {
		at := p.child("connectionPool", "http")
		out = appendZero(out, at.child("http1MaxPendingRequests"), c.HTTP.HTTP1MaxPendingRequests, "lets no request wait for a connection", "no limit")
		out = appendZero(out, at.child("http2MaxRequests"), c.HTTP.HTTP2MaxRequests, "allows no request", "no limit")
		out = appendZero(out, at.child("maxRetries"), c.HTTP.MaxRetries, "allows no retry", "no limit")
	}
	if o != nil {
		out = appendZero(out, p.child("outlierDetection", "maxEjectionPercent"), o.MaxEjectionPercent, "ejects no endpoint", strconv.Itoa(istioEjectionPercent)+" %")
	}
	return out
}

// istioEjectionPercent is the default of maxEjectionPercent, there and here.
const istioEjectionPercent = 10

func appendZero[N int32 | int64](out []Zero, at path, n *N, here, istio string) []Zero {
	if n != nil && *n == 0 {
		out = append(out, Zero{string(at), here, istio})
	}
	return out
}
