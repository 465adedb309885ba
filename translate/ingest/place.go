package ingest

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// The labels that place a pod.
const (
	labelLocality    = "topology.istio.io/locality"
	labelLocalityOld = "istio-locality"
	labelNetwork     = "topology.istio.io/network"
)

// claims is what is said about where one endpoint is, each part "" or nil if unsaid.
type claims struct {
	zone string // the slice's
	node string
	pod  *corev1.Pod
}

// locality is semantics 2.1: the pod's label; else the slice's zone in its
// Node's region; else the Node's labels. Without a Node's region the Nodes of
// that zone may agree on one. badLabel says that a label is there and unreadable.
func (n *Nodes) locality(c claims) (l model.Locality, badLabel bool) {
	if value := localityLabel(c.pod); value != "" {
		if l, ok := parseLabel(value); ok {
			return l, false
		}
		badLabel = true
	}
	l = n.ByName[c.node].Locality
	if c.zone != "" && c.zone != l.Zone {
		l.Zone, l.SubZone = c.zone, ""
	}
	if l.Region == "" {
		l.Region = n.agreed(l.Zone)
	}
	return l, badLabel
}

// fenceRegion is the region that decides at the fence (semantics 4.1): that of
// a known Node, else the one on which the Nodes of its zone agree; of an unknown
// Node, the one on which the Nodes of the slice's zone agree. A label is never
// asked, or it could open the fence.
func (n *Nodes) fenceRegion(c claims) string {
	node, known := n.ByName[c.node]
	if !known {
		return n.agreed(c.zone)
	}
	if node.Locality.Region != "" {
		return node.Locality.Region
	}
	return n.agreed(node.Locality.Zone)
}

// agreed is the region on which the Nodes of a zone agree; "" if none.
func (n *Nodes) agreed(zone string) string {
	if zone == "" {
		return ""
	}
	return n.Regions[zone]
}

func localityLabel(pod *corev1.Pod) string {
	if pod == nil {
		return ""
	}
	return labelledLocality(pod.Labels)
}

func labelledLocality(labels map[string]string) string {
	if v := labels[labelLocality]; v != "" {
		return v
	}
	return labels[labelLocalityOld]
}

// parseLabel reads REGION[.ZONE[.SUBZONE]]: a label value cannot hold a slash.
func parseLabel(value string) (model.Locality, bool) {
	var l model.Locality
	region, rest, more := strings.Cut(value, ".")
	l.Region = region
	if more {
		l.Zone, rest, more = strings.Cut(rest, ".")
	}
	if more {
		l.SubZone = rest
	}
	ok := !strings.HasPrefix(value, ".") && !strings.HasSuffix(value, ".") &&
		!strings.Contains(value, "..") && !strings.Contains(l.SubZone, ".")
	return l, ok
}

// network is semantics 2.4: the pod's label, else the Namespace's.
func network(pod *corev1.Pod, namespace *corev1.Namespace) string {
	if pod != nil && pod.Labels[labelNetwork] != "" {
		return pod.Labels[labelNetwork]
	}
	if namespace != nil {
		return namespace.Labels[labelNetwork]
	}
	return ""
}

// plain drops the one name that a View uses for "none of these".
func plain(name string) string {
	if name == model.Other {
		return ""
	}
	return name
}

// PodPlace is where a Pod is, and in which network, by itself: no slice says more.
func PodPlace(n *Nodes, namespace *corev1.Namespace, pod *corev1.Pod) (l model.Locality, networkName string) {
	l, _ = n.locality(claims{node: plain(pod.Spec.NodeName), pod: pod})
	return l, network(pod, namespace)
}

// WorkloadPlace is a WorkloadEntry by itself, as an endpoint without a port.
func WorkloadPlace(e *v1alpha1.WorkloadEntry, namespace *corev1.Namespace) model.Endpoint {
	b := entryReader{Objects: Objects{Namespace: namespace, Nodes: &Nodes{}}}
	return b.ofSpec(&e.Spec, WorkloadLabels(e)).Endpoint
}

func podWorkload(name PodName) model.WorkloadName {
	return model.WorkloadName{Kind: model.PodWorkload, Namespace: name.Namespace, Name: name.Name}
}
