package translate_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/controlplane/store"
	"github.com/coastwise/coastwise/translate"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// BenchmarkSurvey asks what all clients are told of 2,000 services with a rule
// each, in 50 namespaces, on 60 nodes in 3 zones.
func BenchmarkSurvey(b *testing.B) {
	st := store.New()
	for n := range 60 {
		st.Apply([]store.Change{nodeOf(n)})
	}
	for i := range 2000 {
		st.Apply(ruledService(fmt.Sprint("ns", i%50), fmt.Sprint("s", i)))
	}
	var services []*model.Service
	for _, key := range st.Keys() {
		s, _ := ingest.Service(st.Objects(key))
		services = append(services, s)
	}
	b.ReportAllocs()
	for b.Loop() {
		translate.Survey(services, st.Nodes(), nil, false)
	}
}

func nodeOf(n int) store.Change {
	node := &corev1.Node{}
	node.Name = fmt.Sprint("n", n)
	node.Labels = map[string]string{corev1.LabelTopologyRegion: fmt.Sprint("r", n%3/2), corev1.LabelTopologyZone: fmt.Sprint("z", n%3)}
	return store.Change{Ref: model.ObjectRef{Kind: "Node", Name: node.Name}, Object: node}
}

// ruledService has 30 endpoints on as many nodes, and a rule with a subset.
func ruledService(namespace, name string) []store.Change {
	svc := &corev1.Service{}
	svc.Namespace, svc.Name = namespace, name
	svc.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	slice := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
	slice.Namespace, slice.Name = namespace, name+"-a"
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: name}
	port, number := "http", int32(8080)
	slice.Ports = []discoveryv1.EndpointPort{{Name: &port, Port: &number}}
	for i := range 30 {
		node := fmt.Sprint("n", i*2)
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("10.0.0.%d", i)}, NodeName: &node})
	}
	rule := &v1alpha1.DestinationRule{}
	rule.Namespace, rule.Name, rule.Spec.Host = namespace, name, name
	rule.Spec.TrafficPolicy = &v1alpha1.TrafficPolicy{LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: &v1alpha1.LocalityLbSetting{}}}
	rule.Spec.Subsets = []v1alpha1.Subset{{Name: "v1", Labels: map[string]string{"version": "v1"}}}
	var out []store.Change
	for kind, object := range map[string]any{"Service": svc, "EndpointSlice": slice, "DestinationRule": rule} {
		ref := model.ObjectRef{Kind: kind, Namespace: namespace, Name: name}
		if kind == "EndpointSlice" {
			ref.Name = slice.Name
		}
		out = append(out, store.Change{Ref: ref, Object: object})
	}
	return out
}
