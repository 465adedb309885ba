package envoy

import (
	matcherv3 "github.com/cncf/xds/go/xds/type/matcher/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matchingv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/common/matching/v3"
	skipv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/common/matcher/action/v3"
	setstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/common/set_filter_state/v3"
	httpsetstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/set_filter_state/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	envoymatcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/coastwise/coastwise/translate/model"
)

// addressAuthority is the authority of a CONNECT that names an address.
const addressAuthority = `(\[[0-9A-Fa-f:.]+\]|[0-9]+(\.[0-9]+){3}):[0-9]+`

// Connects says that CONNECT works on a client's HTTP proxy port: a sidecar's that asks
// for it or is captured, and whose bootstrap has internal listeners. It costs another
// listener with a chain for every port of every service.
func Connects(p model.Proxy) bool {
	return p.Kind == model.Sidecar && p.Internal && p.HTTPProxyPort != 0 && (p.Connect || p.Capture)
}

// connecting makes the HTTP proxy port take CONNECT, and keeps its authority for the
// outbound listener. Requests of other methods keep nothing, so that they share upstream
// connections as ever.
func connecting(hcm *hcmv3.HttpConnectionManager) {
	hcm.UpgradeConfigs = append(hcm.UpgradeConfigs, &hcmv3.HttpConnectionManager_UpgradeConfig{UpgradeType: "CONNECT"})
	hcm.Http2ProtocolOptions = &corev3.Http2ProtocolOptions{AllowConnect: true}
	facts := &httpsetstatev3.Config{OnRequestHeaders: []*setstatev3.FilterStateValue{
		stateValue(connectAuthority, "%REQ(:AUTHORITY)%", setstatev3.FilterStateValue_ONCE),
		knownState(originalLocal, "%REQ(:AUTHORITY)%"),
	}}
	hcm.HttpFilters = append([]*hcmv3.HttpFilter{httpFilter("envoy.filters.http.match_delegate", onlyConnect(facts))}, hcm.HttpFilters...)
}

// onlyConnect skips a filter for requests of other methods.
func onlyConnect(facts *httpsetstatev3.Config) *matchingv3.ExtensionWithMatcher {
	connect := &matcherv3.Matcher_MatcherList_Predicate{MatchType: &matcherv3.Matcher_MatcherList_Predicate_SinglePredicate_{
		SinglePredicate: &matcherv3.Matcher_MatcherList_Predicate_SinglePredicate{
			Input: input("method", &envoymatcherv3.HttpRequestHeaderMatchInput{HeaderName: ":method"}),
			Matcher: &matcherv3.Matcher_MatcherList_Predicate_SinglePredicate_ValueMatch{
				ValueMatch: &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: "CONNECT"}},
			},
		},
	}}
	return &matchingv3.ExtensionWithMatcher{
		XdsMatcher: &matcherv3.Matcher{MatcherType: &matcherv3.Matcher_MatcherList_{MatcherList: &matcherv3.Matcher_MatcherList{
			Matchers: []*matcherv3.Matcher_MatcherList_FieldMatcher{{
				Predicate: &matcherv3.Matcher_MatcherList_Predicate{MatchType: &matcherv3.Matcher_MatcherList_Predicate_NotMatcher{NotMatcher: connect}},
				OnMatch: &matcherv3.Matcher_OnMatch{OnMatch: &matcherv3.Matcher_OnMatch_Action{
					Action: input("skip", &skipv3.SkipFilter{}),
				}},
			}},
		}}},
		ExtensionConfig: &corev3.TypedExtensionConfig{Name: "envoy.filters.http.set_filter_state", TypedConfig: pack(facts)},
	}
}

// reentering puts CONNECT before the routes of a service's port.
func (t *table) reentering(routes []*routev3.Route) []*routev3.Route {
	if !t.connect {
		return routes
	}
	return append([]*routev3.Route{connectTo(OutboundListener, connectMatch())}, routes...)
}

// connectTo leads a CONNECT into a cluster of an internal listener.
func connectTo(cluster string, match *routev3.RouteMatch) *routev3.Route {
	return &routev3.Route{Match: match, Action: &routev3.Route_Route{Route: &routev3.RouteAction{
		ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: cluster},
		Timeout:          durationpb.New(0),
		UpgradeConfigs: []*routev3.RouteAction_UpgradeConfig{{
			UpgradeType: "CONNECT", ConnectConfig: &routev3.RouteAction_UpgradeConfig_ConnectConfig{},
		}},
	}}}
}

// reenterByAddress lets the outbound listener decide on an address that is no host's: it
// may be a cluster IP, or unknown.
func reenterByAddress() *routev3.Route {
	match := connectMatch()
	match.Headers = []*routev3.HeaderMatcher{{
		Name: ":authority",
		HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: &envoymatcherv3.StringMatcher{
			MatchPattern: &envoymatcherv3.StringMatcher_SafeRegex{SafeRegex: &envoymatcherv3.RegexMatcher{Regex: addressAuthority}},
		}},
	}}
	return connectTo(OutboundListener, match)
}

// refuseConnect answers for other names: a prefix matches no CONNECT.
func refuseConnect() *routev3.Route {
	out := direct(502, hostUnknown)
	out.Match = connectMatch()
	return out
}

func connectMatch() *routev3.RouteMatch {
	return &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_ConnectMatcher_{ConnectMatcher: &routev3.RouteMatch_ConnectMatcher{}}}
}
