package ingest

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// WaypointName is the Gateway that labels name as the waypoint of a Service, zero for
// none; and the label that does, and the object that it stands on, for Problems. The
// Service's own label counts before its Namespace's, and on one object our spelling
// before Istio's; "none" is an answer too, of which field and object tell. Without a
// label for the namespace it is the Service's own. Either object may be nil. That the
// Gateway exists is not said.
func WaypointName(service *corev1.Service, namespace *corev1.Namespace) (name model.GatewayName, field string, object model.ObjectRef) {
	if service != nil {
		if name, field = waypointLabel(service.Labels, service.Namespace); field != "" {
			return name, field, serviceRef(service)
		}
	}
	return namespaceWaypoint(namespace)
}

// PodWaypointName is the same for a Pod, which as a workload has its own.
func PodWaypointName(pod *corev1.Pod, namespace *corev1.Namespace) (name model.GatewayName, field string, object model.ObjectRef) {
	if pod != nil {
		if name, field = waypointLabel(pod.Labels, pod.Namespace); field != "" {
			return name, field, model.ObjectRef{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name}
		}
	}
	return namespaceWaypoint(namespace)
}

// WaypointName is the same for the service that this is: by its Service, else by the
// first of its entries.
func (o Objects) WaypointName() (name model.GatewayName, field string, object model.ObjectRef) {
	if o.Service == nil && len(o.Entries) > 0 {
		e := o.Entries[0]
		if name, field = waypointLabel(e.Labels, e.Namespace); field != "" {
			return name, field, entryRef(e)
		}
	}
	return WaypointName(o.Service, o.Namespace)
}

func namespaceWaypoint(namespace *corev1.Namespace) (name model.GatewayName, field string, object model.ObjectRef) {
	if namespace == nil {
		return model.GatewayName{}, "", model.ObjectRef{}
	}
	if name, field = waypointLabel(namespace.Labels, namespace.Name); field == "" {
		return model.GatewayName{}, "", model.ObjectRef{}
	}
	return name, field, model.ObjectRef{Kind: "Namespace", Name: namespace.Name}
}

// waypointLabel reads the labels of one object in a namespace; field is "" where none says
// anything. The two labels of one spelling go together.
func waypointLabel(labels map[string]string, namespace string) (name model.GatewayName, field string) {
	for _, l := range [...]struct{ name, namespace string }{
		{model.UseWaypoint, model.UseWaypointNamespace},
		{model.UseWaypointIstio, model.UseWaypointNamespaceIstio},
	} {
		value := labels[l.name]
		if value == "" {
			continue
		}
		field = "metadata.labels[" + l.name + "]"
		if value == model.NoWaypoint {
			return model.GatewayName{}, field
		}
		if other := labels[l.namespace]; other != "" {
			namespace = other
		}
		return model.GatewayName{Namespace: namespace, Name: value}, field
	}
	return model.GatewayName{}, ""
}
