package admit

import (
	"slices"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// ownLabels are what each kind that is named here has below our group.
func ownLabels(kind string) (names []string, checked bool) {
	switch kind {
	case "Service", "Namespace", v1alpha1.KindServiceEntry:
		return []string{"use-waypoint", "use-waypoint-namespace"}, true
	case "Pod":
		return []string{"tunnel", "use-waypoint", "use-waypoint-namespace"}, true
	case v1alpha1.KindWorkloadEntry:
		return []string{"tunnel"}, true
	case "Gateway":
		return []string{"enforce-waypoint", "waypoint-for"}, true
	}
	return nil, false
}

// unknownLabels tells of labels of our group that a kind does not have, as
// unknownAnnotations does. EndpointSlices are not looked at: they have copies of the
// labels of their Service.
func (r *report) unknownLabels(kind string, labels map[string]string) {
	if names, checked := ownLabels(kind); checked {
		annotations, _ := ownAnnotations(kind)
		r.unknownKeys("label", labels, names, annotations, "it is read as an annotation, and not as a label")
	}
}

// waypointLabels tells of the labels of a waypoint that say nothing: the two of one
// spelling go together, and the one for the namespace names no Gateway.
func (r *report) waypointLabels(kind string, labels map[string]string) {
	if names, _ := ownLabels(kind); !slices.Contains(names, "use-waypoint") {
		r.noWaypoint(kind, labels)
		return
	}
	for _, l := range [...]struct{ name, namespace, other string }{
		{model.UseWaypoint, model.UseWaypointNamespace, model.UseWaypointIstio},
		{model.UseWaypointIstio, model.UseWaypointNamespaceIstio, model.UseWaypoint},
	} {
		_, written := labels[l.namespace]
		value, named := labels[l.name]
		switch at := path("metadata.labels").key(l.namespace); {
		case named && value == "":
			r.add(model.Info, model.NoEffect, path("metadata.labels").key(l.name),
				"has no effect: it is empty; write the name of a Gateway, or %s to have no waypoint", model.NoWaypoint)
		case !written || named:
		case labels[l.other] != "":
			r.add(model.Info, model.NoEffect, at, "has no effect: it goes with %s, and not with %s, which names the Gateway here", l.name, l.other)
		default:
			r.add(model.Info, model.NoEffect, at, "has no effect without %s on this object, which names the Gateway in that namespace", l.name)
		}
	}
}

// noWaypoint tells of Istio's labels on kinds that have no waypoint of their own; ours
// are unknown there.
func (r *report) noWaypoint(kind string, labels map[string]string) {
	if kind != v1alpha1.KindWorkloadEntry {
		return
	}
	for _, key := range []string{model.UseWaypointIstio, model.UseWaypointNamespaceIstio} {
		if labels[key] != "" {
			r.add(model.Info, model.NoEffect, path("metadata.labels").key(key), "has no effect: it is not read on a WorkloadEntry; label the ServiceEntry or the Namespace")
		}
	}
}
