package store

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

// TestHeldSlicesAreWhole: what is given back is what was held, whatever it was.
func TestHeldSlicesAreWhole(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "a", "b", "Pod"})
	pointer := rapid.Ptr(text, true)
	endpoint := rapid.Custom(func(t *rapid.T) discoveryv1.Endpoint {
		e := discoveryv1.Endpoint{
			Addresses: rapid.SampledFrom([][]string{nil, {}, {"10.0.0.1"}, {""}, {"10.0.0.1", "10.0.0.2"}}).Draw(t, "addresses"),
			Hostname:  pointer.Draw(t, "hostname"), NodeName: pointer.Draw(t, "node"), Zone: pointer.Draw(t, "zone"),
			Conditions: discoveryv1.EndpointConditions{
				Ready: rapid.Ptr(rapid.Bool(), true).Draw(t, "ready"), Serving: rapid.Ptr(rapid.Bool(), true).Draw(t, "serving"),
				Terminating: rapid.Ptr(rapid.Bool(), true).Draw(t, "terminating"),
			},
			DeprecatedTopology: rapid.SampledFrom([]map[string]string{nil, nil, {"a": "b"}}).Draw(t, "topology"),
			Hints:              rapid.SampledFrom([]*discoveryv1.EndpointHints{nil, {ForZones: []discoveryv1.ForZone{{Name: "a"}}}}).Draw(t, "hints"),
		}
		if rapid.Bool().Draw(t, "target") {
			e.TargetRef = &corev1.ObjectReference{Kind: "Pod", Namespace: "a", Name: text.Draw(t, "name")}
			if field := rapid.SampledFrom([]*string{
				nil, nil, nil, &e.TargetRef.Kind, &e.TargetRef.Namespace, &e.TargetRef.APIVersion, &e.TargetRef.FieldPath, (*string)(&e.TargetRef.UID),
			}).Draw(t, "field"); field != nil {
				*field = text.Draw(t, "text")
			}
		}
		return e
	})
	rapid.Check(t, func(t *rapid.T) {
		s := &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "s", Labels: map[string]string{"a": "b"}}, AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints: rapid.SampledFrom([][]discoveryv1.Endpoint{nil, {}, rapid.SliceOfN(endpoint, 1, 4).Draw(t, "endpoints")}).Draw(t, "all"),
		}
		want := s.DeepCopy()
		if got := hold(s).slice(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	})
	if hold(nil).slice() != nil {
		t.Error("of nothing something was made")
	}
}

// TestTrimmedSlicesAreHeldPlainly: what comes from an API server costs no whole endpoint.
func TestTrimmedSlicesAreHeldPlainly(t *testing.T) {
	node := "n"
	h := hold(&discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "a"}, Endpoints: []discoveryv1.Endpoint{
		{Addresses: []string{"10.0.0.1"}, NodeName: &node, TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: "a", Name: "p"}},
		{Addresses: []string{"10.0.0.1"}},
	}})
	for i, e := range h.endpoints {
		if e.whole != nil {
			t.Errorf("endpoint %d is held whole", i)
		}
	}
}
