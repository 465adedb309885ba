package worldtest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// WaypointName is the one Gateway of a world: a waypoint, most of the time.
const WaypointName = "a/wp"

func gateway(t *rapid.T) Event {
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

// attached gives a Service a virtual IP, and sometimes the waypoint. Two Services may
// have one virtual IP.
func attached(t *rapid.T, s *corev1.Service) {
	s.Spec.ClusterIP = fmt.Sprintf("10.96.0.%d", rapid.IntRange(1, 5).Draw(t, "virtual IP"))
	if rapid.Bool().Draw(t, "waypoint") {
		s.Labels = map[string]string{model.UseWaypoint: "wp", model.UseWaypointNamespace: "a"}
	}
}

func httpRoute(t *rapid.T, ns string) Event {
	r := &gatewayv1.HTTPRoute{}
	r.Namespace, r.Name = ns, rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "route")
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{
		Group: ptr(gatewayv1.Group("")), Kind: ptr(gatewayv1.Kind("Service")),
		Name: gatewayv1.ObjectName(rapid.SampledFrom(services).Draw(t, "parent")),
	}}
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
