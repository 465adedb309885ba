package kube

import (
	"fmt"
	"strings"
	"unique"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
)

// trimmer cuts objects down to what is read of them (reference/kubernetes.md 7.1),
// and gives equal parts one memory. UIDs stay: tokens and Events are bound to them.
// resourceVersions go, so that an edit of nothing that counts is no change.
type trimmer struct {
	yes, no *bool
	names   interner[string]
	hints   interner[discoveryv1.EndpointHints]
}

func newTrimmer() *trimmer {
	yes, no := true, false
	return &trimmer{yes: &yes, no: &no}
}

// trim edits an object of a built-in kind in place; twice is as good as once. It
// is a cache.TransformFunc.
func (t *trimmer) trim(object any) (any, error) {
	switch o := object.(type) {
	case *corev1.Service:
		t.service(o)
	case *discoveryv1.EndpointSlice:
		t.slice(o)
	case *corev1.Node:
		t.node(o)
	case *corev1.Pod:
		t.pod(o)
	case *corev1.Namespace:
		t.namespace(o)
	default:
		return nil, fmt.Errorf("%T is none of the kinds that are watched", object)
	}
	return object, nil
}

// service keeps the spec whole: admission checks all of it, and there are few. Of the
// status the addresses of a Gateway's load balancer are read.
func (t *trimmer) service(s *corev1.Service) {
	var status corev1.ServiceStatus
	if s.Labels[gatewayv1.GatewayNameLabelKey] != "" {
		for _, i := range s.Status.LoadBalancer.Ingress {
			status.LoadBalancer.Ingress = append(status.LoadBalancer.Ingress, corev1.LoadBalancerIngress{IP: i.IP, Hostname: i.Hostname})
		}
	}
	*s = corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Name: s.Name, Namespace: s.Namespace, UID: s.UID, CreationTimestamp: s.CreationTimestamp,
			Labels: s.Labels, Annotations: readAnnotations(s.Annotations),
		},
		Spec: s.Spec, Status: status,
	}
}

func (t *trimmer) namespace(n *corev1.Namespace) {
	*n = corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: n.Name, UID: n.UID, Labels: n.Labels, Annotations: readAnnotations(n.Annotations),
	}}
}

// readAnnotations are those below the prefixes that somebody here reads, or warns
// of because nobody does.
func readAnnotations(all map[string]string) map[string]string {
	return kept(all, func(key string) bool {
		return strings.HasPrefix(key, v1alpha1.GroupName+"/") || strings.HasPrefix(key, v1alpha1.IstioGroup+"/") ||
			key == corev1.AnnotationTopologyMode || key == corev1.DeprecatedAnnotationTopologyAwareHints
	})
}

// kept is a map without what nobody reads, nil if nothing is left.
func kept(all map[string]string, read func(key string) bool) map[string]string {
	var out map[string]string
	for key, value := range all {
		if read(key) {
			if out == nil {
				out = map[string]string{}
			}
			out[one(key)] = one(value)
		}
	}
	return out
}

// one is an equal string, in one memory with all equals that are alive.
func one(s string) string { return unique.Make(s).Value() }

// node keeps where it is, and why topology-mode Auto may refuse it.
func (t *trimmer) node(n *corev1.Node) {
	cut := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.Name, UID: n.UID, Labels: kept(n.Labels, isNodeLabel)}}
	if cpu, ok := n.Status.Allocatable[corev1.ResourceCPU]; ok {
		cut.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: cpu}
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			cut.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: c.Status}}
		}
	}
	*n = cut
}

func isNodeLabel(key string) bool {
	switch key {
	case corev1.LabelTopologyRegion, corev1.LabelTopologyZone, corev1.LabelFailureDomainBetaRegion,
		corev1.LabelFailureDomainBetaZone, "topology.istio.io/subzone",
		"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master":
		return true
	}
	return false
}

// pod keeps identity, labels, place, whether a ztunnel is in front of it, and what tells a
// pod that was never ready.
func (t *trimmer) pod(p *corev1.Pod) {
	cut := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: p.Name, Namespace: one(p.Namespace), UID: p.UID, DeletionTimestamp: p.DeletionTimestamp,
			Labels:      kept(p.Labels, func(string) bool { return true }),
			Annotations: kept(p.Annotations, func(key string) bool { return key == ingest.AnnotationRedirection }),
		},
		Spec: corev1.PodSpec{NodeName: one(p.Spec.NodeName), ServiceAccountName: one(p.Spec.ServiceAccountName), HostNetwork: p.Spec.HostNetwork},
		Status: corev1.PodStatus{
			Phase: p.Status.Phase, PodIP: p.Status.PodIP, PodIPs: p.Status.PodIPs, StartTime: p.Status.StartTime,
		},
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady { // the first counts
			cut.Status.Conditions = []corev1.PodCondition{{Type: c.Type, Status: c.Status, LastTransitionTime: c.LastTransitionTime}}
			break
		}
	}
	*p = cut
}

func (t *trimmer) slice(s *discoveryv1.EndpointSlice) {
	cut := discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: s.Name, Namespace: one(s.Namespace), UID: s.UID, Labels: kept(s.Labels, isSliceLabel),
		},
		AddressType: discoveryv1.AddressType(one(string(s.AddressType))),
		Ports:       append([]discoveryv1.EndpointPort(nil), s.Ports...),
		Endpoints:   make([]discoveryv1.Endpoint, len(s.Endpoints)),
	}
	for i := range s.Endpoints {
		cut.Endpoints[i] = t.endpoint(&s.Endpoints[i])
	}
	*s = cut
}

func isSliceLabel(key string) bool {
	return key == discoveryv1.LabelServiceName || key == discoveryv1.LabelManagedBy || key == corev1.IsHeadlessService
}

// endpoint has one address: the others are read by nobody (reference/kubernetes.md 2).
func (t *trimmer) endpoint(e *discoveryv1.Endpoint) discoveryv1.Endpoint {
	cut := discoveryv1.Endpoint{
		Addresses: e.Addresses,
		Conditions: discoveryv1.EndpointConditions{
			Ready: t.flag(e.Conditions.Ready), Serving: t.flag(e.Conditions.Serving), Terminating: t.flag(e.Conditions.Terminating),
		},
		Hostname: e.Hostname, NodeName: t.name(e.NodeName), Zone: t.name(e.Zone), Hints: t.hint(e.Hints),
	}
	if len(e.Addresses) > 1 {
		cut.Addresses = []string{e.Addresses[0]}
	}
	if ref := e.TargetRef; ref != nil {
		cut.TargetRef = &corev1.ObjectReference{Kind: one(ref.Kind), Namespace: one(ref.Namespace), Name: ref.Name}
	}
	return cut
}

func (t *trimmer) flag(b *bool) *bool {
	switch {
	case b == nil:
		return nil
	case *b:
		return t.yes
	}
	return t.no
}

func (t *trimmer) name(s *string) *string {
	if s == nil {
		return nil
	}
	return t.names.get(*s, func() string { return *s })
}

func (t *trimmer) hint(h *discoveryv1.EndpointHints) *discoveryv1.EndpointHints {
	if h == nil {
		return nil
	}
	var key strings.Builder
	for _, z := range h.ForZones {
		key.WriteString("z" + z.Name + "/") // no name has a slash
	}
	for _, n := range h.ForNodes {
		key.WriteString("n" + n.Name + "/")
	}
	return t.hints.get(key.String(), func() discoveryv1.EndpointHints { return *h })
}
