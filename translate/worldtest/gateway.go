package worldtest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// The Gateways of a world: a waypoint, most of the time, and one at the edge.
const (
	WaypointName = "a/wp"
	EdgeName     = "a/edge"
)

func gateway(t *rapid.T) Event {
	if rapid.IntRange(0, 2).Draw(t, "at the edge") == 0 {
		return edge(t)
	}
	g := &gatewayv1.Gateway{}
	g.Namespace, g.Name = "a", "wp"
	g.Spec.GatewayClassName = model.WaypointClass
	if rapid.IntRange(0, 7).Draw(t, "edge") == 0 {
		g.Spec.GatewayClassName = model.EdgeClass
	}
	l := gatewayv1.Listener{Name: "mesh", Protocol: model.ProtocolPROXY, Port: model.PortPROXY}
	if rapid.IntRange(0, 2).Draw(t, "hbone") == 0 {
		l.Protocol, l.Port = model.ProtocolHBONE, model.PortHBONE
	}
	if rapid.IntRange(0, 7).Draw(t, "wrong port") == 0 {
		l.Port = 80
	}
	if rapid.IntRange(0, 3).Draw(t, "own only") > 0 {
		l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: ptr(gatewayv1.NamespacesFromAll)}}
	}
	g.Spec.Listeners = []gatewayv1.Listener{l}
	return Event{Ref: model.ObjectRef{Kind: "Gateway", Namespace: g.Namespace, Name: g.Name}, Object: g}
}

// edge draws listeners that clash with each other, with the HTTP proxy port of proxies and
// with listeners that Services declare.
func edge(t *rapid.T) Event {
	g := &gatewayv1.Gateway{}
	g.Namespace, g.Name = "a", "edge"
	g.Spec.GatewayClassName = model.EdgeClass
	for i := range rapid.IntRange(1, 3).Draw(t, "listeners") {
		l := gatewayv1.Listener{Name: gatewayv1.SectionName(fmt.Sprint("l", i)), Protocol: gatewayv1.HTTPProtocolType}
		l.Port = rapid.SampledFrom([]gatewayv1.PortNumber{8080, 8081, 15080, 18080}).Draw(t, "port")
		if rapid.Bool().Draw(t, "named") {
			l.Hostname = ptr(rapid.SampledFrom([]gatewayv1.Hostname{"shop.example", "*.example"}).Draw(t, "host name"))
		}
		if rapid.Bool().Draw(t, "for all") {
			l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: ptr(gatewayv1.NamespacesFromAll)}}
		}
		g.Spec.Listeners = append(g.Spec.Listeners, l)
	}
	return Event{Ref: model.ObjectRef{Kind: "Gateway", Namespace: g.Namespace, Name: g.Name}, Object: g}
}

// attached gives a Service a virtual IP, and sometimes the waypoint. Two Services may
// have one virtual IP.
func attached(t *rapid.T, s *corev1.Service) {
	s.Spec.ClusterIP = fmt.Sprintf("10.96.0.%d", rapid.IntRange(1, 5).Draw(t, "virtual IP"))
	if rapid.Bool().Draw(t, "waypoint") {
		s.Labels = map[string]string{model.UseWaypoint: "wp", model.UseWaypointNamespace: "a"}
	}
	for i := range s.Spec.Ports {
		if rapid.IntRange(0, 3).Draw(t, "TCP") == 0 {
			s.Spec.Ports[i].AppProtocol = ptr("tcp")
		}
	}
}

func httpRoute(t *rapid.T, ns string) Event {
	r := &gatewayv1.HTTPRoute{}
	r.Namespace, r.Name = ns, rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "route")
	r.Spec.ParentRefs = []gatewayv1.ParentReference{parent(t)}
	if rapid.IntRange(0, 3).Draw(t, "host names") == 0 {
		r.Spec.Hostnames = []gatewayv1.Hostname{rapid.SampledFrom([]gatewayv1.Hostname{"shop.example", "*.example", "other.example"}).Draw(t, "host name")}
	}
	for range rapid.IntRange(1, 2).Draw(t, "rules") {
		rule := gatewayv1.HTTPRouteRule{Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{
			Type: ptr(gatewayv1.PathMatchPathPrefix), Value: ptr(rapid.SampledFrom([]string{"/", "/a"}).Draw(t, "path")),
		}}}}
		for range rapid.IntRange(0, 2).Draw(t, "backends") {
			b := gatewayv1.HTTPBackendRef{}
			b.Name = gatewayv1.ObjectName(rapid.SampledFrom(append([]string{"none"}, services...)).Draw(t, "backend"))
			b.Group, b.Kind, b.Port = ptr(gatewayv1.Group("")), ptr(gatewayv1.Kind("Service")), ptr(gatewayv1.PortNumber(80))
			b.Weight = ptr(int32(rapid.IntRange(0, 3).Draw(t, "weight")))
			if rapid.IntRange(0, 3).Draw(t, "foreign") == 0 {
				b.Namespace = ptr(gatewayv1.Namespace(rapid.SampledFrom(namespaces).Draw(t, "backend namespace")))
			}
			rule.BackendRefs = append(rule.BackendRefs, b)
		}
		r.Spec.Rules = append(r.Spec.Rules, rule)
	}
	return Event{Ref: model.ObjectRef{Kind: "HTTPRoute", Namespace: ns, Name: r.Name}, Object: r}
}

// parent is a Service of the route's namespace, or the Gateway at the edge.
func parent(t *rapid.T) gatewayv1.ParentReference {
	if rapid.IntRange(0, 2).Draw(t, "to the edge") == 0 {
		return gatewayv1.ParentReference{Name: "edge", Namespace: ptr(gatewayv1.Namespace("a"))}
	}
	return gatewayv1.ParentReference{
		Group: ptr(gatewayv1.Group("")), Kind: ptr(gatewayv1.Kind("Service")),
		Name: gatewayv1.ObjectName(rapid.SampledFrom(services).Draw(t, "parent")),
	}
}
