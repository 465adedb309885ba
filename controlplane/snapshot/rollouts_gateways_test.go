package snapshot

import (
	"testing"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

var waypointRef = model.ObjectRef{Kind: "Gateway", Namespace: "default", Name: "way"}

// gatewayOfClass is the Gateway default/way with the listener of a waypoint.
func gatewayOfClass(class string) store.Change {
	g := &gatewayv1.Gateway{Spec: gatewayv1.GatewaySpec{
		GatewayClassName: gatewayv1.ObjectName(class),
		Listeners:        []gatewayv1.Listener{{Name: "mesh", Port: model.PortPROXY, Protocol: model.ProtocolPROXY}},
	}}
	g.Namespace, g.Name = waypointRef.Namespace, waypointRef.Name
	return store.Change{Ref: waypointRef, Object: g}
}

func waypoint(id string) model.Proxy {
	p := sidecar(id, "a")
	p.Kind, p.Gateway, p.HTTPProxyPort = model.Waypoint, "default/way", 0
	return p
}

// A Gateway is as far as the proxies that run it: they have asked for listeners, and
// accepted all of them.
func TestRolloutOfAGateway(t *testing.T) {
	h, st := newHub(t, service("one"), gatewayOfClass(model.WaypointClass))
	rolls(t, h, "nobody runs it", rollouts{waypointRef: {}})

	var a, b, other Progress
	observed(t, h, waypoint("a"), &a)
	bystander := sidecar("other", "a")
	other.Behind = map[envoy.ResourceName]bool{of(envoy.ListenerType, "http-proxy"): true}
	observed(t, h, bystander, &other)
	rolls(t, h, "it has not asked for listeners", rollouts{waypointRef: {Proxies: 1}})

	a.Listens = true
	rolls(t, h, "it has all", rollouts{waypointRef: {Proxies: 1, Programmed: 1}})

	last := observed(t, h, waypoint("b"), &b)
	b.Listens, b.Behind = true, map[envoy.ResourceName]bool{of(envoy.ListenerType, envoy.WaypointListener): true}
	a.Behind = map[envoy.ResourceName]bool{of(envoy.EndpointType, cluster("one")): true, of(envoy.RouteType, cluster("one")): true}
	rolls(t, h, "one is behind with the listener, one with a service", rollouts{waypointRef: {Proxies: 2, Programmed: 1}})

	b.Behind = nil
	b.Refused = map[envoy.ResourceName]string{of(envoy.ListenerType, envoy.WaypointListener): "no", of(envoy.ClusterType, cluster("one")): "neither"}
	no := model.Rollout{Proxies: 2, Programmed: 1, Refused: 1, Proxy: "default/b", Resource: envoy.WaypointListener, Message: "no"}
	rolls(t, h, "one refuses", rollouts{waypointRef: no})

	b.Refused = map[envoy.ResourceName]string{of(envoy.RouteType, envoy.GatewayPrefix+"80"): "no"}
	no.Resource = envoy.GatewayPrefix + "80"
	rolls(t, h, "one refuses routes of its own", rollouts{waypointRef: no})

	last.Leave()
	rolls(t, h, "one leaves", rollouts{waypointRef: {Proxies: 1, Programmed: 1}})

	st.Apply([]store.Change{gatewayOfClass("somebody-elses")})
	h.publish(st.Take(), time.Now())
	rolls(t, h, "it is another controller's now", rollouts{})
}

// What waits to be taken may be other listeners, and a stream that says nothing anything.
func TestRolloutOfAGatewayWhoseStreamIsNotAsked(t *testing.T) {
	h, _ := newHub(t, service("one"), gatewayOfClass(model.WaypointClass))
	m := observed(t, h, waypoint("a"), &Progress{Listens: true})
	m.mark(nil, true, false, time.Now())
	rolls(t, h, "listeners wait", rollouts{waypointRef: {Proxies: 1}})
	take(m)
	rolls(t, h, "they are taken", rollouts{waypointRef: {Proxies: 1, Programmed: 1}})
	m.mu.Lock()
	m.progress = nil
	m.mu.Unlock()
	rolls(t, h, "nobody can be asked", rollouts{waypointRef: {Proxies: 1}})
}
