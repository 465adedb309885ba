package ingest

import (
	"cmp"
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// What says of a workload that a ztunnel is in front of it: an annotation that the CNI
// plugin of Istio's ambient mode writes onto a Pod, or a label.
const (
	// AnnotationRedirection is the only annotation of a Pod that is read.
	AnnotationRedirection = "ambient.istio.io/redirection"
	redirected            = "enabled"
	labelTunnel           = "networking.coastwise.dev/tunnel"
	labelTunnelIstio      = "networking.istio.io/tunnel"
)

// DefaultTrustDomain is that of a mesh that says none.
const DefaultTrustDomain = "cluster.local"

// Domain is the trust domain of the mesh.
func (m Mesh) Domain() string { return cmp.Or(m.TrustDomain, DefaultTrustDomain) }

// behindZtunnel says that the labels promise a ztunnel.
func behindZtunnel(labels map[string]string) bool {
	return labels[labelTunnel] == "hbone" || labels[labelTunnelIstio] == "http"
}

// Tunnelled says whether a workload with these labels and annotations is reached by HBONE.
func Tunnelled(labels, annotations map[string]string) bool {
	return annotations[AnnotationRedirection] == redirected || behindZtunnel(labels)
}

// podTunnel gives an endpoint the identity of its Pod, if a ztunnel is in front of it.
func (m Mesh) podTunnel(e *model.Endpoint, pod *corev1.Pod) {
	if pod == nil || !Tunnelled(pod.Labels, pod.Annotations) {
		return
	}
	m.identify(e, pod.Namespace, pod.Spec.ServiceAccountName)
}

// entryTunnel gives an endpoint that an entry declares the identity of its service
// account. A name has none: nobody knows where it leads.
func (m Mesh) entryTunnel(e *model.Endpoint, labels map[string]string, namespace, account string) {
	if _, err := netip.ParseAddr(e.Address); err == nil && behindZtunnel(labels) {
		m.identify(e, namespace, account)
	}
}

func (m Mesh) identify(e *model.Endpoint, namespace, account string) {
	e.HBONE = true
	e.Identity = model.SPIFFE(m.Domain(), namespace, cmp.Or(account, "default"))
}
