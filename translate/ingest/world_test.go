package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// The world of these tests is Service default/reviews, port 80 named http.
const host = "reviews.default.svc.cluster.local"

func ptr[T any](v T) *T { return &v }

func reviews(edit ...func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{}
	s.Namespace, s.Name = "default", "reviews"
	s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	for _, e := range edit {
		e(s)
	}
	return s
}

// world is a service with these slices, on the nodes of testNodes.
func world(slices ...*discoveryv1.EndpointSlice) ingest.Objects {
	return ingest.Objects{
		Key:     model.ServiceKey("default", "reviews"),
		Service: reviews(), Slices: slices, Nodes: testNodes(),
		Pods: map[ingest.PodName]*corev1.Pod{},
	}
}

// testNodes: n1 in eu/eu-1/rack, n2 in eu/eu-2, n3 in us/us-1, bare without
// labels, zoned in eu-1 without region, odd in zone split without region; the
// Nodes of eu-1, eu-2 and us-1 agree on their region.
func testNodes() *ingest.Nodes {
	at := func(r, z, s string) ingest.Node {
		return ingest.Node{Locality: model.Locality{Region: r, Zone: z, SubZone: s}}
	}
	return &ingest.Nodes{
		ByName: map[string]ingest.Node{
			"n1": at("eu", "eu-1", "rack"), "n2": at("eu", "eu-2", ""), "n3": at("us", "us-1", ""),
			"bare": at("", "", ""), "zoned": at("", "eu-1", ""), "odd": at("", "split", ""),
		},
		Regions: map[string]string{"eu-1": "eu", "eu-2": "eu", "us-1": "us"},
	}
}

// slice is an IPv4 slice with port http 8080.
func slice(name string, eps ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4, Endpoints: eps}
	s.Namespace, s.Name = "default", name
	s.Ports = []discoveryv1.EndpointPort{{Name: ptr("http"), Port: ptr(int32(8080))}}
	return s
}

type epOption func(*discoveryv1.Endpoint)

func ep(address string, options ...epOption) discoveryv1.Endpoint {
	e := discoveryv1.Endpoint{Addresses: []string{address}}
	for _, o := range options {
		o(&e)
	}
	return e
}

func onNode(name string) epOption { return func(e *discoveryv1.Endpoint) { e.NodeName = ptr(name) } }
func inZone(name string) epOption { return func(e *discoveryv1.Endpoint) { e.Zone = ptr(name) } }

func ofPod(name string) epOption {
	return func(e *discoveryv1.Endpoint) {
		e.TargetRef = &corev1.ObjectReference{Kind: "Pod", Namespace: "default", Name: name}
	}
}

// conditions sets ready, serving, terminating: '+' true, '-' false, ' ' absent.
func conditions(c string) epOption {
	read := func(b byte) *bool {
		if b == ' ' {
			return nil
		}
		return ptr(b == '+')
	}
	return func(e *discoveryv1.Endpoint) {
		e.Conditions = discoveryv1.EndpointConditions{Ready: read(c[0]), Serving: read(c[1]), Terminating: read(c[2])}
	}
}

func forZones(names ...string) epOption {
	return func(e *discoveryv1.Endpoint) {
		e.Hints = &discoveryv1.EndpointHints{}
		for _, n := range names {
			e.Hints.ForZones = append(e.Hints.ForZones, discoveryv1.ForZone{Name: n})
		}
	}
}

func pod(name, node string, labels map[string]string) *corev1.Pod {
	p := &corev1.Pod{}
	p.Namespace, p.Name, p.Labels, p.Spec.NodeName = "default", name, labels, node
	return p
}

func withPods(o ingest.Objects, pods ...*corev1.Pod) ingest.Objects {
	for _, p := range pods {
		o.Pods[ingest.PodName{Namespace: p.Namespace, Name: p.Name}] = p
	}
	return o
}

// rule is a DestinationRule NAMESPACE/NAME for reviews with a locality setting.
func rule(name string, l *v1alpha1.LocalityLbSetting) *v1alpha1.DestinationRule {
	dr := &v1alpha1.DestinationRule{}
	dr.Namespace, dr.Name, _ = strings.Cut(name, "/")
	dr.Spec.Host = host
	dr.Spec.TrafficPolicy = &v1alpha1.TrafficPolicy{LoadBalancer: &v1alpha1.LoadBalancer{LocalityLbSetting: l}}
	return dr
}

func allow(regions ...string) *v1alpha1.LocalityLbSetting {
	return &v1alpha1.LocalityLbSetting{AllowedRegions: regions}
}

func mesh(l *v1alpha1.LocalityLbSetting) *v1alpha1.MeshConfig {
	m := &v1alpha1.MeshConfig{}
	m.Name = "default"
	m.Spec.LocalityLbSetting = l
	return m
}

// policy is what rules for a client of this namespace at port 80.
func policy(s *model.Service, namespace string) model.Policy {
	return s.Policies[s.Select(model.Proxy{Kind: model.Sidecar, Namespace: namespace}, 80, "").PolicyID]
}

func served(t *testing.T, o ingest.Objects) *model.Service {
	t.Helper()
	s, _ := ingest.Service(o)
	if s == nil {
		t.Fatal("the service is not served")
	}
	return s
}

// first is the one endpoint of port 80.
func first(t *testing.T, o ingest.Objects) model.Endpoint {
	t.Helper()
	eps := served(t, o).Ports[0].Endpoints
	if len(eps) != 1 {
		t.Fatalf("%d endpoints, want 1", len(eps))
	}
	return eps[0]
}

// lines is each problem as OBJECT FIELD SEVERITY REASON.
func lines(ps []model.Problem) []string {
	var out []string
	for _, p := range ps {
		out = append(out, fmt.Sprintf("%s %s %s %s", p.Object, p.Field, p.Severity, p.Reason))
	}
	return out
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
