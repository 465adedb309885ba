package envoy

import (
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/config/common/matcher/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// outlierDetection writes every way of ejecting, on or off: Envoy would eject by
// success rate by itself (reference/destination-rule.md 2.6).
func outlierDetection(o *model.Outliers) *clusterv3.OutlierDetection {
	if o == nil {
		return nil
	}
	out := &clusterv3.OutlierDetection{
		Interval:                           durationpb.New(o.Interval),
		BaseEjectionTime:                   durationpb.New(o.BaseEjectionTime),
		MaxEjectionTime:                    present(o.MaxEjectionTime),
		MaxEjectionTimeJitter:              present(o.Jitter),
		MaxEjectionPercent:                 wrapperspb.UInt32(o.MaxEjectionPercent),
		Consecutive_5Xx:                    count(o.Consecutive5xx),
		EnforcingConsecutive_5Xx:           enforced(o.Consecutive5xx > 0),
		ConsecutiveGatewayFailure:          count(o.ConsecutiveGateway),
		EnforcingConsecutiveGatewayFailure: enforced(o.ConsecutiveGateway > 0),
		EnforcingSuccessRate:               enforced(o.SuccessRate != nil),
		EnforcingFailurePercentage:         enforced(o.FailurePercentage != nil),
		SplitExternalLocalOriginErrors:     o.SplitLocalOrigin,
	}
	if o.SplitLocalOrigin {
		out.ConsecutiveLocalOriginFailure = count(o.ConsecutiveLocalOrigin)
		out.EnforcingConsecutiveLocalOriginFailure = enforced(o.ConsecutiveLocalOrigin > 0)
		out.EnforcingLocalOriginSuccessRate = enforced(o.SuccessRate != nil)
		out.EnforcingFailurePercentageLocalOrigin = enforced(o.FailurePercentage != nil)
	}
	if r := o.SuccessRate; r != nil {
		out.SuccessRateMinimumHosts = wrapperspb.UInt32(r.MinimumHosts)
		out.SuccessRateRequestVolume = wrapperspb.UInt32(r.RequestVolume)
		out.SuccessRateStdevFactor = wrapperspb.UInt32(r.StdevFactor)
	}
	if f := o.FailurePercentage; f != nil {
		out.FailurePercentageThreshold = wrapperspb.UInt32(f.Threshold)
		out.FailurePercentageMinimumHosts = wrapperspb.UInt32(f.MinimumHosts)
		out.FailurePercentageRequestVolume = wrapperspb.UInt32(f.RequestVolume)
	}
	return out
}

// enforced is the percentage of detected outliers that are ejected.
func enforced(on bool) *wrapperspb.UInt32Value {
	if on {
		return wrapperspb.UInt32(100)
	}
	return wrapperspb.UInt32(0)
}

// count is nil for 0, which is off.
func count(n uint32) *wrapperspb.UInt32Value {
	if n == 0 {
		return nil
	}
	return wrapperspb.UInt32(n)
}

// present is nil for 0, which is not set.
func present(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// errorCodes says which statuses are errors; nil leaves it to Envoy: 500..599.
func errorCodes(o *model.Outliers) *httpv3.HttpProtocolOptions_OutlierDetection {
	if o == nil || len(o.ErrorCodes) == 0 {
		return nil
	}
	var any []*matcherv3.MatchPredicate
	for codes := range runs(o.ErrorCodes) {
		any = append(any, statusWithin(codes[0], codes[len(codes)-1]))
	}
	if len(any) == 1 { // a set has at least two
		return &httpv3.HttpProtocolOptions_OutlierDetection{ErrorMatcher: any[0]}
	}
	return &httpv3.HttpProtocolOptions_OutlierDetection{ErrorMatcher: &matcherv3.MatchPredicate{
		Rule: &matcherv3.MatchPredicate_OrMatch{OrMatch: &matcherv3.MatchPredicate_MatchSet{Rules: any}},
	}}
}

// runs yields the parts of sorted codes that have no gap.
func runs(codes []int32) func(yield func([]int32) bool) {
	return func(yield func([]int32) bool) {
		for len(codes) > 0 {
			n := 1
			for n < len(codes) && codes[n] == codes[n-1]+1 {
				n++
			}
			if !yield(codes[:n]) {
				return
			}
			codes = codes[n:]
		}
	}
}

func statusWithin(first, last int32) *matcherv3.MatchPredicate {
	return &matcherv3.MatchPredicate{Rule: &matcherv3.MatchPredicate_HttpResponseHeadersMatch{
		HttpResponseHeadersMatch: &matcherv3.HttpHeadersMatch{Headers: []*routev3.HeaderMatcher{{
			Name: ":status",
			HeaderMatchSpecifier: &routev3.HeaderMatcher_RangeMatch{
				RangeMatch: &typev3.Int64Range{Start: int64(first), End: int64(last) + 1},
			},
		}}},
	}}
}
