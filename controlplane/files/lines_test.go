package files

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/coastwise/coastwise/translate/model"
)

const linesYAML = `# a comment counts as a line, but as no document
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec:
  ports:
  - {name: http, port: 80}
  - name: admin
    port: 90
---
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: b, annotations: {networking.istio.io/exportTo: "."}}
- apiVersion: networking.istio.io/v1
  kind: DestinationRule
  metadata: {name: c}
  spec: {host: b}
- apiVersion: networking.coastwise.dev/v1alpha1
  kind: DestinationRule
  metadata: {name: c}
  spec:
    host: b
    trafficPolicy: &policy
      loadBalancer: {localityLbSetting: {distribute: [{from: eu, to: {eu/a: 100}}]}}
    subsets:
    - name: v1
      trafficPolicy: *policy
`

func TestLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mesh.yaml")
	if err := os.WriteFile(file, []byte(linesYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	ref := func(kind, name string) model.ObjectRef {
		return model.ObjectRef{Kind: kind, Namespace: "default", Name: name}
	}
	lines := NewLines()
	for _, tt := range []struct {
		document int
		object   model.ObjectRef
		field    string
		want     int
	}{
		{0, ref("Service", "a"), "spec.ports[1].port", 10},
		{0, ref("Service", "a"), "spec.ports[1]", 9},
		{0, ref("Service", "a"), "spec.ports[5].port", 7}, // the list
		{0, ref("Service", "a"), "spec.selector", 6},      // spec
		{0, ref("Service", "a"), "", 3},                   // the object
		{1, ref("Service", "b"), "metadata.annotations", 18},
		{1, ref("DestinationRule.networking.istio.io", "c"), "spec.host", 22},
		{1, ref("DestinationRule", "c"), "spec.host", 27},
		{1, ref("DestinationRule", "c"), "spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to[eu/a]", 29},
		{1, ref("DestinationRule", "c"), "spec.subsets[0].trafficPolicy.loadBalancer", 29}, // of the alias
		{1, ref("DestinationRule", "nobody"), "spec", 13},                                  // the list as it is
		{2, ref("Service", "a"), "spec", 0},
	} {
		if got := lines.Of(file, tt.document, tt.object, tt.field); got != tt.want {
			t.Errorf("document %d %s %s: line %d, want %d", tt.document, tt.object, tt.field, got, tt.want)
		}
	}
	if got := lines.Of(file+"x", 0, ref("Service", "a"), "spec"); got != 0 {
		t.Errorf("of no file: line %d", got)
	}
}

// What is skipped is listed, wherever it stands, and counted as before.
func TestForeign(t *testing.T) {
	w := newWorld(t, nil, "")
	w.write("a.yaml", "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: shop}\n---\n"+
		"apiVersion: v1\nkind: List\nitems: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}]\n")
	w.write("b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
	w.must(w.source.Load())
	want := []Foreign{
		{"ConfigMap", "", "c", w.path("b.yaml"), 0},
		{"Deployment.apps", "", "d", w.path("a.yaml"), 1},
		{"VirtualService.networking.istio.io", "shop", "v", w.path("a.yaml"), 0},
	}
	got := w.source.Foreign()
	if len(got) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] || w.source.Stats().Foreign[want[i].Kind] != 1 {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
}
