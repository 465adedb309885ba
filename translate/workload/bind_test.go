package workload

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Where a workload is reached, and where there is none: its own word before that of its
// slices, names only of what is no Pod.
func TestWorkloadAddresses(t *testing.T) {
	named := member(true, true)
	named.Address = "a.example"
	both := member(true, true)
	both.Additional = []string{"fd00::9"}
	slice := ID{model.WorkloadName{Kind: model.SliceWorkload, Namespace: "shop", Name: "web-1"}, "10.0.0.9"}
	bare := func(p *corev1.Pod) { p.Status = corev1.PodStatus{} }
	for name, c := range map[string]struct {
		o    Objects
		want string // addresses, or the host name
		none bool
	}{
		"the Pod's one address, not its slice's": {Objects{ID: podID("p"), Pod: pod(func(p *corev1.Pod) { p.Status.PodIPs = nil }), Members: []Member{member(true, true)}}, "10.0.0.1", false},
		"a Pod behind a name":                    {Objects{ID: podID("p"), Pod: pod(bare), Members: []Member{named}}, "", true},
		"both families of a slice":               {Objects{ID: slice, Members: []Member{both}}, "10.0.0.9,fd00::9", false},
		"a name":                                 {Objects{ID: slice, Members: []Member{named}}, "a.example", false},
		"a Pod that failed":                      {Objects{ID: podID("p"), Pod: pod(func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }), Members: []Member{member(true, true)}}, "", true},
		"nobody knows of it":                     {Objects{ID: slice}, "", true},
	} {
		c.o.Nodes = nodes
		w := decoded(t, kubernetes, c.o)
		if got := addresses(w) + w.GetHostname(); got != c.want || (w == nil) != c.none {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// What its weight is, and whether one of which its services alone know is healthy.
func TestWorkloadOfSlice(t *testing.T) {
	slice := ID{model.WorkloadName{Kind: model.SliceWorkload, Namespace: "shop", Name: "web-1"}, "10.0.0.9"}
	weighing := func(weight uint32) Member {
		m := member(true, true)
		m.Weight = weight
		return m
	}
	for _, c := range []struct {
		said     []Member
		capacity int // -1: not said, which is 1
		healthy  bool
	}{
		{[]Member{weighing(1)}, -1, true},
		{[]Member{weighing(0)}, 0, true},
		{[]Member{weighing(7)}, 7, true},
		{[]Member{member(false, true)}, -1, false},
		{[]Member{member(false, false)}, -1, true},
		{[]Member{member(false, true), member(true, true)}, -1, true},
		{[]Member{member(false, true), member(true, false)}, -1, false},
	} {
		w := decoded(t, kubernetes, Objects{ID: slice, Members: c.said})
		got := -1
		if w.GetCapacity() != nil {
			got = int(w.GetCapacity().GetValue())
		}
		if healthy := w.GetStatus() == workloadapi.WorkloadStatus_HEALTHY; got != c.capacity || healthy != c.healthy {
			t.Errorf("%+v: capacity %d, healthy %v", c.said, got, healthy)
		}
	}
}

// A WorkloadEntry is described by its own labels, and tunnelled by HBONE where it says so
// and has an IP.
func TestWorkloadOfEntry(t *testing.T) {
	id := ID{WorkloadName: model.WorkloadName{Kind: model.WorkloadEntryWorkload, Namespace: "shop", Name: "vm", Istio: true}}
	entry := func(address string, labels map[string]string) Objects {
		return Objects{ID: id, Entry: &v1alpha1.WorkloadEntry{
			ObjectMeta: metav1.ObjectMeta{Name: "vm", Namespace: "shop", Labels: labels}, Spec: v1alpha1.WorkloadEntrySpec{Address: address},
		}}
	}
	w := decoded(t, kubernetes, entry("10.0.0.7", map[string]string{"app": "db", "networking.coastwise.dev/tunnel": "hbone"}))
	if w.GetUid() != "Kubernetes/networking.istio.io/WorkloadEntry/shop/vm" || w.GetCanonicalName() != "db" || w.GetTunnelProtocol() != workloadapi.TunnelProtocol_HBONE || w.GetServiceAccount() != "default" {
		t.Errorf("%v", w)
	}
	if w := decoded(t, kubernetes, entry("10.0.0.7", nil)); w.GetTunnelProtocol() != workloadapi.TunnelProtocol_NONE {
		t.Errorf("it does not speak HBONE: %v", w)
	}
	if w := decoded(t, kubernetes, entry("vm.example", map[string]string{"networking.coastwise.dev/tunnel": "hbone"})); w.GetTunnelProtocol() != workloadapi.TunnelProtocol_NONE || w.GetHostname() != "vm.example" {
		t.Errorf("no tunnel leads to a name: %v", w)
	}
	inline := ID{model.WorkloadName{Kind: model.EntryWorkload, Namespace: "shop", Name: "se"}, "10.0.0.9"}
	if w := decoded(t, kubernetes, Objects{ID: inline, Members: []Member{member(true, true)}}); w.GetUid() != "Kubernetes/networking.coastwise.dev/ServiceEntry/shop/se/10.0.0.9" {
		t.Errorf("%v", w)
	}
}

// The policies of all waypoints that a workload is behind, each once and in order; what
// none is in front of has none.
func TestWorkloadPolicies(t *testing.T) {
	name := func(s string) model.GatewayName { return model.GatewayName{Namespace: "shop", Name: s} }
	ways := map[model.GatewayName]*Waypoint{}
	for _, s := range []string{"a", "b", "own"} {
		ways[name(s)] = &Waypoint{GatewayName: name(s), Enforce: true, Workloads: s == "own", Addresses: []string{"10.96.0.9"}}
	}
	ways[name("lax")] = &Waypoint{GatewayName: name("lax")}
	var members []Member
	for _, s := range []string{"b", "a", "own", "b", "lax", "gone", ""} {
		m := member(true, true)
		if s != "" {
			m.Waypoint = name(s)
		}
		members = append(members, m)
	}
	find := func(g model.GatewayName) *Waypoint { return ways[g] }
	behind := pod(func(p *corev1.Pod) { p.Labels[model.UseWaypoint] = "own" })
	w := decoded(t, kubernetes, Objects{ID: podID("p"), Pod: behind, Nodes: nodes, Members: members, Waypoint: find})
	if want := []string{"shop/only-through-a", "shop/only-through-b", "shop/only-through-own"}; !slices.Equal(w.GetAuthorizationPolicies(), want) {
		t.Errorf("%v", w.GetAuthorizationPolicies())
	}
	alone := decoded(t, kubernetes, Objects{ID: podID("p"), Pod: behind, Nodes: nodes, Waypoint: find})
	if !slices.Equal(alone.GetAuthorizationPolicies(), []string{"shop/only-through-own"}) || alone.GetWaypoint() == nil {
		t.Errorf("behind its own: %v", alone)
	}
	ways[name("a")].Form = model.HBONE
	own := pod(func(p *corev1.Pod) { p.Labels[gatewayv1.GatewayNameLabelKey] = "a" })
	if w := decoded(t, kubernetes, Objects{ID: podID("p"), Pod: own, Nodes: nodes, Waypoint: find}); w.GetTunnelProtocol() != workloadapi.TunnelProtocol_HBONE {
		t.Errorf("a waypoint that ends HBONE itself: %v", w)
	}
}

// Ports are found by number and name, and where nothing is said of where traffic may go the
// entry and the Namespace are asked.
func TestServiceDetails(t *testing.T) {
	twice := serviceOf(func(s *corev1.Service) {
		s.Spec.Ports = []corev1.ServicePort{
			{Name: "udp", Port: 80, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromInt32(9999)}, {Name: "http", Port: 80, TargetPort: intstr.FromInt32(1)},
		}
	})
	if got := message(t, twice, nil).GetPorts(); len(got) != 1 || got[0].GetTargetPort() != 1 {
		t.Errorf("%v", got)
	}
	prefers := map[string]string{model.IstioDistributionAnnotation: "PreferClose"}
	entry := func(annotations map[string]string) ingest.Objects {
		return ingest.Objects{Key: model.Key{Namespace: "shop", Host: "x.example"}, Declared: true, Entries: []*v1alpha1.ServiceEntry{{
			ObjectMeta: metav1.ObjectMeta{Name: "e", Namespace: "shop", Annotations: annotations},
			Spec:       v1alpha1.ServiceEntrySpec{Hosts: []string{"x.example"}, Ports: []v1alpha1.ServicePort{{Number: 443, Name: "tls"}}, Resolution: "STATIC"},
		}}}
	}
	ofNamespace := serviceOf(nil)
	ofNamespace.Namespace = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Annotations: prefers}}
	for name, c := range map[string]struct {
		o    ingest.Objects
		near bool
	}{
		"the entry's annotation": {entry(prefers), true}, "an entry without": {entry(nil), false},
		"the Namespace's annotation": {ofNamespace, true},
	} {
		if got := message(t, c.o, nil).GetLoadBalancing().GetMode() == workloadapi.LoadBalancing_FAILOVER; got != c.near {
			t.Errorf("%s: near first is %v", name, got)
		}
	}
}
