package translate

import (
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// WaypointEntrance is where connections come to the services of a waypoint: on its
// Gateway's port behind a ztunnel, or, where it ends HBONE itself, out of the tunnels.
func WaypointEntrance(l model.WaypointListener, bind string) envoy.Entrance {
	if l.Form == model.HBONE {
		return envoy.Entrance{Name: envoy.MainInternal, Authority: true, Principal: true, Tunnels: true}
	}
	return envoy.Entrance{Name: envoy.WaypointListener, Bind: bind, Port: l.Port, Proxied: true, Principal: true}
}
