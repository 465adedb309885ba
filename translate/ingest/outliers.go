package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// outliers resolves a block with its defaults (reference/destination-rule.md 2.6).
func outliers(o *v1alpha1.OutlierDetection) *model.Outliers {
	out := &model.Outliers{
		Consecutive5xx:     number(o.Consecutive5xxErrors, 5),
		ConsecutiveGateway: number(o.ConsecutiveGatewayErrors, 0),
		SplitLocalOrigin:   o.SplitExternalLocalOriginErrors,
		Interval:           length(o.Interval, 10*time.Second),
		BaseEjectionTime:   length(o.BaseEjectionTime, 30*time.Second),
		MaxEjectionTime:    length(o.MaxEjectionTime, 0),
		Jitter:             length(o.MaxEjectionTimeJitter, 0),
		MaxEjectionPercent: number(o.MaxEjectionPercent, 10),
	}
	if out.SplitLocalOrigin {
		out.ConsecutiveLocalOrigin = number(o.ConsecutiveLocalOriginFailures, 5)
	}
	if len(o.OutlierDetectionHTTPErrorCodes) > 0 {
		out.ErrorCodes = slices.Sorted(slices.Values(o.OutlierDetectionHTTPErrorCodes))
		out.ErrorCodes = slices.Compact(out.ErrorCodes)
	}
	if r := o.SuccessRate; r != nil {
		out.SuccessRate = &model.SuccessRate{
			MinimumHosts: number(r.MinimumHosts, 5), RequestVolume: number(r.RequestVolume, 100),
			StdevFactor: number(r.StdevFactor, 1900),
		}
	}
	if f := o.FailurePercentage; f != nil {
		out.FailurePercentage = &model.FailurePercentage{
			Threshold: number(f.Threshold, 85), MinimumHosts: number(f.MinimumHosts, 5),
			RequestVolume: number(f.RequestVolume, 50),
		}
	}
	return out
}

// ejectionTooSmall tells of a zone that ejection can never empty: Envoy counts
// over the whole cluster, and a zone that holds more of it than
// maxEjectionPercent keeps some of its endpoints however bad they are
// (semantics 6.6). Where all endpoints are in one zone nothing could take over.
func ejectionTooSmall(s *model.Service, port model.Port, set set) []model.Problem {
	o := set.policy.Cluster.Outliers
	if o == nil || set.policy.Algorithm == model.Passthrough {
		return nil
	}
	zone, largest, all := largestZone(port.Endpoints, set.policy)
	if largest == all || largest*100 <= int(o.MaxEjectionPercent)*all {
		return nil
	}
	at := set.blocks.At.OutlierDetection.child("maxEjectionPercent")
	message := fmt.Sprintf("%d %% of all endpoints may be ejected, but zone %q holds %d of the %d of %s port %d: it can never be emptied",
		o.MaxEjectionPercent, zone, largest, all, s.Host, port.Number)
	if at.Object.Kind == v1alpha1.KindMeshConfig { // one Problem, however many services
		message = fmt.Sprintf("%d %% of all endpoints may be ejected, but of some services one zone holds more: it can never be emptied", o.MaxEjectionPercent)
	}
	return []model.Problem{{
		Object: at.Object, Field: at.Field, Severity: model.Warning, Reason: model.EjectionTooSmall, Message: message,
	}}
}

// largestZone is the zone with most of the endpoints that a policy can send, the
// first by name of equal ones, with their numbers.
func largestZone(endpoints []model.Endpoint, p model.Policy) (zone string, largest, all int) {
	count := map[model.Locality]int{}
	for i := range endpoints {
		e := &endpoints[i]
		if sent(e, p) {
			count[model.Locality{Region: e.Locality.Region, Zone: e.Locality.Zone}]++
			all++
		}
	}
	for _, l := range slices.SortedFunc(maps.Keys(count), model.Locality.Compare) {
		if count[l] > largest {
			zone, largest = l.String(), count[l]
		}
	}
	return cmp.Or(zone, "unknown"), largest, all
}

// sent says whether an endpoint is in the cluster of a policy, as far as that
// hangs on the endpoint alone.
func sent(e *model.Endpoint, p model.Policy) bool {
	if e.Weight == 0 || !p.Allowed.Has(e.Region) {
		return false
	}
	for k, v := range p.SubsetLabels {
		if e.Labels[k] != v {
			return false
		}
	}
	return e.State == model.Ready || e.State == model.Unready && p.Mode == model.Levels && p.MinHealthPercent == 0
}
