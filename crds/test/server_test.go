package test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// definition is one CRD, ready to judge objects as the API server does.
type definition struct {
	crd        *apiextensionsv1.CustomResourceDefinition
	raw        []byte
	structural *schema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

// definitions are the CRDs by kind. One that the API server would not take ends the test.
func definitions(t *testing.T) map[string]*definition {
	t.Helper()
	files, err := filepath.Glob("../*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no CRDs", err)
	}
	out := map[string]*definition{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := &definition{raw: raw, crd: &apiextensionsv1.CustomResourceDefinition{}}
		if err := yaml.UnmarshalStrict(raw, d.crd); err != nil {
			t.Fatal(file, err)
		}
		if err := d.compile(); err != nil {
			t.Fatalf("%s: %v", filepath.Base(file), err)
		}
		out[d.crd.Spec.Names.Kind] = d
	}
	return out
}

// compile checks the CRD, cost budget of its rules included.
func (d *definition) compile() error {
	defaulted := d.crd.DeepCopy()
	apiextensionsv1.SetDefaults_CustomResourceDefinition(defaulted)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&defaulted.Spec)
	var internal apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(defaulted, &internal, nil); err != nil {
		return err
	}
	// Where they are all alike, the internal form has one schema, above the versions.
	internal.Status.StoredVersions = []string{d.crd.Spec.Versions[0].Name}
	if errs := crdvalidation.ValidateCustomResourceDefinition(context.Background(), &internal); len(errs) > 0 {
		return errs.ToAggregate()
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
		d.crd.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		return err
	}
	var err error
	if d.structural, err = schema.NewStructural(&props); err != nil {
		return err
	}
	if d.schema, _, err = validation.NewSchemaValidator(&props); err != nil {
		return err
	}
	d.rules = cel.NewValidator(d.structural, true, celconfig.PerCallLimit)
	return nil
}

// refusal is one reason why the API server does not take an object.
type refusal struct {
	// field is "" for the whole object.
	field, message string
}

// create says why the API server refuses to create an object that kubectl sends,
// whose field validation is strict; nothing if it takes it.
func (d *definition) create(manifest []byte) []refusal {
	raw, err := yaml.YAMLToJSON(manifest)
	if err != nil {
		return []refusal{{"", err.Error()}}
	}
	object := map[string]any{}
	if err := json.Unmarshal(raw, &object); err != nil {
		return []refusal{{"", err.Error()}}
	}
	return d.judge(object)
}

func (d *definition) judge(object map[string]any) []refusal {
	var out []refusal
	unknown := pruning.PruneWithOptions(object, d.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, at := range unknown {
		out = append(out, refusal{at, "unknown field"})
	}
	delete(object, "status") // as PrepareForCreate does, since status is a subresource
	meta, _, unknownMeta, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return append(out, refusal{"metadata", err.Error()})
	}
	for _, at := range unknownMeta {
		out = append(out, refusal{at, "unknown field"})
	}
	namespaced := d.crd.Spec.Scope == apiextensionsv1.NamespaceScoped
	if meta != nil && namespaced && meta.Namespace == "" {
		meta.Namespace = "default"
	}
	var errs field.ErrorList
	errs = append(errs, metavalidation.ValidateObjectMeta(meta, namespaced, metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"))...)
	errs = append(errs, validation.ValidateCustomResource(nil, object, d.schema)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, d.structural, object)...)
	broken, _ := d.rules.Validate(context.Background(), nil, d.structural, object, nil, celconfig.RuntimeCELCostBudget)
	for _, e := range append(errs, broken...) {
		out = append(out, refusal{strings.TrimPrefix(e.Field, "<nil>"), e.Error()})
	}
	return out
}
