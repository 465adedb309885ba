package envoy

import (
	"slices"
	"strings"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	previousprioritiesv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/priority/previous_priorities/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// idempotent are the methods that may be repeated though a backend may have begun to
// serve them (RFC 9110, 9.2.2).
var idempotent = []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"}

// repetition is a retry policy, for the methods of one match; nil: all that are left.
type repetition struct {
	methods *routev3.HeaderMatcher
	policy  *routev3.RetryPolicy
}

// retries are the policies of a route. Envoy's have no condition on the method, so a
// route that repeats resets where that is safe is two (reference/ambient.md 2).
func retries(r *model.Route, form model.Form) []repetition {
	switch {
	case r.Retry == nil:
		split := defaults(form, r.GRPC, r.Match.Method)
		for _, s := range split {
			perTry(s.policy, r.BackendTimeout)
		}
		return split
	case r.Retry.Attempts == 0:
		return []repetition{{policy: perTry(&routev3.RetryPolicy{NumRetries: wrapperspb.UInt32(0)}, r.BackendTimeout)}}
	case r.GRPC:
		return []repetition{{policy: routeRetry(r, false)}}
	case r.Match.Method != "":
		return []repetition{{policy: routeRetry(r, slices.Contains(idempotent, r.Match.Method))}}
	}
	return []repetition{{methods: safeMethods(), policy: routeRetry(r, true)}, {policy: routeRetry(r, false)}}
}

func safeMethods() *routev3.HeaderMatcher {
	return headerMatch(":method", &matcherv3.StringMatcher{
		MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regex(strings.Join(idempotent, "|"))},
	})
}

// defaults are those of semantics 9.6. A waypoint that ends HBONE sees an endpoint that
// is dead behind a ztunnel as a reset, and as no failure to connect: there requests that
// may be repeated are, in another priority (reference/ambient.md 2). method is the only
// one that is asked about, "" for all; those of gRPC are not safe to repeat.
func defaults(form model.Form, grpc bool, method string) []repetition {
	elsewhere := retryPolicy()
	elsewhere.RetryOn += ",reset"
	elsewhere.RetryPriority = previousPriorities()
	switch {
	case form != model.HBONE || grpc || method != "" && !slices.Contains(idempotent, method):
		return []repetition{{policy: retryPolicy()}}
	case method != "":
		return []repetition{{policy: elsewhere}}
	}
	return []repetition{{methods: safeMethods(), policy: elsewhere}, {policy: retryPolicy()}}
}

// routeRetry is what a route asks for: the defaults' conditions, its own statuses, and
// where it is safe a reset. The next attempt leaves the priorities of those before.
func routeRetry(r *model.Route, resets bool) *routev3.RetryPolicy {
	out := perTry(retryPolicy(), r.BackendTimeout)
	out.NumRetries = wrapperspb.UInt32(r.Retry.Attempts)
	if resets {
		out.RetryOn += ",reset"
	}
	if len(r.Retry.Codes) > 0 {
		out.RetryOn += ",retriable-status-codes"
		out.RetriableStatusCodes = r.Retry.Codes
	}
	out.RetryPriority = previousPriorities()
	if r.Retry.Backoff > 0 {
		out.RetryBackOff = &routev3.RetryPolicy_RetryBackOff{BaseInterval: durationpb.New(max(r.Retry.Backoff, time.Millisecond))}
	}
	return out
}

// previousPriorities leaves the priorities of former attempts.
func previousPriorities() *routev3.RetryPolicy_RetryPriority {
	return &routev3.RetryPolicy_RetryPriority{
		Name: "envoy.retry_priorities.previous_priorities",
		ConfigType: &routev3.RetryPolicy_RetryPriority_TypedConfig{
			TypedConfig: pack(&previousprioritiesv3.PreviousPrioritiesConfig{UpdateFrequency: 1}),
		},
	}
}

// perTry bounds each attempt.
func perTry(p *routev3.RetryPolicy, timeout time.Duration) *routev3.RetryPolicy {
	if timeout > 0 {
		p.PerTryTimeout = durationpb.New(timeout)
	}
	return p
}
