package controlplane

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/controlplane/xds"
	"github.com/coastwise/coastwise/translate/model"
)

// What the tests of workload discovery are about, in short.
type (
	storeChange = store.Change
	problem     = model.Problem
)

func verified(namespace, account string) xds.Verified {
	return xds.Verified{Namespace: namespace, ServiceAccount: account}
}

func changeOf(kind, namespace, name string, object any) store.Change {
	return store.Change{Ref: model.ObjectRef{Kind: kind, Namespace: namespace, Name: name}, Object: object}
}

func podIP(i int) string { return fmt.Sprintf("10.%d.%d.%d", 1+i/65536, i/256%256, i%256) }

// wdsPod is a pod of the mesh with the number i.
func wdsPod(name string, i int, ready bool, labels map[string]string) store.Change {
	condition := corev1.ConditionFalse
	if ready {
		condition = corev1.ConditionTrue
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", Labels: labels, Annotations: map[string]string{"ambient.istio.io/redirection": "enabled"}},
		Spec:       corev1.PodSpec{NodeName: "node-1", ServiceAccountName: "sa-" + name},
		Status: corev1.PodStatus{
			PodIP: podIP(i), PodIPs: []corev1.PodIP{{IP: podIP(i)}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: condition}},
		},
	}
	return changeOf("Pod", "shop", name, pod)
}

func wdsService(name, vip string, labels map[string]string) store.Change {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", Labels: labels},
		Spec: corev1.ServiceSpec{
			ClusterIP: vip, ClusterIPs: []string{vip},
			Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}},
		},
	}
	return changeOf("Service", "shop", name, s)
}

// wdsSlice has the pods from..to-1, of which some are not ready.
func wdsSlice(service string, from, to int, unready ...int) store.Change {
	name, port := "http", int32(8080)
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: service + "-1", Namespace: "shop", Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
	}
	for i := from; i < to; i++ {
		ready := true
		for _, u := range unready {
			ready = ready && u != i
		}
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{podIP(i)}, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: "shop", Name: fmt.Sprint("p", i)},
		})
	}
	return changeOf("EndpointSlice", "shop", s.Name, s)
}

// wdsGateway is a waypoint of the sandwich form, with its Service and a pod.
func wdsGateway(enforce bool) []store.Change {
	g := &gatewayv1.Gateway{
		ObjectMeta: metav1.ObjectMeta{Name: "way", Namespace: "shop", Labels: map[string]string{}},
		Spec: gatewayv1.GatewaySpec{
			GatewayClassName: model.WaypointClass,
			Listeners:        []gatewayv1.Listener{{Name: "mesh", Port: model.PortPROXY, Protocol: model.ProtocolPROXY}},
		},
	}
	if enforce {
		g.Labels["networking.coastwise.dev/enforce-waypoint"] = "true"
	}
	of := map[string]string{gatewayv1.GatewayNameLabelKey: "way"}
	return []store.Change{
		changeOf("Gateway", "shop", "way", g),
		wdsService("way", "10.96.9.9", of),
		wdsPod("way-0", 60000, true, of),
	}
}

// wdsShop is one service with n pods, p0 and so on.
func wdsShop(n int) []store.Change {
	out := []store.Change{wdsService("web", "10.96.0.1", nil), wdsSlice("web", 0, n)}
	for i := range n {
		out = append(out, wdsPod(fmt.Sprint("p", i), i, true, nil))
	}
	return out
}
