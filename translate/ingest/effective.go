package ingest

import "github.com/coastwise/coastwise/api/v1alpha1"

// Effective is what a rule says of balancing and ejecting for one port and subset,
// and in which fields; what it does not set is nil and "".
type Effective struct {
	LoadBalancer       *v1alpha1.LoadBalancer
	LoadBalancerAt     string
	OutlierDetection   *v1alpha1.OutlierDetection
	OutlierDetectionAt string
}

// EffectiveAt reads a rule for a port, where 0 is one that no entry is for, and for
// the subset of that index, where -1 is the service as a whole.
func EffectiveAt(rule *v1alpha1.DestinationRule, port uint32, index int) Effective {
	var sub *subset
	if index >= 0 {
		sub = &subset{rule, index}
	}
	b := effective(rule, port, sub)
	return Effective{
		LoadBalancer: b.LoadBalancer, LoadBalancerAt: b.At.LoadBalancer.Field,
		OutlierDetection: b.OutlierDetection, OutlierDetectionAt: b.At.OutlierDetection.Field,
	}
}
