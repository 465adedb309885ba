package snapshot

import (
	"maps"
	"slices"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"

	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/envoy"
)

// routesOf is the name of the routes that a listener wants; "" for one without.
func routesOf(r *envoy.Resource) string {
	l, hcm := new(listenerv3.Listener), new(hcmv3.HttpConnectionManager)
	if err := proto.Unmarshal(r.Body, l); err != nil {
		panic(err)
	}
	if l.GetFilterChains()[0].GetFilters()[0].GetTypedConfig().UnmarshalTo(hcm) != nil {
		return ""
	}
	return hcm.GetRds().GetRouteConfigName()
}

// followListeners subscribes to the routes of listeners that a response brought,
// and drops those that no listener wants any more.
func (c *client) followListeners(r xds.Response) (subscribe, unsubscribe []string) {
	before := slices.Sorted(maps.Values(c.routes))
	for _, x := range r.Resources {
		c.routes[x.Name] = routesOf(x)
	}
	for _, name := range r.Removed {
		delete(c.routes, name)
	}
	after := slices.Sorted(maps.Values(c.routes))
	for _, name := range after {
		if id := (resourceID{envoy.RouteType, name}); name != "" && !c.names[id] {
			c.names[id] = true
			subscribe = append(subscribe, name)
		}
	}
	for _, name := range before {
		if id := (resourceID{envoy.RouteType, name}); name != "" && !slices.Contains(after, name) {
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
		if name = routesOf(l); name != "" {
			want[envoy.RouteType+" "+name] = view.Get(envoy.RouteType, name).Version
		}
	}
}
