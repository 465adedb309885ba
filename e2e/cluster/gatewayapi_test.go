package cluster_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/e2e/checkout"
	"github.com/coastwise/coastwise/e2e/cluster"
)

var update = flag.Bool("update", false, "rewrite what the API server stores")

// gatewaySpec is a spec of a kind of the Gateway API, and what the API server makes of it:
// nil if it refuses it.
type gatewaySpec struct {
	Kind   string          `json:"kind"`
	Spec   string          `json:"spec"`
	Stored json.RawMessage `json:"stored,omitempty"`
}

// TestGatewayAdmission: the specs that admission is tested with, which must be refused or
// get their defaults as by an API server, are just so stored or refused by a real one.
func TestGatewayAdmission(t *testing.T) {
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "translate/admit/testdata/gateway-api.json")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []gatewaySpec
	if err := json.Unmarshal(content, &all); err != nil || len(all) < 100 {
		t.Fatal(len(all), err)
	}
	c := shared.For(t)
	c.ApplyGatewayAPI(t, cluster.GatewayExperimental)
	t.Cleanup(func() { c.DeleteGatewayAPI(t) })
	ns := c.Namespace(t, "admission")
	var lines []string
	for i := range all {
		s := &all[i]
		stored, refusal := dryRun(c, ns, *s)
		if *update {
			s.Stored = stored
		} else if got, want := compact(t, stored), compact(t, s.Stored); got != want {
			t.Errorf("%s %s\nthe API server: %s %v\nin testdata:    %s", s.Kind, s.Spec, got, refusal, want)
		}
		line, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	if *update {
		if err := os.WriteFile(file, []byte("[\n"+strings.Join(lines, ",\n")+"\n]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func compact(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	if raw == nil {
		return "refused"
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v) // keys sorted
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// dryRun is the spec as the API server would store it; the error is its refusal.
func dryRun(c *cluster.Cluster, namespace string, s gatewaySpec) (json.RawMessage, error) {
	meta := "{name: a, namespace: " + namespace + "}"
	plural := strings.ToLower(s.Kind) + "s"
	if s.Kind == "GatewayClass" {
		meta, plural, namespace = "{name: a}", "gatewayclasses", ""
	}
	doc := fmt.Sprintf("{apiVersion: gateway.networking.k8s.io/v1, kind: %s, metadata: %s, spec: %s}", s.Kind, meta, s.Spec)
	raw, err := yaml.YAMLToJSON([]byte(doc))
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r := c.Dynamic().Resource(schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: plural})
	got, err := r.Namespace(namespace).Create(limited, u, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		return nil, err
	}
	return json.Marshal(got.Object["spec"])
}
