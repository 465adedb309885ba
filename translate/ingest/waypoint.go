package ingest

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// attach says which waypoint the service has: the Gateway that its labels name, if it
// exists, is of our waypoint class, and takes the service.
func attach(o Objects) (model.GatewayName, []model.Problem) {
	name, field, object := o.WaypointName()
	if name == (model.GatewayName{}) {
		return model.GatewayName{}, nil
	}
	refuse := func(reason model.Reason, format string, args ...any) (model.GatewayName, []model.Problem) {
		return model.GatewayName{}, []model.Problem{{
			Object: object, Field: field, Severity: model.Warning, Reason: reason,
			Message: fmt.Sprintf(format, args...) + "; clients reach " + o.Ref().String() + " without a waypoint",
		}}
	}
	g := o.Gateways[name]
	if g == nil {
		return refuse(model.TargetNotFound, "there is no Gateway %s", name)
	}
	what, forServices := waypointForServices(g)
	switch {
	case !isWaypoint(g, o.Classes[string(g.Spec.GatewayClassName)]):
		return refuse(model.Invalid, "Gateway %s is of class %s, and not of %s", name, g.Spec.GatewayClassName, model.WaypointClass)
	case !forServices:
		return refuse(model.NotAllowedByListeners, "Gateway %s is not for services, by its label %s", name, what)
	}
	w, problems := waypointListener(g)
	switch {
	case w.Port == 0:
		return refuse(model.Invalid, "Gateway %s has no valid listener: %s", name, problems[0].Message)
	case !allows(g, o.Namespace, o.Key.Namespace):
		return refuse(model.NotAllowedByListeners, "Gateway %s does not allow services of namespace %s (allowedRoutes)", name, o.Key.Namespace)
	}
	return name, nil
}

// The labels of a Gateway that say for what it is a waypoint: service (the default),
// workload, all or none.
const (
	waypointFor      = "networking.coastwise.dev/waypoint-for"
	waypointForIstio = "istio.io/waypoint-for"
)

// allows says whether the one listener of a waypoint takes services of a namespace: by
// default those of its own only.
func allows(g *gatewayv1.Gateway, ns *corev1.Namespace, namespace string) bool {
	for i := range g.Spec.Listeners {
		if allowsNamespace(g.Spec.Listeners[i].AllowedRoutes, g.Namespace, ns, namespace) {
			return true
		}
	}
	return false
}

// wantedPort is the form of a waypoint by its listener's protocol, and the port that goes
// with it; 0 for other protocols.
func wantedPort(p gatewayv1.ProtocolType) (model.Form, gatewayv1.PortNumber) {
	switch p {
	case model.ProtocolPROXY:
		return model.Plain, model.PortPROXY
	case model.ProtocolHBONE:
		return model.HBONE, model.PortHBONE
	}
	return model.Plain, 0
}

// waypointListener is the one listener that a waypoint must have; its port is 0 where
// it is not valid.
func waypointListener(g *gatewayv1.Gateway) (model.WaypointListener, []model.Problem) {
	var w model.WaypointListener
	refuse := func(field string, reason model.Reason, format string, args ...any) []model.Problem {
		return []model.Problem{{
			Object: gatewayRef(g), Field: field, Severity: model.Error, Reason: reason, Message: fmt.Sprintf(format, args...),
		}}
	}
	if n := len(g.Spec.Listeners); n != 1 {
		return w, refuse("spec.listeners", model.Invalid, "a waypoint has one listener, and not %d", n)
	}
	l := &g.Spec.Listeners[0]
	w.Name = string(l.Name)
	form, port := wantedPort(l.Protocol)
	switch {
	case port == 0:
		return w, refuse("spec.listeners[0].protocol", model.UnsupportedProtocol, "protocol %s: a waypoint's is %s (port %d) or %s (port %d)",
			l.Protocol, model.ProtocolPROXY, model.PortPROXY, model.ProtocolHBONE, model.PortHBONE)
	case l.Port != port:
		return w, refuse("spec.listeners[0].port", model.PortUnavailable, "port %d: that of protocol %s is %d", l.Port, l.Protocol, port)
	}
	w.Form, w.Port = form, uint32(port)
	return w, nil
}

func gatewayRef(g *gatewayv1.Gateway) model.ObjectRef {
	return model.ObjectRef{Kind: "Gateway", Namespace: g.Namespace, Name: g.Name}
}

// isWaypoint says that a Gateway is of the waypoint class.
func isWaypoint(g *gatewayv1.Gateway, class *gatewayv1.GatewayClass) bool {
	return g.Spec.GatewayClassName == model.WaypointClass && ours(g, class)
}

// ours says that a Gateway is of a class of our controller. The two classes are built
// in, unless an object of that name says that it is somebody else's.
func ours(g *gatewayv1.Gateway, class *gatewayv1.GatewayClass) bool {
	if class != nil {
		return class.Spec.ControllerName == model.GatewayController
	}
	return slices.Contains([]string{model.WaypointClass, model.EdgeClass}, string(g.Spec.GatewayClassName))
}
