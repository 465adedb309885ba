package ingest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// entryReader reads the endpoints of a ServiceEntry.
type entryReader struct {
	Objects
	entry    *v1alpha1.ServiceEntry
	problems []model.Problem
	gap      gap
}

// workload is one endpoint before it is joined to a port.
type workload struct {
	model.Endpoint
	target func(v1alpha1.ServicePort) int64
	// object is a WorkloadEntry that is told if its socket is another's already.
	object model.ObjectRef
}

// read fills in the endpoints behind each port of s, which are in the order of
// b.ports: those of the entry; or the workloads that it selects; or, where a name
// is resolved and neither is there, the host itself.
func (b *entryReader) read(s *model.Service) {
	all := b.inline()
	if b.entry.Spec.WorkloadSelector != nil {
		all = b.selected(s)
	} else if len(b.entry.Spec.Endpoints) == 0 && (s.Resolution == model.DNS || s.Resolution == model.DNSRoundRobin) {
		all = []workload{{Endpoint: model.Endpoint{Address: s.Host, Weight: 1}, target: (&v1alpha1.WorkloadEntrySpec{}).TargetOf}}
		b.gap.unfenced, b.gap.first, b.gap.why = 1, s.Host, "a DNS name is in no region"
	}
	for i, port := range b.ports() {
		s.Ports[i].Endpoints = b.behind(port, all)
	}
}

// behind are the endpoints of one port; of one socket the first counts.
func (b *entryReader) behind(port v1alpha1.ServicePort, all []workload) []model.Endpoint {
	type socket struct {
		address string
		port    int64
	}
	seen := make(map[socket]bool, len(all))
	out := make([]model.Endpoint, 0, len(all))
	for i := range all {
		w := &all[i]
		number := w.target(port)
		if at := (socket{w.Address, number}); seen[at] {
			b.again(w, number)
			continue
		} else {
			seen[at] = true
		}
		e := w.Endpoint
		e.Port = uint32(number)
		out = append(out, e)
	}
	slices.SortFunc(out, byAddress)
	return out
}

// again tells of a workload whose socket is another's.
func (b *entryReader) again(w *workload, number int64) {
	if w.object == (model.ObjectRef{}) {
		return
	}
	b.problems = append(b.problems, model.Problem{
		Object: w.object, Field: "spec.address", Severity: model.Info, Reason: model.NoEffect,
		Message: fmt.Sprintf("%s port %d is already an endpoint of %s, by another workload", w.Address, number, entryRef(b.entry)),
	})
}

// inline are the entry's own endpoints.
func (b *entryReader) inline() []workload {
	var out []workload
	for i := range b.entry.Spec.Endpoints {
		spec := &b.entry.Spec.Endpoints[i]
		if w := b.ofSpec(spec, spec.Labels); w.Address != "" {
			w.Workload = model.WorkloadName{
				Kind: model.EntryWorkload, Istio: v1alpha1.IsIstio(b.entry.APIVersion), Namespace: b.entry.Namespace, Name: b.entry.Name,
			}
			b.gap.count(w.Endpoint)
			out = append(out, w)
		}
	}
	return out
}

// selected are the Pods and WorkloadEntries that the entry selects, each by name.
func (b *entryReader) selected(s *model.Service) []workload {
	var out []workload
	pods := slices.SortedFunc(slices.Values(b.Selected), func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	for _, pod := range pods {
		if w, ok := b.ofPod(pod); ok {
			out = append(out, w)
		}
	}
	entries := slices.SortedFunc(slices.Values(b.Workloads), func(a, b *v1alpha1.WorkloadEntry) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.APIVersion, b.APIVersion))
	})
	for _, e := range entries {
		w := b.ofSpec(&e.Spec, WorkloadLabels(e))
		w.object = model.ObjectRef{Kind: v1alpha1.KindOf(e.APIVersion, v1alpha1.KindWorkloadEntry), Namespace: e.Namespace, Name: e.Name}
		if w.Address == "" {
			continue
		}
		w.Workload = model.WorkloadName{
			Kind: model.WorkloadEntryWorkload, Istio: v1alpha1.IsIstio(e.APIVersion), Namespace: e.Namespace, Name: e.Name,
		}
		if _, err := netip.ParseAddr(w.Address); err != nil && s.Resolution == model.Static {
			b.problems = append(b.problems, model.Problem{
				Object: w.object, Field: "spec.address", Severity: model.Warning, Reason: model.NotHonoured,
				Message: fmt.Sprintf("%q is no IP address: %s has resolution STATIC, and this endpoint is left out of it", w.Address, entryRef(b.entry)),
			})
			continue
		}
		out = append(out, w)
	}
	for i := range out {
		b.gap.count(out[i].Endpoint)
	}
	if len(b.Selected)+len(b.Workloads) == 0 {
		b.problems = append(b.problems, model.Problem{
			Object: s.Object, Field: "spec.workloadSelector", Severity: model.Info, Reason: model.NoEffect,
			Message: "no Pod and no WorkloadEntry of namespace " + b.entry.Namespace + " has these labels: the hosts have no endpoints",
		})
	}
	return out
}

// ofSpec is one workload that says itself where it is. Without an address it is
// reached by no gateway that is known, and left out.
func (b *entryReader) ofSpec(spec *v1alpha1.WorkloadEntrySpec, labels map[string]string) workload {
	address := strings.ToLower(spec.Address)
	if ip, err := netip.ParseAddr(address); err == nil {
		address = ip.String()
	}
	w := workload{target: spec.TargetOf, Endpoint: model.Endpoint{Address: address, Weight: 1, Labels: labels}}
	if spec.Weight != nil {
		w.Weight = uint32(*spec.Weight)
	}
	b.Mesh.entryTunnel(&w.Endpoint, labels, b.Key.Namespace, spec.ServiceAccount)
	written, _ := model.ParseLocality(spec.Locality)
	written = plainLocality(written)
	w.Locality = written
	if value := labelledLocality(labels); value != "" {
		if l, ok := parseLabel(value); ok {
			w.Locality = plainLocality(l)
		}
	}
	w.Region = written.Region
	if spec.Locality == "" { // nothing else says it
		w.Region = w.Locality.Region
	}
	switch {
	case spec.Network != "":
		w.Network = spec.Network
	case labels[labelNetwork] != "":
		w.Network = labels[labelNetwork]
	default:
		w.Network = network(nil, b.Namespace)
	}
	return w
}

func plainLocality(l model.Locality) model.Locality {
	return model.Locality{Region: plain(l.Region), Zone: plain(l.Zone), SubZone: plain(l.SubZone)}
}

// ofPod is a Pod as the EndpointSlice controller would see it, and its place as
// that of a slice's endpoint; false if it is none: without an IP, or at its end.
func (b *entryReader) ofPod(pod *corev1.Pod) (workload, bool) {
	ip, err := netip.ParseAddr(pod.Status.PodIP)
	if err != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return workload{}, false
	}
	c := claims{pod: pod, node: plain(pod.Spec.NodeName)}
	w := workload{target: (&v1alpha1.WorkloadEntrySpec{}).TargetOf, Endpoint: model.Endpoint{
		Address: ip.String(), Weight: 1, Labels: pod.Labels, Node: c.node,
		Workload: podWorkload(PodName{Namespace: pod.Namespace, Name: pod.Name}),
		Region:   b.Nodes.fenceRegion(c), Network: network(pod, b.Namespace), State: state(podConditions(pod), pod),
	}}
	b.Mesh.podTunnel(&w.Endpoint, pod)
	var badLabel bool
	if w.Locality, badLabel = b.Nodes.locality(c); badLabel {
		b.problems = append(b.problems, unreadableLabel(pod))
	}
	for _, other := range pod.Status.PodIPs {
		if a, err := netip.ParseAddr(other.IP); err == nil && a.Is4() != ip.Is4() {
			w.Additional = []string{a.String()}
			break
		}
	}
	return w, true
}

// podConditions are those that the EndpointSlice controller writes for a Pod.
func podConditions(pod *corev1.Pod) discoveryv1.EndpointConditions {
	serving := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
	leaving := pod.DeletionTimestamp != nil
	ready := serving && !leaving
	return discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &leaving}
}

// gaps is the one gap of the entry, if there is any.
func (b *entryReader) gaps() []gap {
	if b.gap.first == "" {
		return nil
	}
	return []gap{b.gap}
}
