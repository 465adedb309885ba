package e2e

import (
	"testing"

	"github.com/coastwise/coastwise/e2e/coastwise"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// TestTrafficDistributionAnnotation: given to a running mesh, the annotation of a
// Namespace keeps traffic in the zone, spills by health, and goes again; no request
// fails.
func TestTrafficDistributionAnnotation(t *testing.T) {
	const plain = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: default\n"
	const annotated = plain + "  annotations: {networking.istio.io/traffic-distribution: PreferSameZone}\n"
	s := newScene(t, map[string]string{"nodes.yaml": nodes(), "namespace.yaml": plain})
	s.write("a.yaml", s.predictCase("a", [3]layoutOf{{1, 0}, {1, 0}}, "", "", false))
	s.write("b.yaml", s.predictCase("b", [3]layoutOf{{1, 1}, {1, 0}}, "", "", false))
	s.backend(0, 0)
	s.backend(1, 0)
	client := s.envoy(coastwise.Client{Locality: "eu/eu-1"})
	client.converge(client.predicted("a.default:80"))
	generator, phase := client.stream("a.default")
	for _, step := range []struct {
		namespace string
		a, b      []float64
	}{
		{plain, []float64{50, 50}, []float64{50, 50}},
		{annotated, []float64{100, 0}, []float64{70, 30}},
		{manifest.Namespace("default"), []float64{50, 50}, []float64{50, 50}},
	} {
		s.write("namespace.yaml", step.namespace)
		client.converge(client.predicted("a.default:80"))
		client.converge(client.predicted("b.default:80"))
		client.shares("a.default", requests, step.a...)
		client.shares("b.default", requests, step.b...)
	}
	unfailed(t, generator, phase)
}
