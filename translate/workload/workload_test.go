package workload

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/third_party/istio/workloadapi"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

var (
	kubernetes = Mesh{Cluster: "Kubernetes", TrustDomain: "cluster.local"}
	nodes      = &ingest.Nodes{ByName: map[string]ingest.Node{"n1": {Locality: model.Locality{Region: "eu", Zone: "eu-1"}}}}
)

// decoded is a workload's message, nil for none.
func decoded(t *testing.T, m Mesh, o Objects) *workloadapi.Workload {
	t.Helper()
	r, err := m.Workload(o)
	if err != nil {
		t.Fatal(err)
	}
	if r == nil {
		return nil
	}
	a := &workloadapi.Address{}
	if err := proto.Unmarshal(r.Body, a); err != nil {
		t.Fatal(err)
	}
	if r.Name != a.GetWorkload().GetUid() || r.TypeURL != AddressType {
		t.Errorf("%s is named %s", a.GetWorkload().GetUid(), r.Name)
	}
	return a.GetWorkload()
}

func podID(name string) ID {
	return ID{WorkloadName: model.WorkloadName{Kind: model.PodWorkload, Namespace: "shop", Name: name}}
}

// pod is a ready one on n1.
func pod(edit func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "shop", Labels: map[string]string{"app": "web", "version": "v2"}},
		Spec:       corev1.PodSpec{NodeName: "n1", ServiceAccountName: "web"},
		Status: corev1.PodStatus{
			PodIP: "10.0.0.1", PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	if edit != nil {
		edit(p)
	}
	return p
}

func member(ready, votes bool) Member {
	return Member{
		Service: "shop/web.shop.svc.cluster.local", Ports: []PortPair{{80, 8080, model.ProtocolHTTP}}, Votes: votes, Ready: ready,
		Address: "10.0.0.9", Place: model.Locality{Region: "eu", Zone: "eu-2"}, Node: "n9", Weight: 1,
	}
}

// All that a Pod says, in full.
func TestWorkloadOfPod(t *testing.T) {
	o := Objects{ID: podID("p"), Pod: pod(func(p *corev1.Pod) {
		p.Annotations = map[string]string{"ambient.istio.io/redirection": "enabled"}
	}), Nodes: nodes, Namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{model.LabelNetwork: "net"}}}}
	want := &workloadapi.Workload{}
	err := prototext.Unmarshal([]byte(`
uid: "Kubernetes//Pod/shop/p" name: "p" namespace: "shop" addresses: "\n\000\000\001"
addresses: "\375\000\000\000\000\000\000\000\000\000\000\000\000\000\000\001"
network: "net" tunnel_protocol: HBONE service_account: "web" node: "n1" cluster_id: "Kubernetes"
canonical_name: "web" canonical_revision: "v2" workload_type: POD workload_name: "p"
locality {region: "eu" zone: "eu-1"}`), want)
	if err != nil {
		t.Fatal(err)
	}
	if got := decoded(t, kubernetes, o); !proto.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	foreign := decoded(t, Mesh{Cluster: "east", TrustDomain: "td"}, o)
	if foreign.GetUid() != "east//Pod/shop/p" || foreign.GetTrustDomain() != "td" || foreign.GetClusterId() != "east" {
		t.Errorf("%v", foreign)
	}
	o.Members = []Member{member(true, true)}
	if l := decoded(t, kubernetes, o).GetLocality(); l.GetZone() != "eu-2" {
		t.Errorf("its slice knows where it is, and it is in %v", l)
	}
}

// Health is the Pod's own word, then that of a service which has one (semantics 7).
func TestWorkloadHealth(t *testing.T) {
	unready := func(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }
	silent := func(p *corev1.Pod) { p.Status.Conditions = nil }
	leaving := func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }
	for name, c := range map[string]struct {
		edit    func(*corev1.Pod)
		members []Member
		healthy bool
	}{
		"ready, of no service":                      {nil, nil, true},
		"unready, of no service":                    {unready, nil, false},
		"leaving, of no service":                    {leaving, nil, false},
		"a manifest without status":                 {silent, []Member{member(true, true)}, true},
		"a manifest, its slice says no":             {silent, []Member{member(false, true)}, false},
		"unready, its slice does not know yet":      {unready, []Member{member(true, true)}, false},
		"ready, its slice does not know yet":        {nil, []Member{member(false, true)}, false},
		"ready, and its service has no word":        {nil, []Member{member(false, false)}, true},
		"leaving, and one service needs it":         {leaving, []Member{member(false, true), member(true, true)}, true},
		"unready, published whatever its readiness": {unready, []Member{member(true, false)}, false},
	} {
		w := decoded(t, kubernetes, Objects{ID: podID("p"), Pod: pod(c.edit), Nodes: nodes, Members: c.members})
		if got := w.GetStatus() == workloadapi.WorkloadStatus_HEALTHY; got != c.healthy {
			t.Errorf("%s: healthy %v", name, got)
		}
	}
}

func TestWorkloadForms(t *testing.T) {
	for name, c := range map[string]struct {
		objects Objects
		holds   func(*workloadapi.Workload) bool
	}{
		"ended":          {Objects{Pod: pod(func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })}, func(w *workloadapi.Workload) bool { return w == nil }},
		"no address yet": {Objects{Pod: pod(func(p *corev1.Pod) { p.Status = corev1.PodStatus{} })}, func(w *workloadapi.Workload) bool { return w == nil }},
		"its slice has the address": {
			Objects{Pod: pod(func(p *corev1.Pod) { p.Status = corev1.PodStatus{} }), Members: []Member{member(true, true)}},
			func(w *workloadapi.Workload) bool { return addresses(w) == "10.0.0.9" && w.GetNode() == "n1" },
		},
		"host network": {Objects{Pod: pod(func(p *corev1.Pod) {
			p.Spec.HostNetwork = true
			p.Labels["networking.istio.io/tunnel"] = "http"
		})}, func(w *workloadapi.Workload) bool {
			return w.GetNetworkMode() == workloadapi.NetworkMode_HOST_NETWORK && w.GetTunnelProtocol() == workloadapi.TunnelProtocol_NONE
		}},
		"HBONE by Istio's label": {
			Objects{Pod: pod(func(p *corev1.Pod) { p.Labels["networking.istio.io/tunnel"] = "http" })},
			func(w *workloadapi.Workload) bool { return w.GetTunnelProtocol() == workloadapi.TunnelProtocol_HBONE },
		},
		"HBONE by ours": {
			Objects{Pod: pod(func(p *corev1.Pod) { p.Labels["networking.coastwise.dev/tunnel"] = "hbone" })},
			func(w *workloadapi.Workload) bool { return w.GetTunnelProtocol() == workloadapi.TunnelProtocol_HBONE },
		},
		"plain": {Objects{Pod: pod(nil)}, func(w *workloadapi.Workload) bool { return w.GetTunnelProtocol() == workloadapi.TunnelProtocol_NONE }},
		"a slice's endpoint": {
			Objects{ID: ID{model.WorkloadName{Kind: model.SliceWorkload, Namespace: "shop", Name: "web-1"}, "10.0.0.9"}, Members: []Member{member(false, true)}},
			func(w *workloadapi.Workload) bool {
				return w.GetUid() == "Kubernetes/discovery.k8s.io/EndpointSlice/shop/web-1/10.0.0.9" && w.GetStatus() == workloadapi.WorkloadStatus_UNHEALTHY &&
					w.GetServices()["shop/web.shop.svc.cluster.local"].GetPorts()[0].GetTargetPort() == 8080
			},
		},
		"a WorkloadEntry": {Objects{
			ID: ID{WorkloadName: model.WorkloadName{Kind: model.WorkloadEntryWorkload, Namespace: "shop", Name: "vm"}},
			Entry: &v1alpha1.WorkloadEntry{ObjectMeta: metav1.ObjectMeta{Name: "vm", Namespace: "shop"}, Spec: v1alpha1.WorkloadEntrySpec{
				Address: "192.168.0.1", Locality: "eu/eu-3", Network: "vms", ServiceAccount: "vm", Weight: proto.Int64(3),
			}},
		}, func(w *workloadapi.Workload) bool {
			return w.GetUid() == "Kubernetes/networking.coastwise.dev/WorkloadEntry/shop/vm" && addresses(w) == "192.168.0.1" &&
				w.GetCapacity().GetValue() == 3 && w.GetNetwork() == "vms" && w.GetServiceAccount() == "vm" && w.GetLocality().GetZone() == "eu-3"
		}},
	} {
		if c.objects.ID == (ID{}) {
			c.objects.ID = podID("p")
		}
		c.objects.Nodes = nodes
		if w := decoded(t, kubernetes, c.objects); !c.holds(w) {
			t.Errorf("%s: %v", name, w)
		}
	}
}

func addresses(w *workloadapi.Workload) string {
	var out []string
	for _, b := range w.GetAddresses() {
		ip, _ := netip.AddrFromSlice(b)
		out = append(out, ip.String())
	}
	return strings.Join(out, ",")
}

// The waypoint of a workload counts if it is for workloads and has an address; its own
// pods are told how to take what is for others.
func TestWorkloadAndWaypoints(t *testing.T) {
	way := model.GatewayName{Namespace: "shop", Name: "way"}
	gateway := &Waypoint{GatewayName: way, Network: "n", Addresses: []string{"10.96.0.9"}, Port: 15088, Workloads: true, Enforce: true}
	find := func(w *Waypoint) func(model.GatewayName) *Waypoint {
		return func(name model.GatewayName) *Waypoint {
			if name != way {
				return nil
			}
			return w
		}
	}
	behind := pod(func(p *corev1.Pod) { p.Labels[model.UseWaypoint] = "way" })
	w := decoded(t, kubernetes, Objects{ID: podID("p"), Pod: behind, Nodes: nodes, Waypoint: find(gateway)})
	if a := w.GetWaypoint(); a.GetHboneMtlsPort() != 15008 || a.GetAddress().GetNetwork() != "n" || !slices.Equal(w.GetAuthorizationPolicies(), []string{"shop/only-through-way"}) {
		t.Errorf("%v", w)
	}
	services := *gateway
	services.Workloads = false
	if w := decoded(t, kubernetes, Objects{ID: podID("p"), Pod: behind, Nodes: nodes, Waypoint: find(&services)}); w.GetWaypoint() != nil || w.GetAuthorizationPolicies() != nil {
		t.Errorf("one for services: %v", w)
	}
	services.Addresses = nil
	m := member(true, true)
	m.Waypoint = way
	if w := decoded(t, kubernetes, Objects{ID: podID("p"), Pod: pod(nil), Nodes: nodes, Members: []Member{m}, Waypoint: find(&services)}); len(w.GetAuthorizationPolicies()) != 1 {
		t.Errorf("one without an address is enforced all the same: %v", w)
	}
	own := pod(func(p *corev1.Pod) { p.Labels[gatewayv1.GatewayNameLabelKey] = "way" })
	if w := decoded(t, kubernetes, Objects{ID: podID("p"), Pod: own, Nodes: nodes, Waypoint: find(gateway)}); w.GetApplicationTunnel().GetPort() != 15088 ||
		w.GetApplicationTunnel().GetProtocol() != workloadapi.ApplicationTunnel_PROXY || w.GetAuthorizationPolicies() != nil {
		t.Errorf("its own pod: %v", w)
	}
	hbone := *gateway
	hbone.Form = model.HBONE
	if w := decoded(t, kubernetes, Objects{ID: podID("p"), Pod: own, Nodes: nodes, Waypoint: find(&hbone)}); !w.GetNativeTunnel() || w.GetApplicationTunnel() != nil {
		t.Errorf("of the HBONE form: %v", w)
	}
}
