package envoy

import (
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// BrokenCluster is a cluster that never exists: a reference that is not to be followed
// leads there, so that its share of requests fails.
const BrokenCluster = "outbound|broken"

const noBackend = "coastwise: the route has no backend that may be used\n"

// PortRoutes are the routes of one port for clients of a form under one of its policies,
// named like its cluster, for any host: captured connections, waypoints and CONNECT have
// found the service by its address already.
//
// It fails on a string that is not UTF-8, and where the service has no such port.
func PortRoutes(s *model.Service, port uint32, id model.PolicyID, form model.Form) (Resource, error) {
	p, _, err := resolve(s, model.Variant{Port: port, PolicyID: id})
	if err != nil {
		return Resource{}, err
	}
	t := table{seen: map[string]bool{}}
	t.host([]string{"*"}, RouteList(s, p, s.Policies[id].Cluster, form)...)
	name := ClusterName(port, "", s.Host)
	return encode(RouteType, name, &routev3.RouteConfiguration{
		Name: name, VirtualHosts: t.hosts, ValidateClusters: wrapperspb.Bool(false),
	})
}

// RouteList are the routes of one port, for clients of a form, under the settings of the
// policy that rules for the client there: what HTTPRoutes and GRPCRoutes say of it, else
// one to its cluster with the defaults of semantics 9.6. All clients inside the mesh have
// it; those of a Gateway at the edge are GatewayPort.Routes.
//
// The hash key is the policy's, whatever the backend is: one key per route, and a
// backend's own service may be ruled by another policy for each client. A request cannot
// go through the policy's tunnel, and must not go past it.
func RouteList(s *model.Service, port model.Port, set model.ClusterSettings, form model.Form) []*routev3.Route {
	own := ClusterName(port.Number, "", s.Host)
	if len(port.Routes) == 0 {
		return toCluster(own, set, defaults(form, port.Protocol == model.ProtocolGRPC, ""))
	}
	e := routeEncoder{hash: hashPolicy(set.Hash), form: form}
	if set.Tunnel != nil {
		e.tunnelled = own
	}
	return e.list(port.Routes)
}

// toCluster routes everything to a cluster; that websockets may be upgraded is said
// once, by the listener.
func toCluster(cluster string, set model.ClusterSettings, split []repetition) []*routev3.Route {
	if set.Tunnel != nil {
		return []*routev3.Route{direct(503, tunnelOnly)}
	}
	var out []*routev3.Route
	for _, s := range split {
		r := &routev3.Route{
			Match: everything(),
			Action: &routev3.Route_Route{Route: &routev3.RouteAction{
				ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: cluster},
				Timeout:          durationpb.New(0),
				RetryPolicy:      s.policy,
				HashPolicy:       hashPolicy(set.Hash),
			}},
		}
		if s.methods != nil {
			r.Match.Headers = []*routev3.HeaderMatcher{s.methods}
		}
		out = append(out, r)
	}
	return out
}

// routeEncoder is what all routes of one port share.
type routeEncoder struct {
	hash []*routev3.RouteAction_HashPolicy
	form model.Form
	// tunnelled is the cluster that requests cannot go to; "" if there is none.
	tunnelled string
}

func (e *routeEncoder) list(routes []model.Route) []*routev3.Route {
	var out []*routev3.Route
	for i := range routes {
		out = append(out, e.route(&routes[i])...)
	}
	return out
}

// route is one route, or two where Envoy needs a match to tell what it may do.
func (e *routeEncoder) route(r *model.Route) []*routev3.Route {
	base := func() *routev3.Route {
		out := &routev3.Route{Name: routeName(r), Match: routeMatch(r.Match, r.GRPC)}
		headerChange(r.Request, &out.RequestHeadersToAdd, &out.RequestHeadersToRemove)
		headerChange(r.Response, &out.ResponseHeadersToAdd, &out.ResponseHeadersToRemove)
		return out
	}
	switch {
	case r.Redirect != nil:
		return redirects(base, r)
	case !usable(r.Backends):
		return []*routev3.Route{answer(base(), failure(r.GRPC), noBackend)}
	case e.onlyTunnel(r.Backends):
		return []*routev3.Route{answer(base(), 503, tunnelOnly)}
	}
	split := retries(r, e.form)
	out := make([]*routev3.Route, len(split))
	for i, s := range split {
		out[i] = base()
		if s.methods != nil {
			out[i].Match.Headers = append(out[i].Match.Headers, s.methods)
		}
		out[i].Action = &routev3.Route_Route{Route: e.action(r, s.policy)}
	}
	return out
}

// failure is the status of a backend that cannot be used: 500, which Envoy tells gRPC
// clients as UNKNOWN, and the API wants UNAVAILABLE, which is 503.
func failure(grpc bool) uint32 {
	if grpc {
		return 503
	}
	return 500
}

// usable says that a share of requests goes to some backend.
func usable(backends []model.Backend) bool {
	for _, b := range backends {
		if b.Weight > 0 && !b.To.Broken {
			return true
		}
	}
	return false
}

// onlyTunnel says that every request would have to go through the tunnel.
func (e *routeEncoder) onlyTunnel(backends []model.Backend) bool {
	for _, b := range backends {
		if b.Weight > 0 && (b.To.Broken || targetCluster(b.To) != e.tunnelled) {
			return false
		}
	}
	return e.tunnelled != ""
}

func answer(r *routev3.Route, status uint32, body string) *routev3.Route {
	r.Action = direct(status, body).Action
	return r
}

// targetCluster is the cluster of a backend, whether it exists or not.
func targetCluster(t model.BackendTarget) string {
	if t.Broken {
		return BrokenCluster
	}
	return ClusterName(t.Port, "", t.Key.Host)
}

// cluster is that of a backend of this port: none that is reached by a tunnel only.
func (e *routeEncoder) cluster(t model.BackendTarget) string {
	if name := targetCluster(t); name != e.tunnelled {
		return name
	}
	return BrokenCluster
}

// action forwards. What does not exist answers as failure says.
func (e *routeEncoder) action(r *model.Route, retry *routev3.RetryPolicy) *routev3.RouteAction {
	out := &routev3.RouteAction{
		ClusterNotFoundResponseCode: routev3.RouteAction_INTERNAL_SERVER_ERROR,
		Timeout:                     durationpb.New(r.Timeout),
		RetryPolicy:                 retry,
		HashPolicy:                  e.hash,
	}
	if r.GRPC {
		out.ClusterNotFoundResponseCode = routev3.RouteAction_SERVICE_UNAVAILABLE
	}
	e.forward(out, r.Backends)
	rewrite(out, r)
	for _, m := range r.Mirrors {
		out.RequestMirrorPolicies = append(out.RequestMirrorPolicies, &routev3.RouteAction_RequestMirrorPolicy{
			Cluster:                       e.cluster(m.To),
			RuntimeFraction:               &corev3.RuntimeFractionalPercent{DefaultValue: fraction(m)},
			DisableShadowHostSuffixAppend: true,
		})
	}
	return out
}

// forward names the clusters; those without weight are left out.
func (e *routeEncoder) forward(to *routev3.RouteAction, backends []model.Backend) {
	var clusters []*routev3.WeightedCluster_ClusterWeight
	for _, b := range backends {
		if b.Weight == 0 {
			continue
		}
		w := &routev3.WeightedCluster_ClusterWeight{Name: e.cluster(b.To), Weight: wrapperspb.UInt32(b.Weight)}
		headerChange(b.Request, &w.RequestHeadersToAdd, &w.RequestHeadersToRemove)
		headerChange(b.Response, &w.ResponseHeadersToAdd, &w.ResponseHeadersToRemove)
		clusters = append(clusters, w)
	}
	if w := clusters[0]; len(clusters) == 1 && len(w.RequestHeadersToAdd)+len(w.RequestHeadersToRemove)+
		len(w.ResponseHeadersToAdd)+len(w.ResponseHeadersToRemove) == 0 {
		to.ClusterSpecifier = &routev3.RouteAction_Cluster{Cluster: w.Name}
		return
	}
	to.ClusterSpecifier = &routev3.RouteAction_WeightedClusters{WeightedClusters: &routev3.WeightedCluster{Clusters: clusters}}
}

// fraction is exact for percents, else to one in a million.
func fraction(m model.Mirror) *typev3.FractionalPercent {
	if m.Denominator == 100 {
		return &typev3.FractionalPercent{Numerator: m.Numerator}
	}
	const million = 1_000_000
	return &typev3.FractionalPercent{
		Numerator:   uint32((uint64(m.Numerator)*million + uint64(m.Denominator)/2) / uint64(m.Denominator)),
		Denominator: typev3.FractionalPercent_MILLION,
	}
}

// routeName tells, in dumps, from where a route comes: KIND/NAMESPACE/NAME/RULE. Envoy
// does not want it unique.
func routeName(r *model.Route) string {
	return r.Object.Kind + "/" + r.Object.Namespace + "/" + r.Object.Name + "/" + strconv.Itoa(r.Rule)
}
