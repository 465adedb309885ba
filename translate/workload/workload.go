package workload

import (
	"cmp"
	"net/netip"
	"slices"

	"google.golang.org/protobuf/types/known/wrapperspb"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/envoy"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Objects is all that is known about one workload.
type Objects struct {
	ID ID
	// Pod or Entry is the object, if it is one and known.
	Pod   *corev1.Pod
	Entry *v1alpha1.WorkloadEntry
	// Namespace is its own, nil if it is not known.
	Namespace *corev1.Namespace
	Nodes     *ingest.Nodes
	// Members are what the services say that it is behind, in the order of their keys.
	Members []Member
	// Waypoint finds a waypoint that exists, nil for none.
	Waypoint func(model.GatewayName) *Waypoint
}

// Workload is the resource of one workload, nil where there is none: a Pod that has ended,
// or has no address yet.
//
// The error is that of a string which is not UTF-8.
func (m Mesh) Workload(o Objects) (*envoy.Resource, error) {
	said := o.Members
	w := &workloadapi.Workload{
		Uid: o.ID.uid(m.Cluster), Name: o.ID.Name, Namespace: o.ID.Namespace,
		ClusterId: m.Cluster, TrustDomain: m.trustDomain(), WorkloadType: workloadapi.WorkloadType_POD,
		WorkloadName: o.ID.Name, Services: portsOf(said),
	}
	o.describe(w, said)
	if len(w.Addresses) == 0 && w.Hostname == "" {
		return nil, nil
	}
	o.bind(w)
	return workloadResource(w)
}

// describe fills in what the object says; without an address there is no workload.
func (o Objects) describe(w *workloadapi.Workload, said []Member) {
	var labels map[string]string
	switch {
	case o.Pod != nil:
		o.ofPod(w, said)
		labels = o.Pod.Labels
	case o.Entry != nil:
		o.ofEntry(w, said)
		labels = ingest.WorkloadLabels(o.Entry)
	case len(said) > 0:
		ofMember(w, said[0])
		if slices.ContainsFunc(said, func(m Member) bool { return m.Votes }) && !healthy(said) {
			w.Status = workloadapi.WorkloadStatus_UNHEALTHY
		}
	}
	w.CanonicalName = cmp.Or(labels["service.istio.io/canonical-name"], labels["app.kubernetes.io/name"], labels["app"], o.ID.Name)
	w.CanonicalRevision = cmp.Or(labels["service.istio.io/canonical-revision"], labels["app.kubernetes.io/version"], labels["version"], "latest")
}

// ofMember is a workload of which its services alone know.
func ofMember(w *workloadapi.Workload, m Member) {
	for _, address := range append([]string{m.Address}, m.Additional...) {
		if ip, ok := bytesOf(address); ok {
			w.Addresses = append(w.Addresses, ip)
		}
	}
	if len(w.Addresses) == 0 {
		w.Hostname = m.Address
	}
	w.Locality, w.Node, w.Network = localityOf(m.Place), m.Node, m.Network
	w.Capacity = capacity(m.Weight)
}

// capacity is nil for the default, 1.
func capacity(weight uint32) *wrapperspb.UInt32Value {
	if weight == 1 {
		return nil
	}
	return wrapperspb.UInt32(weight)
}

// ofPod is a Pod. Its slices may know its place better, and of a manifest its addresses.
// One that has ended gets none.
func (o Objects) ofPod(w *workloadapi.Workload, said []Member) {
	pod := o.Pod
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return
	}
	place, network := ingest.PodPlace(o.Nodes, o.Namespace, pod)
	if len(said) > 0 {
		ofMember(w, said[0])
		w.Hostname = ""
		place = said[0].Place
	}
	if own := podAddresses(pod); len(own) > 0 {
		w.Addresses = own
	}
	w.Locality, w.Network = localityOf(place), network
	w.Node = cmp.Or(pod.Spec.NodeName, w.Node)
	w.ServiceAccount = cmp.Or(pod.Spec.ServiceAccountName, "default")
	if pod.Spec.HostNetwork {
		w.NetworkMode = workloadapi.NetworkMode_HOST_NETWORK
	} else if ingest.Tunnelled(pod.Labels, pod.Annotations) {
		w.TunnelProtocol = workloadapi.TunnelProtocol_HBONE
	}
	if !podHealthy(pod, said) {
		w.Status = workloadapi.WorkloadStatus_UNHEALTHY
	}
}

func podAddresses(pod *corev1.Pod) [][]byte {
	var out [][]byte
	seen := map[netip.Addr]bool{}
	add := func(text string) {
		if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" && !seen[ip.Unmap()] {
			seen[ip.Unmap()] = true
			out = append(out, ip.Unmap().AsSlice())
		}
	}
	add(pod.Status.PodIP)
	for _, ip := range pod.Status.PodIPs {
		add(ip.IP)
	}
	return out
}

// podHealthy: a Pod that says of itself that it is not ready is not healthy. Else its
// services decide: it is where one of them would send to it (semantics 7), and so is a pod
// that leaves and still serves where nothing else is ready.
func podHealthy(pod *corev1.Pod, said []Member) bool {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady && c.Status != corev1.ConditionTrue {
			return false
		}
	}
	if slices.ContainsFunc(said, func(m Member) bool { return m.Votes }) {
		return healthy(said)
	}
	return pod.DeletionTimestamp == nil
}

// healthy says that some service which has a word would send to it.
func healthy(said []Member) bool {
	return slices.ContainsFunc(said, func(m Member) bool { return m.Votes && m.Ready })
}

// ofEntry is a WorkloadEntry: always healthy, nobody watches it.
func (o Objects) ofEntry(w *workloadapi.Workload, said []Member) {
	m := ingest.WorkloadPlace(o.Entry, o.Namespace)
	ofMember(w, Member{Address: m.Address, Place: m.Locality, Network: m.Network, Weight: m.Weight})
	w.ServiceAccount = cmp.Or(o.Entry.Spec.ServiceAccount, "default")
	if ingest.Tunnelled(ingest.WorkloadLabels(o.Entry), o.Entry.Annotations) && w.Hostname == "" {
		w.TunnelProtocol = workloadapi.TunnelProtocol_HBONE
	}
}

// bind fills in what the waypoints of the workload and of its services make of it. The
// pods of a waypoint itself are behind none.
func (o Objects) bind(w *workloadapi.Workload) {
	if o.Waypoint == nil {
		return
	}
	if o.Pod != nil {
		if own := o.Waypoint(GatewayOf(o.Pod)); own != nil {
			if own.Form == model.Plain {
				w.ApplicationTunnel = &workloadapi.ApplicationTunnel{Protocol: workloadapi.ApplicationTunnel_PROXY, Port: own.Port}
			} else {
				w.NativeTunnel = true
				w.TunnelProtocol = workloadapi.TunnelProtocol_HBONE
			}
			return
		}
	}
	var behind []model.GatewayName
	if wp := o.Waypoint(o.OwnWaypoint()); wp != nil && wp.Workloads {
		w.Waypoint = wp.address()
		behind = append(behind, wp.GatewayName)
	}
	for _, m := range o.Members {
		behind = append(behind, m.Waypoint)
	}
	for _, name := range behind {
		if wp := o.Waypoint(name); wp != nil && wp.Enforce {
			w.AuthorizationPolicies = append(w.AuthorizationPolicies, PolicyOf(wp.GatewayName))
		}
	}
	slices.Sort(w.AuthorizationPolicies)
	w.AuthorizationPolicies = slices.Compact(w.AuthorizationPolicies)
}

// OwnWaypoint is the Gateway that labels of the Pod or of its Namespace name, zero for none.
func (o Objects) OwnWaypoint() model.GatewayName {
	if o.Pod == nil {
		return model.GatewayName{}
	}
	name, _, _ := ingest.PodWaypointName(o.Pod, o.Namespace)
	return name
}

// GatewayOf is the Gateway that a Pod belongs to, zero for none.
func GatewayOf(pod *corev1.Pod) model.GatewayName {
	if name := pod.Labels[gatewayv1.GatewayNameLabelKey]; name != "" {
		return model.GatewayName{Namespace: pod.Namespace, Name: name}
	}
	return model.GatewayName{}
}
