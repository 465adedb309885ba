package test

import (
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// maxApplied is what kubectl apply can note of an object in an annotation.
const maxApplied = 256 << 10

// TestTaken holds that the API server takes every CRD, and that kubectl apply,
// explain and get show what they should.
func TestTaken(t *testing.T) {
	short := map[string]string{"DestinationRule": "dr", "ServiceEntry": "se", "WorkloadEntry": "we", "MeshConfig": "mc"}
	all := definitions(t)
	if len(all) != len(short) {
		t.Errorf("there are %d CRDs, want %d", len(all), len(short))
	}
	for kind, name := range short {
		d := all[kind]
		if d == nil {
			t.Errorf("%s has no CRD", kind)
			continue
		}
		spec, version := d.crd.Spec, d.crd.Spec.Versions[0]
		if !slices.Equal(spec.Names.ShortNames, []string{name}) || !slices.Equal(spec.Names.Categories, []string{"coastwise"}) {
			t.Errorf("%s: short names %q, categories %q", kind, spec.Names.ShortNames, spec.Names.Categories)
		}
		if (spec.Scope == apiextensionsv1.ClusterScoped) != (kind == "MeshConfig") {
			t.Errorf("%s: scope is %s", kind, spec.Scope)
		}
		if len(spec.Versions) != 1 || !version.Storage || version.Subresources == nil || version.Subresources.Status == nil {
			t.Errorf("%s: want one stored version with a status subresource", kind)
		}
		var columns []string
		for _, c := range version.AdditionalPrinterColumns {
			columns = append(columns, c.Name)
		}
		if n := len(columns); n < 4 || !slices.Equal(columns[n-2:], []string{"Reason", "Age"}) {
			t.Errorf("%s: columns %q", kind, columns)
		}
		applied, err := yaml.YAMLToJSON(d.raw)
		if err != nil || len(applied) > maxApplied*3/4 {
			t.Errorf("%s: %d bytes as JSON, kubectl apply takes %d with all else (%v)", kind, len(applied), maxApplied, err)
		}
	}
}

// TestEveryFieldIsExplained wants a description, and a closed shape, everywhere.
func TestEveryFieldIsExplained(t *testing.T) {
	fields := 0
	for kind, d := range definitions(t) {
		var walk func(at string, s *apiextensionsv1.JSONSchemaProps)
		walk = func(at string, s *apiextensionsv1.JSONSchemaProps) {
			if s.XPreserveUnknownFields != nil || s.XEmbeddedResource {
				t.Errorf("%s%s: unknown fields are kept", kind, at)
			}
			for name, below := range s.Properties {
				fields++
				// metadata is explained by the API server itself.
				if strings.TrimSpace(below.Description) == "" && at+"."+name != ".metadata" {
					t.Errorf("%s%s.%s has no description", kind, at, name)
				}
				walk(at+"."+name, &below)
			}
			if s.Items != nil {
				walk(at+"[]", s.Items.Schema)
			}
			if s.AdditionalProperties != nil {
				walk(at+"{}", s.AdditionalProperties.Schema)
			}
		}
		walk("", d.crd.Spec.Versions[0].Schema.OpenAPIV3Schema)
	}
	if fields < 300 {
		t.Errorf("only %d fields were seen", fields)
	}
}
