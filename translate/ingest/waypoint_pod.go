package ingest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// PodWaypoint tells of a Pod whose own label names a waypoint that its workload does not
// have: it is not there, not ours, not valid, or not for workloads. What the label of a
// Namespace names is first of all its services' (Service tells of it). A ztunnel asks for
// nothing else of a Pod, and no Envoy does.
func PodWaypoint(pod *corev1.Pod, find func(model.GatewayName) GatewayObjects) []model.Problem {
	name, field, object := PodWaypointName(pod, nil)
	if name == (model.GatewayName{}) {
		return nil
	}
	o := find(name)
	reason, why := notForWorkloads(name, o.Gateway, o.Class)
	if reason == "" {
		return nil
	}
	return []model.Problem{{
		Object: object, Field: field, Severity: model.Warning, Reason: reason,
		Message: why + "; clients reach the addresses of " + object.String() + " without a waypoint",
	}}
}

// notForWorkloads says why a Gateway is no waypoint for workloads; no reason if it is one.
func notForWorkloads(name model.GatewayName, g *gatewayv1.Gateway, class *gatewayv1.GatewayClass) (reason model.Reason, why string) {
	switch {
	case g == nil:
		return model.TargetNotFound, fmt.Sprintf("there is no Gateway %s", name)
	case !isWaypoint(g, class):
		return model.Invalid, fmt.Sprintf("Gateway %s is of class %s, and not of %s", name, g.Spec.GatewayClassName, model.WaypointClass)
	}
	if w, problems := waypointListener(g); w.Port == 0 {
		return model.Invalid, fmt.Sprintf("Gateway %s has no valid listener: %s", name, problems[0].Message)
	}
	if label, what := forWhat(g); what != "workload" && what != "all" {
		return model.NotAllowedByListeners, fmt.Sprintf("Gateway %s is not for workloads, which its label %s would have to say (workload or all)", name, label)
	}
	return "", ""
}

// NoAddress tells of a valid waypoint without an address, which ztunnels do not find.
func NoAddress(name model.GatewayName) model.Problem {
	return model.Problem{
		Object: model.ObjectRef{Kind: "Gateway", Namespace: name.Namespace, Name: name.Name},
		Field:  "metadata.name", Severity: model.Warning, Reason: model.TargetNotFound,
		Message: fmt.Sprintf("no Service is labelled %s: %s, so ztunnels do not find the waypoint, and go straight to the endpoints",
			gatewayv1.GatewayNameLabelKey, name.Name),
	}
}
