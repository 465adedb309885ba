package envoy

import (
	"slices"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/coastwise/coastwise/translate/model"
)

// alonePrefix starts the name of the chain of an HTTP port at addresses that nobody has,
// and of its routes.
const alonePrefix = "original|"

// AloneName is original|PORT.
func AloneName(port uint32) string { return alonePrefix + portText(port) }

// aloneName is the chain for connections to the port at addresses that nobody has.
func (c Chain) aloneName() string {
	if c.port().HTTP() {
		return AloneName(c.Port)
	}
	return c.Name()
}

// passesOn says that the chain's cluster leads to where a connection was to go.
func (c Chain) passesOn() bool {
	return c.Policy >= 0 && int(c.Policy) < len(c.Service.Policies) && c.Service.Policies[c.Policy].Algorithm == model.Passthrough
}

// closes says that connections to a chain are closed, since passed on to the proxy's own
// port they would come back for ever.
func (e Entrance) closes(c Chain) bool { return c.passesOn() && slices.Contains(e.Own, c.Port) }

// AlonePorts are the HTTP ports that chains have at any address, sorted.
func AlonePorts(chains []Chain) []uint32 {
	var out []uint32
	for _, c := range chains {
		if c.Alone && c.port().HTTP() {
			out = append(out, c.Port)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// byHost are the chains of those ports. Which hosts are behind one its routes say, so that
// it stays as it is when a host comes or goes.
func (e Entrance) byHost(chains []Chain) []*listenerv3.FilterChain {
	var out []*listenerv3.FilterChain
	for _, port := range AlonePorts(chains) {
		if slices.Contains(e.Own, port) {
			continue
		}
		out = append(out, &listenerv3.FilterChain{Name: AloneName(port), Filters: []*listenerv3.Filter{
			networkFilter("envoy.filters.network.http_connection_manager", connectionManager("original_"+portText(port), AloneName(port), "")),
		}})
	}
	return out
}

// AloneRoutes are those of an HTTP port at addresses that nobody has: by the host of a
// request to the services of the chains that have the port there. Requests for other hosts
// go where they were to go or, with registryOnly, are answered 502.
//
// It fails on a string that is not UTF-8.
func AloneRoutes(port uint32, chains []Chain, registryOnly bool) (Resource, error) {
	t := table{seen: map[string]bool{}}
	for _, c := range chains {
		if c.Alone && c.Port == port && c.port().HTTP() {
			t.host([]string{c.Service.Host}, RouteList(c.Service, c.port(), c.Service.Policies[c.Policy].Cluster, model.Plain)...)
		}
	}
	if registryOnly {
		t.host([]string{"*"}, direct(502, hostUnknown))
	} else {
		t.host([]string{"*"}, &routev3.Route{Match: everything(), Action: &routev3.Route_Route{Route: &routev3.RouteAction{
			ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: PassthroughCluster}, Timeout: durationpb.New(0),
		}}})
	}
	return encode(RouteType, AloneName(port), &routev3.RouteConfiguration{
		Name: AloneName(port), VirtualHosts: t.hosts,
		ValidateClusters: wrapperspb.Bool(false), IgnorePortInHostMatching: true,
	})
}
