package ingest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// anEntry is ServiceEntry default/db for db.example with ports 80 and 81.
func anEntry(resolution string, endpoints ...v1alpha1.WorkloadEntrySpec) *v1alpha1.ServiceEntry {
	e := &v1alpha1.ServiceEntry{}
	e.Namespace, e.Name = "default", "db"
	e.Spec = v1alpha1.ServiceEntrySpec{
		Hosts: []string{"db.example"}, Resolution: resolution, Endpoints: endpoints,
		Ports: []v1alpha1.ServicePort{{Number: 81, Name: "more"}, {Number: 80, Name: "http", TargetPort: 8080}},
	}
	return e
}

func ofEntries(entries ...*v1alpha1.ServiceEntry) ingest.Objects {
	return ingest.Objects{Key: model.Key{Namespace: "default", Host: "db.example"}, Entries: entries, Nodes: testNodes(), Declared: true}
}

// TestEntryPlaces: where an endpoint of an entry is, for order and at the fence.
func TestEntryPlaces(t *testing.T) {
	for _, tc := range []struct {
		name     string
		spec     v1alpha1.WorkloadEntrySpec
		locality string
		region   string
	}{
		{"nothing said", v1alpha1.WorkloadEntrySpec{}, "", ""},
		{"locality", v1alpha1.WorkloadEntrySpec{Locality: "us/us-1/rack"}, "us/us-1/rack", "us"},
		{"the label beats it, not at the fence", v1alpha1.WorkloadEntrySpec{Locality: "us", Labels: map[string]string{"topology.istio.io/locality": "eu.eu-1"}}, "eu/eu-1", "us"},
		{"the older label alone", v1alpha1.WorkloadEntrySpec{Labels: map[string]string{"istio-locality": "eu.eu-1.x"}}, "eu/eu-1/x", "eu"},
		{"a label that cannot be read", v1alpha1.WorkloadEntrySpec{Locality: "us", Labels: map[string]string{"istio-locality": "a.b.c.d"}}, "us", "us"},
		{"the name that a View uses", v1alpha1.WorkloadEntrySpec{Locality: "~/us-1"}, "/us-1", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.spec.Address = "10.0.0.1"
			s, _ := ingest.Service(ofEntries(anEntry("STATIC", tc.spec)))
			got := s.Ports[0].Endpoints[0]
			if got.Locality.String() != tc.locality || got.Region != tc.region {
				t.Errorf("in %s, at the fence %q; want %s, %q", got.Locality, got.Region, tc.locality, tc.region)
			}
		})
	}
}

// TestEntryEndpoints: numbers of ports, canonical addresses, weights.
func TestEntryEndpoints(t *testing.T) {
	three := int64(3)
	s, _ := ingest.Service(ofEntries(anEntry(
		"DNS",
		v1alpha1.WorkloadEntrySpec{Address: "2001:DB8:0::1", Weight: &three},
		v1alpha1.WorkloadEntrySpec{Address: "vm.example", Ports: map[string]int64{"more": 9081}},
		v1alpha1.WorkloadEntrySpec{Network: "elsewhere"},
	)))
	got := map[uint32][]string{}
	for _, p := range s.Ports {
		for _, e := range p.Endpoints {
			got[p.Number] = append(got[p.Number], fmt.Sprintf("%s %d ×%d", e.Address, e.Port, e.Weight))
		}
	}
	want := map[uint32][]string{
		80: {"2001:db8::1 8080 ×3", "vm.example 8080 ×1"},
		81: {"2001:db8::1 81 ×3", "vm.example 9081 ×1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestEntriesOfOneHost: the first of SortEntries is served; all others are told.
func TestEntriesOfOneHost(t *testing.T) {
	older, younger := anEntry("STATIC"), anEntry("STATIC")
	older.Name, older.CreationTimestamp = "z", metav1.Unix(1, 0)
	younger.Name, younger.CreationTimestamp = "a", metav1.Unix(2, 0)
	unknown := anEntry("STATIC")
	entries := []*v1alpha1.ServiceEntry{younger, older, unknown}
	ingest.SortEntries(entries)
	s, problems := ingest.Service(ofEntries(entries...))
	if s.Object.Name != "db" {
		t.Errorf("%s is served", s.Object)
	}
	var told []string
	for _, p := range problems {
		if p.Reason == model.Conflicted {
			told = append(told, p.Object.Name+" "+p.Field)
		}
	}
	if !slices.Equal(told, []string{"a spec.hosts[0]", "z spec.hosts[0]"}) {
		t.Errorf("told: %q", told)
	}
	o := ofEntries(entries...)
	o.Owner = model.ObjectRef{Kind: "Service", Namespace: "default", Name: "db"}
	if s, _ := ingest.Service(o); s != nil {
		t.Errorf("%s is served beside the Service", s.Object)
	}
}

// TestSelectedInAnyOrder: a service is the same whatever order its workloads come
// in; its endpoints are sorted, no socket stands twice, and each is a workload's.
func TestSelectedInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anEntry(rapid.SampledFrom([]string{"STATIC", "DNS"}).Draw(t, "resolution"))
		e.Spec.WorkloadSelector = &v1alpha1.LabelSelector{}
		o := ofEntries(e)
		known := map[string]bool{}
		for i := range rapid.IntRange(0, 5).Draw(t, "pods") {
			p := &corev1.Pod{}
			p.Namespace, p.Name = "default", fmt.Sprint("p", i)
			p.Status.PodIP = rapid.SampledFrom([]string{"", "10.0.0.1", "10.0.0.2"}).Draw(t, "pod IP")
			p.Spec.NodeName = rapid.SampledFrom([]string{"n1", "n3", "bare"}).Draw(t, "node")
			o.Selected = append(o.Selected, p)
			known[p.Status.PodIP] = true
		}
		for i := range rapid.IntRange(0, 5).Draw(t, "workloads") {
			w := &v1alpha1.WorkloadEntry{}
			w.Namespace, w.Name = "default", fmt.Sprint("w", i)
			w.Spec.Address = rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.3", "vm.example"}).Draw(t, "address")
			w.Spec.Locality = rapid.SampledFrom([]string{"", "eu/eu-1"}).Draw(t, "locality")
			o.Workloads = append(o.Workloads, w)
			known[w.Spec.Address] = true
		}
		s, problems := ingest.Service(o)
		o.Selected = rapid.Permutation(o.Selected).Draw(t, "order of pods")
		o.Workloads = rapid.Permutation(o.Workloads).Draw(t, "order of workloads")
		again, more := ingest.Service(o)
		if d := cmp.Diff(s, again) + cmp.Diff(problems, more); d != "" {
			t.Fatal(d)
		}
		for _, port := range s.Ports {
			for i, e := range port.Endpoints {
				if !known[e.Address] || e.Address == "" || s.Resolution == model.Static && e.Address == "vm.example" {
					t.Fatalf("%s is an endpoint", e.Address)
				}
				if i > 0 && port.Endpoints[i-1].Address >= e.Address {
					t.Fatalf("%s does not come after %s", e.Address, port.Endpoints[i-1].Address)
				}
			}
		}
	})
}
