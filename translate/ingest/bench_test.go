package ingest_test

import (
	"fmt"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
)

// One service of 100 endpoints with pods on three nodes, in one slice, and a rule.
func BenchmarkService100(b *testing.B) {
	var eps []discoveryv1.Endpoint
	o := world()
	for i := range 100 {
		name, node := fmt.Sprint("p", i), fmt.Sprint("n", i%3+1)
		eps = append(eps, ep(fmt.Sprintf("10.0.%d.%d", i%7, i), onNode(node), ofPod(name), forZones("eu-1")))
		withPods(o, pod(name, node, map[string]string{"app": "reviews"}))
	}
	o.Slices = append(o.Slices, slice("a", eps...))
	o.Rules = []*v1alpha1.DestinationRule{rule("default/r", &locality{Failover: eu2us, AllowedRegions: []string{"eu", "us"}})}
	b.ReportAllocs()
	for b.Loop() {
		ingest.Service(o)
	}
}
