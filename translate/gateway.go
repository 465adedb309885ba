package translate

import (
	"fmt"
	"strings"

	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/model"
)

// NotRun tells that a proxy is not served the Gateway that it names: g is what there is of
// that name, nil for none of our classes.
func NotRun(p model.Proxy, g *model.GatewayObject) model.Problem {
	_, id, _ := strings.Cut(p.ID, "/")
	class := model.WaypointClass
	if p.Kind == model.Gateway {
		class = model.EdgeClass
	}
	out := model.Problem{
		Object: model.ObjectRef{Kind: model.KindProxy, Namespace: p.Namespace, Name: id},
		Field:  "node.metadata.coastwise.gateway", Severity: model.Warning, Reason: model.TargetNotFound,
	}
	switch {
	case g == nil:
		out.Message = fmt.Sprintf("there is no Gateway %s of class %s, so the proxy has no listener for it", p.Gateway, class)
	case g.Kind != p.Kind:
		out.Message = fmt.Sprintf("Gateway %s is not for a proxy of kind %s, which runs one of class %s", p.Gateway, p.Kind, class)
	default:
		out.Message = fmt.Sprintf("Gateway %s is not of namespace %s, in which the proxy is", p.Gateway, p.Namespace)
	}
	return out
}

// PortTaken tells that a listener of a Gateway is on the HTTP proxy port of proxies that
// run it.
func PortTaken(g *model.GatewayObject, l model.GatewayListener) model.Problem {
	return model.Problem{
		Object: g.Object, Field: fmt.Sprintf("spec.listeners[%d].port", l.Index), Severity: model.Warning, Reason: model.PortUnavailable,
		Message: fmt.Sprintf("port %d is the HTTP proxy port of some proxies that run the Gateway, which do not listen for it", l.Port),
	}
}

// Settings are those of the policies that rule for a client at the services that it is
// served (Owners).
func Settings(p model.Proxy, services []*model.Service) envoy.Settings {
	byKey := make(map[model.Key]*model.Service, len(services))
	for _, s := range services {
		byKey[s.Key] = s
	}
	return func(t model.BackendTarget) model.ClusterSettings {
		s := byKey[t.Key]
		if s == nil {
			return model.ClusterSettings{}
		}
		if id := s.PolicyID(p, t.Port, ""); id != model.NoPolicy && int(id) < len(s.Policies) {
			return s.Policies[id].Cluster
		}
		return model.ClusterSettings{}
	}
}
