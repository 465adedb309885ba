package ingest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// Gateway says in mesh words all that is known about one Gateway, and what is wrong with
// it and with the routes that name it. It is nil where there is none, or where it is of a
// class of somebody else; then the routes are not ours to judge either, and the one Problem
// is that of a class which looks like one of ours.
func Gateway(o GatewayObjects) (*model.GatewayObject, []model.Problem) {
	g := o.Gateway
	if g == nil || !ours(g, o.Class) {
		return nil, unknownClass(o)
	}
	out := &model.GatewayObject{GatewayName: o.Name, Object: gatewayRef(g), Kind: model.Gateway}
	var problems []model.Problem
	if isWaypoint(g, o.Class) {
		out.Kind = model.Waypoint
		out.Waypoint, problems = waypointListener(g)
		problems = append(problems, waypointTold(o)...)
		out.Waypoint.AttachedRoutes = len(o.Routing.HTTP) + len(o.Routing.GRPC)
	} else {
		out.Listeners, out.Attached, problems = edgeListeners(o)
	}
	out.Addresses = gatewayAddresses(o, out.Kind)
	return out, model.SortProblems(problems)
}

// unknownClass tells of a class that looks like one of ours, and that no object declares.
func unknownClass(o GatewayObjects) []model.Problem {
	if o.Gateway == nil || o.Class != nil || !strings.HasPrefix(string(o.Gateway.Spec.GatewayClassName), model.EdgeClass) {
		return nil
	}
	return []model.Problem{{
		Object: gatewayRef(o.Gateway), Field: "spec.gatewayClassName", Severity: model.Warning, Reason: model.TargetNotFound,
		Message: fmt.Sprintf("there is no GatewayClass %s, so nobody serves the Gateway; built in are %s and %s",
			o.Gateway.Spec.GatewayClassName, model.WaypointClass, model.EdgeClass),
	}}
}

// gatewayAddresses are where clients reach the Services of a Gateway: at the edge the
// addresses of a load balancer, where it is to have one; else their virtual IPs, else their
// host name.
func gatewayAddresses(o GatewayObjects, kind model.Kind) []string {
	var out []string
	for _, s := range o.Services {
		if kind == model.Gateway && s.Spec.Type == corev1.ServiceTypeLoadBalancer {
			out = append(out, balancerAddresses(s)...)
		} else if ips := clusterIPs(s); len(ips) > 0 {
			out = append(out, ips...)
		} else {
			out = append(out, model.ServiceKey(s.Namespace, s.Name).Host)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// balancerAddresses are those that a load balancer has given a Service.
func balancerAddresses(s *corev1.Service) []string {
	var out []string
	for _, i := range s.Status.LoadBalancer.Ingress {
		if ip, err := netip.ParseAddr(i.IP); err == nil {
			out = append(out, ip.Unmap().String())
		} else if i.Hostname != "" {
			out = append(out, strings.ToLower(i.Hostname))
		}
	}
	return out
}

// allowsNamespace says whether what a listener says of allowedRoutes takes a namespace:
// by default that of the Gateway only. ns is nil where it is not known; then it has no labels.
func allowsNamespace(a *gatewayv1.AllowedRoutes, own string, ns *corev1.Namespace, namespace string) bool {
	from := gatewayv1.NamespacesFromSame
	var selector *metav1.LabelSelector
	if a != nil && a.Namespaces != nil {
		if a.Namespaces.From != nil {
			from = *a.Namespaces.From
		}
		selector = a.Namespaces.Selector
	}
	switch from {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSelector:
		s, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil {
			return false
		}
		set := labels.Set{corev1.LabelMetadataName: namespace}
		if ns != nil {
			for key, value := range ns.Labels {
				set[key] = value
			}
		}
		return s.Matches(set)
	case gatewayv1.NamespacesFromNone:
		return false
	}
	return namespace == own
}
