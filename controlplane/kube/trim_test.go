package kube

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// metaAt is what an API server and controllers write around an object.
func metaAt(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: types.UID("uid-" + name), ResourceVersion: "4711", Generation: 3, GenerateName: "x-",
		CreationTimestamp: metav1.NewTime(time.Unix(1e9, 0)),
		OwnerReferences:   []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "x", UID: "y"}},
		ManagedFields:     []metav1.ManagedFieldsEntry{{Manager: "kubectl", FieldsV1: metav1.NewFieldsV1("{}")}},
		Finalizers:        []string{"a/b"},
	}
}

// drawn are objects as they stand in a cluster, with each field that anybody here
// reads or that is large, in one value or another.
func drawn(t *rapid.T) []metav1.Object {
	word := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	pointer := func(label string, of ...string) *string { return rapid.Ptr(rapid.SampledFrom(of), true).Draw(t, label) }
	flag := func(label string) *bool { return rapid.Ptr(rapid.Bool(), true).Draw(t, label) }
	annotations := func() map[string]string {
		return map[string]string{
			corev1.LastAppliedConfigAnnotation: "{…}",
			word("annotation", corev1.AnnotationTopologyMode, corev1.DeprecatedAnnotationTopologyAwareHints, model.DistributionAnnotation, model.IstioDistributionAnnotation): word("value", "Auto", "PreferClose", "PreferSameNode", "?"),
			word("export", "networking.coastwise.dev/export-to", "networking.istio.io/exportTo", "networking.coastwise.dev/exportto", "else/where"):                           word("to", ".", "*", "a", "A B"),
			word("more", model.ListenAnnotation, "networking.coastwise.dev/scope"):                                                                                            word("what", "http=1080", "a/*", "??"),
		}
	}
	svc := &corev1.Service{ObjectMeta: metaAt("shop", "cart")}
	svc.Annotations = annotations()
	svc.Labels = map[string]string{"app": "cart", gatewayv1.GatewayNameLabelKey: word("gateway", "", "edge")}
	if v := word("proxy name", "", "coastwise", "other"); v != "" {
		svc.Labels["service.kubernetes.io/service-proxy-name"] = v
	}
	svc.Spec = corev1.ServiceSpec{
		Type: corev1.ServiceType(word("type", "ClusterIP", "LoadBalancer")), ClusterIP: word("ip", "None", "10.96.0.1"),
		Ports:               []corev1.ServicePort{{Name: word("port", "http", "db"), Port: 80, AppProtocol: pointer("app", "http", "grpc")}},
		TrafficDistribution: pointer("distribution", "PreferSameZone", "PreferSameNode", "PreferMoon"), SessionAffinity: corev1.ServiceAffinity(word("affinity", "None", "ClientIP")),
		InternalTrafficPolicy: (*corev1.ServiceInternalTrafficPolicy)(pointer("policy", "Local", "Cluster")), Selector: map[string]string{"app": "cart"},
		IPFamilies: rapid.SampledFrom([][]corev1.IPFamily{nil, {"IPv4"}, {"IPv6", "IPv4"}}).Draw(t, "families"),
	}
	svc.Status = corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{
		{IP: "192.0.2.1", Ports: []corev1.PortStatus{{Port: 80}}}, {Hostname: word("balancer", "", "lb.example")},
	}}}
	ns := &corev1.Namespace{ObjectMeta: metaAt("", "shop")}
	ns.Annotations, ns.Labels = annotations(), map[string]string{"topology.istio.io/network": word("network", "", "net-1")}
	out := []metav1.Object{svc, ns}
	for i := range 2 {
		node := &corev1.Node{ObjectMeta: metaAt("", fmt.Sprint("n", i))}
		node.Labels = map[string]string{
			word("region label", corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaRegion): word("region", "eu", "us"),
			word("zone label", corev1.LabelTopologyZone, corev1.LabelFailureDomainBetaZone):       word("zone", "z1", "z2"),
			"topology.istio.io/subzone": word("subzone", "", "s"), "kubernetes.io/arch": "amd64",
		}
		node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: quantity.MustParse("4"), corev1.ResourceMemory: quantity.MustParse("4Gi")}
		node.Status.Images = []corev1.ContainerImage{{Names: []string{"x"}}}
		pod := &corev1.Pod{ObjectMeta: metaAt("shop", fmt.Sprint("cart-", i))}
		pod.Labels = map[string]string{"version": word("version", "v1", "v2"), word("place label", "topology.istio.io/locality", "istio-locality", "x"): word("place", "eu.z1", "?.?.?."), "topology.istio.io/network": word("net", "", "net-2")}
		pod.Annotations = map[string]string{word("redirection", "ambient.istio.io/redirection", "x"): "enabled", "kubernetes.io/config.source": "api"}
		pod.Spec = corev1.PodSpec{NodeName: word("pod's node", "n0", "n1", ""), Containers: []corev1.Container{{Name: "c"}}, ServiceAccountName: "sa", HostNetwork: rapid.Bool().Draw(t, "host network")}
		start := metav1.NewTime(time.Unix(1e9, 0))
		pod.Status = corev1.PodStatus{
			Phase: corev1.PodPhase(word("phase", "Running", "Pending")), PodIP: "10.0.0.1", PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}},
			StartTime: rapid.SampledFrom([]*metav1.Time{nil, &start}).Draw(t, "start"),
			Conditions: []corev1.PodCondition{
				{Type: corev1.ContainersReady, Status: "True"},
				{Type: corev1.PodReady, Status: corev1.ConditionStatus(word("ready", "True", "False")), LastTransitionTime: metav1.NewTime(time.Unix(1e9+int64(rapid.IntRange(0, 5).Draw(t, "later")), 0))},
			},
		}
		if rapid.Bool().Draw(t, "leaving") {
			pod.DeletionTimestamp = &start
		}
		out = append(out, node, pod)
	}
	for i, family := range []discoveryv1.AddressType{"IPv4", "IPv6"} {
		s := &discoveryv1.EndpointSlice{ObjectMeta: metaAt("shop", "cart-"+string(family)), AddressType: family}
		s.Labels = map[string]string{discoveryv1.LabelServiceName: "cart", "app": "cart"}
		if rapid.Bool().Draw(t, "managed") {
			s.Labels[discoveryv1.LabelManagedBy] = "endpointslice-controller.k8s.io"
		}
		port := int32(8080)
		s.Ports = []discoveryv1.EndpointPort{{Name: pointer("slice port", "http", "db"), Port: &port}}
		for j := range rapid.IntRange(0, 4).Draw(t, "endpoints") {
			e := discoveryv1.Endpoint{
				Addresses: []string{[]string{"10.0.0.", "fd00::"}[i] + fmt.Sprint(j+1), []string{"10.1.0.", "fd01::"}[i] + fmt.Sprint(j+1)},
				NodeName:  pointer("node", "n0", "n1", "n9"), Zone: pointer("slice zone", "z1", "z2"), Hostname: pointer("hostname", "a"),
				Conditions: discoveryv1.EndpointConditions{Ready: flag("is ready"), Serving: flag("serving"), Terminating: flag("terminating")},
				TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: "shop", Name: fmt.Sprint("cart-", j), UID: "u", ResourceVersion: "1"},
				Hints:      rapid.SampledFrom([]*discoveryv1.EndpointHints{nil, {ForZones: []discoveryv1.ForZone{{Name: "z1"}}}, {ForZones: []discoveryv1.ForZone{{Name: "z2"}}, ForNodes: []discoveryv1.ForNode{{Name: "n0"}}}}).Draw(t, "hints"),
			}
			s.Endpoints = append(s.Endpoints, e)
		}
		out = append(out, s)
	}
	return out
}

// TestTrimmingChangesNothing: what admission says, and what is made of the objects,
// is the same whether they are whole or trimmed.
func TestTrimmingChangesNothing(t *testing.T) {
	trim := newTrimmer()
	rapid.Check(t, func(rt *rapid.T) {
		whole, trimmed := store.New(), store.New()
		for _, o := range drawn(rt) {
			result, problems := admit.Options{}.Typed(o)
			cut, err := trim.trim(deepCopy(o))
			if err != nil {
				rt.Fatal(err)
			}
			again, _ := trim.trim(deepCopy(cut))
			if !reflect.DeepEqual(cut, again) {
				rt.Fatalf("trimmed twice: %s", cmp.Diff(cut, again))
			}
			cutResult, cutProblems := admit.Options{}.Typed(cut.(metav1.Object))
			if !reflect.DeepEqual(problems, cutProblems) || result.Ref != cutResult.Ref || (result.Object == nil) != (cutResult.Object == nil) {
				rt.Fatalf("admission of %s: %v, trimmed %v", result.Ref, problems, cutProblems)
			}
			if result.Object == nil { // what follows is about what counts
				result.Object, cutResult.Object = nil, nil
			}
			whole.Apply([]store.Change{{Ref: result.Ref, Object: result.Object}})
			trimmed.Apply([]store.Change{{Ref: result.Ref, Object: cutResult.Object}})
		}
		edge := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "edge"}, Spec: gatewayv1.GatewaySpec{GatewayClassName: model.EdgeClass}}
		for _, st := range []*store.Store{whole, trimmed} {
			st.Apply([]store.Change{{Ref: model.ObjectRef{Kind: model.KindGateway, Namespace: "shop", Name: "edge"}, Object: edge}})
		}
		name := model.GatewayName{Namespace: "shop", Name: "edge"}
		wantEdge, _ := ingest.Gateway(whole.GatewayObjects(name))
		if gotEdge, _ := ingest.Gateway(trimmed.GatewayObjects(name)); !reflect.DeepEqual(gotEdge, wantEdge) {
			rt.Fatalf("the Gateway differs:\n%s", cmp.Diff(wantEdge, gotEdge))
		}
		key := model.ServiceKey("shop", "cart")
		want, wantProblems := ingest.Service(whole.Objects(key))
		got, problems := ingest.Service(trimmed.Objects(key))
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(problems, wantProblems) {
			rt.Fatalf("the Service differs:\n%s\n%s", cmp.Diff(want, got), cmp.Diff(wantProblems, problems))
		}
		if a, b := whole.Namespace("shop"), trimmed.Namespace("shop"); (a == nil) != (b == nil) || a != nil && !sameScope(a, b) {
			rt.Fatalf("the Namespace differs: %v %v", a, b)
		}
		if !reflect.DeepEqual(whole.Nodes(), trimmed.Nodes()) {
			rt.Fatalf("the Nodes differ: %v %v", whole.Nodes(), trimmed.Nodes())
		}
		for i := range 2 {
			name := ingest.PodName{Namespace: "shop", Name: fmt.Sprint("cart-", i)}
			a, b := whole.Pod(name), trimmed.Pod(name)
			if a == nil { // its labels were refused
				continue
			}
			if a.UID != b.UID || a.Spec.NodeName != b.Spec.NodeName || a.Spec.ServiceAccountName != b.Spec.ServiceAccountName ||
				a.Spec.HostNetwork != b.Spec.HostNetwork || a.Annotations["ambient.istio.io/redirection"] != b.Annotations["ambient.istio.io/redirection"] ||
				!reflect.DeepEqual(a.Labels, b.Labels) || !reflect.DeepEqual(a.Status.PodIPs, b.Status.PodIPs) ||
				a.Status.PodIP != b.Status.PodIP || a.Status.Phase != b.Status.Phase || a.DeletionTimestamp.IsZero() != b.DeletionTimestamp.IsZero() {
				rt.Fatalf("the Pod differs: %v %v", a, b)
			}
		}
	})
}

func sameScope(a, b *corev1.Namespace) bool {
	return reflect.DeepEqual(a.Labels, b.Labels) && a.Annotations["networking.coastwise.dev/scope"] == b.Annotations["networking.coastwise.dev/scope"]
}

// TestNothingUnreadIsKept: what is large, or changes all the time, goes.
func TestNothingUnreadIsKept(t *testing.T) {
	trim := newTrimmer()
	rapid.Check(t, func(rt *rapid.T) {
		for _, o := range drawn(rt) {
			cut, _ := trim.trim(o)
			m := cut.(metav1.Object)
			if m.GetManagedFields() != nil || m.GetOwnerReferences() != nil || m.GetResourceVersion() != "" || m.GetFinalizers() != nil || m.GetGenerateName() != "" ||
				m.GetAnnotations()[corev1.LastAppliedConfigAnnotation] != "" {
				rt.Fatalf("%T keeps %+v", cut, m)
			}
			switch o := cut.(type) {
			case *corev1.Pod:
				if len(o.Spec.Containers) > 0 || len(o.Status.Conditions) != 1 {
					rt.Fatalf("%+v", o)
				}
			case *corev1.Node:
				if len(o.Status.Images) > 0 || o.Labels["kubernetes.io/arch"] != "" || len(o.Status.Allocatable) != 1 {
					rt.Fatalf("%+v", o)
				}
			}
		}
	})
}

// TestEqualNamesAreOne, and are forgotten when nobody holds them.
func TestEqualNamesAreOne(t *testing.T) {
	var x interner[string]
	make2 := func(s string) func() string { return func() string { return s } }
	a := x.get("a", make2("a"))
	if b := x.get("a", make2("a")); a != b || *b != "a" {
		t.Error("two of one name")
	}
	for i := range 3 * leastSweep {
		x.get(fmt.Sprint(i), make2("x"))
		if i%512 == 0 {
			runtime.GC()
		}
	}
	if n := len(x.live); n > 2*leastSweep {
		t.Errorf("%d names are remembered that nobody holds", n)
	}
	if x.get("a", make2("a")) != a {
		t.Error("a name that is held was forgotten")
	}
	runtime.KeepAlive(a)
}
