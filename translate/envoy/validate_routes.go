package envoy

import (
	"fmt"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"github.com/coastwise/coastwise/translate/model"
)

func (f *findings) routes(m *routev3.RouteConfiguration) {
	f.alone = strings.HasPrefix(m.GetName(), alonePrefix)
	names := make(map[string]bool, len(m.GetVirtualHosts()))
	domains := make(map[string]bool, 4*len(m.GetVirtualHosts()))
	for i, h := range m.GetVirtualHosts() {
		if names[h.GetName()] {
			f.addf("virtual_hosts[%d].name: %q stands twice", i, h.GetName())
		}
		names[h.GetName()] = true
		for _, d := range h.GetDomains() {
			if domains[d] {
				f.addf("virtual_hosts[%d].domains: %q stands twice", i, d)
			}
			domains[d] = true
		}
		if len(h.GetRoutes()) == 0 {
			f.addf("virtual_hosts[%d].routes: empty", i)
		}
		for j, r := range h.GetRoutes() {
			f.route(fmt.Sprintf("virtual_hosts[%d].routes[%d]", i, j), r)
		}
	}
}

// route knows every form that is made. One that Envoy refuses would take all routes of
// its table with it.
func (f *findings) route(where string, r *routev3.Route) {
	f.routeMatch(where+".match", r.GetMatch())
	f.headers(where, r.GetRequestHeadersToAdd(), r.GetRequestHeadersToRemove())
	f.headers(where, r.GetResponseHeadersToAdd(), r.GetResponseHeadersToRemove())
	switch {
	case r.GetDirectResponse() != nil, reenters(r):
	case r.GetRedirect() != nil:
		f.rewriting(where+".redirect", r.GetRedirect().GetPrefixRewrite(), r.GetRedirect().GetRegexRewrite())
		if p := r.GetRedirect().GetPortRedirect(); p > maxPort {
			f.addf("%s.redirect.port_redirect: %d is not in 1..65535", where, p)
		}
	default:
		f.routeAction(where+".route", r.GetRoute())
	}
}

func (f *findings) routeAction(where string, a *routev3.RouteAction) {
	if w := a.GetWeightedClusters(); w != nil {
		f.weighted(where+".weighted_clusters", w)
	} else {
		f.routedTo(where+".cluster", a.GetCluster())
	}
	for i, m := range a.GetRequestMirrorPolicies() {
		f.routedTo(fmt.Sprintf("%s.request_mirror_policies[%d].cluster", where, i), m.GetCluster())
		if m.GetRuntimeFraction().GetDefaultValue() == nil {
			f.addf("%s.request_mirror_policies[%d].runtime_fraction: missing", where, i)
		}
	}
	if n := len(a.GetHashPolicy()); n > 1 {
		f.addf("%s.hash_policy: %d keys would be mixed into one", where, n)
	}
	if a.GetTimeout() == nil {
		f.addf("%s.timeout: missing, so Envoy's 15 s would hold", where)
	}
	f.rewriting(where, a.GetPrefixRewrite(), a.GetRegexRewrite())
	f.retrying(where+".retry_policy", a.GetRetryPolicy())
}

// routedTo knows clusters of services, and the one that never exists; where requests have
// an original destination, also the one that leads there.
func (f *findings) routedTo(where, cluster string) {
	if f.alone && cluster == PassthroughCluster {
		return
	}
	if _, _, _, ok := ParseClusterName(cluster); !ok && cluster != BrokenCluster {
		f.addf("%s: %q is not outbound|PORT|SUBSET|HOST", where, cluster)
	}
}

func (f *findings) weighted(where string, w *routev3.WeightedCluster) {
	var sum uint64
	for i, c := range w.GetClusters() {
		at := fmt.Sprintf("%s.clusters[%d]", where, i)
		f.routedTo(at+".name", c.GetName())
		f.headers(at, c.GetRequestHeadersToAdd(), c.GetRequestHeadersToRemove())
		f.headers(at, c.GetResponseHeadersToAdd(), c.GetResponseHeadersToRemove())
		sum += uint64(c.GetWeight().GetValue())
	}
	if sum == 0 || sum > 1<<32-1 {
		f.addf("%s: the weights' sum %d is not in 1..4294967295", where, sum)
	}
}

func (f *findings) retrying(where string, p *routev3.RetryPolicy) {
	back := p.GetRetryBackOff()
	if back != nil && back.GetBaseInterval().AsDuration() < time.Millisecond {
		f.addf("%s.retry_back_off.base_interval: %v is below 1ms", where, back.GetBaseInterval().AsDuration())
	}
	if strings.Contains(p.GetRetryOn(), "retriable-status-codes") != (len(p.GetRetriableStatusCodes()) > 0) {
		f.addf("%s: retry_on %q with %d retriable_status_codes", where, p.GetRetryOn(), len(p.GetRetriableStatusCodes()))
	}
}

func (f *findings) routeMatch(where string, m *routev3.RouteMatch) {
	f.regex(where+".safe_regex", m.GetSafeRegex())
	for i, h := range m.GetHeaders() {
		f.regex(fmt.Sprintf("%s.headers[%d]", where, i), h.GetStringMatch().GetSafeRegex())
	}
	for i, q := range m.GetQueryParameters() {
		f.regex(fmt.Sprintf("%s.query_parameters[%d]", where, i), q.GetStringMatch().GetSafeRegex())
	}
}

// regex takes what RE2 takes.
func (f *findings) regex(where string, m *matcherv3.RegexMatcher) {
	if m == nil {
		return
	}
	if err := model.CheckRegex(m.GetRegex()); err != nil {
		f.addf("%s: %v", where, err)
	}
}

func (f *findings) rewriting(where, prefix string, m *matcherv3.RegexMatchAndSubstitute) {
	f.regex(where+".regex_rewrite", m.GetPattern())
	if prefix != "" && m != nil {
		f.addf("%s: prefix_rewrite and regex_rewrite exclude each other", where)
	}
	if strings.Contains(strings.ReplaceAll(m.GetSubstitution(), `\\`, ""), `\`) {
		f.addf("%s.regex_rewrite.substitution: %q has references", where, m.GetSubstitution())
	}
}

// headers takes literal changes of what Envoy lets change.
func (f *findings) headers(where string, add []*corev3.HeaderValueOption, remove []string) {
	name := func(n string) {
		if n == "" || strings.HasPrefix(n, ":") || strings.EqualFold(n, "host") {
			f.addf("%s: the header %q cannot be changed", where, n)
		}
	}
	for _, h := range add {
		name(h.GetHeader().GetKey())
		if strings.Contains(strings.ReplaceAll(h.GetHeader().GetValue(), "%%", ""), "%") {
			f.addf("%s: the header %s has a format %q", where, h.GetHeader().GetKey(), h.GetHeader().GetValue())
		}
	}
	for _, n := range remove {
		name(n)
	}
}
