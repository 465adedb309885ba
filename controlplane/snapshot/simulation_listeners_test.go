package snapshot

import (
	"slices"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/envoy"
)

// routesOf are the names of the routes that a listener wants, sorted.
func routesOf(r *envoy.Resource) []string {
	l := new(listenerv3.Listener)
	if err := proto.Unmarshal(r.Body, l); err != nil {
		panic(err)
	}
	var out []string
	for _, chain := range append(l.GetFilterChains(), l.GetDefaultFilterChain()) {
		for _, f := range chain.GetFilters() {
			hcm := new(hcmv3.HttpConnectionManager)
			if f.GetTypedConfig().UnmarshalTo(hcm) == nil && hcm.GetRds() != nil {
				out = append(out, hcm.GetRds().GetRouteConfigName())
			}
		}
	}
	slices.Sort(out)
	return out
}

// wanted are all those of a client's listeners, sorted.
func (c *client) wanted() []string {
	return slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, names := range c.routes {
			for _, name := range names {
				if !yield(name) {
					return
				}
			}
		}
	}))
}

// followListeners subscribes to the routes of listeners that a response brought,
// and drops those that no listener wants any more.
func (c *client) followListeners(r xds.Response) (subscribe, unsubscribe []string) {
	before := c.wanted()
	for _, x := range r.Resources {
		c.routes[x.Name] = routesOf(x)
	}
	for _, name := range r.Removed {
		delete(c.routes, name)
	}
	after := c.wanted()
	for _, name := range after {
		if id := (resourceID{envoy.RouteType, name}); !c.names[id] {
			c.names[id] = true
			subscribe = append(subscribe, name)
		}
	}
	for _, name := range before {
		if id := (resourceID{envoy.RouteType, name}); !slices.Contains(after, name) {
			delete(c.names, id)
			delete(c.held, id)
			unsubscribe = append(unsubscribe, name)
		}
	}
	return subscribe, unsubscribe
}

// wantListeners notes every listener of a view, and its routes.
func wantListeners(want map[string]string, view *View) {
	for _, name := range view.Names(envoy.ListenerType) {
		l := view.Get(envoy.ListenerType, name)
		want[envoy.ListenerType+" "+name] = l.Version
		for _, name := range routesOf(l) {
			want[envoy.RouteType+" "+name] = view.Get(envoy.RouteType, name).Version
		}
	}
}
