package envoy

import (
	"strconv"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// channelID is the filter state that gRPC clients hash by where all requests of
// one channel belong together (gRFC A42).
const channelID = "io.grpc.channel_id"

// Target is one port of a service, as gRPC clients dial it: xds:///HOST:PORT
// (semantics 9.5).
type Target struct {
	Service *model.Service
	Port    uint32
}

func (t Target) suffix() string { return ":" + strconv.FormatUint(uint64(t.Port), 10) }

// Names are those of its listeners for clients of a namespace: HOST:PORT, the full
// host first, then its short forms.
func (t Target) Names(clientNamespace string) []string {
	names := shortNames(clientNamespace, t.Service)
	for i := range names {
		names[i] += t.suffix()
	}
	return names
}

// RouteName is FQDN:PORT.
func (t Target) RouteName() string { return t.Service.Host + t.suffix() }

// PolicyID is the policy that rules for a client: all that its routes look at of
// the client.
func (t Target) PolicyID(client model.Proxy) model.PolicyID {
	return t.Service.Select(client, t.Port, "").PolicyID
}

// Listener is the API listener that a client asks for by one of the Names.
//
// It fails on a string that is not UTF-8.
func (t Target) Listener(name string) (Resource, error) {
	hcm := &hcmv3.HttpConnectionManager{
		StatPrefix: "grpc",
		RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{
			Rds: &hcmv3.Rds{ConfigSource: ads(), RouteConfigName: t.RouteName()},
		},
		HttpFilters: []*hcmv3.HttpFilter{{
			Name:       "envoy.filters.http.router",
			ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: pack(&routerv3.Router{})},
		}},
	}
	return encode(ListenerType, name, &listenerv3.Listener{
		Name:        name,
		ApiListener: &listenerv3.ApiListener{ApiListener: pack(hcm)},
	})
}

// Routes sends every request to the service, with the hash key of one of its
// policies. gRPC clients repeat by themselves what no endpoint has begun to serve,
// and have no timeout of their own; a retry policy could only add what may be
// served twice (semantics 9.6).
//
// It fails on a string that is not UTF-8.
func (t Target) Routes(id model.PolicyID) (Resource, error) {
	var hash *model.Hash
	if id >= 0 && int(id) < len(t.Service.Policies) {
		hash = t.Service.Policies[id].For(model.GRPCForm).Cluster.Hash
	}
	return encode(RouteType, t.RouteName(), &routev3.RouteConfiguration{
		Name: t.RouteName(),
		VirtualHosts: []*routev3.VirtualHost{{
			Name: t.RouteName(), Domains: []string{"*"},
			Routes: []*routev3.Route{{
				Match: everything(),
				Action: &routev3.Route_Route{Route: &routev3.RouteAction{
					ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: ClusterName(t.Port, "", t.Service.Host)},
					Timeout:          durationpb.New(0),
					HashPolicy:       channelHash(hash),
				}},
			}},
		}},
		ValidateClusters: wrapperspb.Bool(false),
	})
}

// channelHash is hashPolicy, with the channel in place of the source address: a
// gRPC client is its own source.
func channelHash(h *model.Hash) []*routev3.RouteAction_HashPolicy {
	if h == nil || !h.SourceIP {
		return hashPolicy(h)
	}
	return []*routev3.RouteAction_HashPolicy{{
		PolicySpecifier: &routev3.RouteAction_HashPolicy_FilterState_{
			FilterState: &routev3.RouteAction_HashPolicy_FilterState{Key: channelID},
		},
	}}
}
