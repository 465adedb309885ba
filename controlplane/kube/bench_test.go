package kube

import (
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"

	"github.com/coastwise/coastwise/controlplane/store"
)

func deepCopy(o any) any { return o.(apiruntime.Object).DeepCopyObject() }

const (
	perSlice = 100
	// mostPerEndpoint is what issue 6 allows an endpoint to take of the heap, in bytes.
	mostPerEndpoint = 200
)

// wire is a slice of 100 endpoints as the controller writes it and the API server
// sends it, in protobuf.
func wire(t testing.TB, n int) []byte {
	t.Helper()
	s := &discoveryv1.EndpointSlice{ObjectMeta: metaAt("shop", fmt.Sprint("cart-", n)), AddressType: discoveryv1.AddressTypeIPv4}
	s.Labels = map[string]string{discoveryv1.LabelServiceName: "cart", discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"}
	name, port, yes, no := "http", int32(8080), true, false
	s.Ports = []discoveryv1.EndpointPort{{Name: &name, Port: &port}}
	for i := range perSlice {
		node, zone := fmt.Sprintf("ip-10-0-%d-%d.eu-central-1.compute.internal", n%10, i), fmt.Sprint("eu-central-1", "abc"[i%3:i%3+1])
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{fmt.Sprintf("10.%d.%d.%d", n/250, n%250, i)}, NodeName: &node, Zone: &zone,
			Conditions: discoveryv1.EndpointConditions{Ready: &yes, Serving: &yes, Terminating: &no},
			Hints:      &discoveryv1.EndpointHints{ForZones: []discoveryv1.ForZone{{Name: zone}}},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: "shop", Name: fmt.Sprintf("cart-7d9f8b6c5-%05d", n*perSlice+i), UID: "0f0e6c6e-7d3a-4a57-93d4-c1b0a0d00000"},
		})
	}
	raw, err := apiruntime.Encode(scheme.Codecs.EncoderForVersion(protobuf.NewSerializer(scheme.Scheme, scheme.Scheme), discoveryv1.SchemeGroupVersion), s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// perEndpoint reads slices as the client does and says how much of the heap one of their
// endpoints takes, first of the store with all its indexes, then without slices that
// point at Pods, Nodes and zones: the indexes alone.
func perEndpoint(t testing.TB, slices int) (held, indexed float64) {
	t.Helper()
	decoder := scheme.Codecs.UniversalDeserializer()
	raws := make([][]byte, slices)
	for i := range raws {
		raws[i] = wire(t, i)
	}
	fill := func(service bool) float64 {
		before := liveHeap()
		st := store.New()
		s := &sink{kind: "EndpointSlice", store: st, trim: newTrimmer().trim, reports: newReports(st, quiet()), held: map[cache.ObjectName]known{}}
		for _, raw := range raws {
			object, _, err := decoder.Decode(raw, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !service { // without a Service nothing is indexed
				delete(object.(metav1.Object).GetLabels(), discoveryv1.LabelServiceName)
			}
			if err := s.Add(object); err != nil {
				t.Fatal(err)
			}
		}
		used := float64(liveHeap()-before) / float64(slices*perSlice)
		runtime.KeepAlive(s)
		return used
	}
	held, indexed = fill(false), fill(true)
	runtime.KeepAlive(raws) // or the last fill would count them as saved
	return held, indexed
}

// BenchmarkHeapPerEndpoint reports B/endpoint, what a slice of 100 endpoints takes of
// the live heap, and B/endpoint-indexed, the same with the store's indexes.
func BenchmarkHeapPerEndpoint(b *testing.B) {
	var held, indexed float64
	for b.Loop() {
		held, indexed = perEndpoint(b, 300)
	}
	b.ReportMetric(held, "B/endpoint")
	b.ReportMetric(indexed, "B/endpoint-indexed")
}

// TestAnEndpointIsSmall is the bound of issue 6.
func TestAnEndpointIsSmall(t *testing.T) {
	if held, _ := perEndpoint(t, 100); held > mostPerEndpoint {
		t.Errorf("%.0f B per endpoint, at most %d", held, mostPerEndpoint)
	}
}

// BenchmarkSlice is the cost of one event: decode, trim, admit, write.
func BenchmarkSlice(b *testing.B) {
	decoder, raw := scheme.Codecs.UniversalDeserializer(), wire(b, 0)
	for _, step := range []string{"decode", "decode and write"} {
		b.Run(step, func(b *testing.B) {
			st := store.New()
			s := &sink{kind: "EndpointSlice", store: st, trim: newTrimmer().trim, reports: newReports(st, quiet()), held: map[cache.ObjectName]known{}}
			for b.Loop() {
				object, _, err := decoder.Decode(raw, nil, nil)
				if err != nil {
					b.Fatal(err)
				}
				if step == "decode" {
					continue
				}
				if err := s.Add(object); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
