package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/translate/compat"
	"github.com/coastwise/coastwise/translate/model"
)

// sample shows one row of the table: an object with the field, and one without.
// All is YAML.
type sample struct {
	// value is what the field has; without it the field is absent, or has instead.
	value, instead string
	// beside is merged into the object in both cases.
	beside string
	// world replaces objects of sampleWorld, or adds some, in both cases.
	world string
	// args are more flags of the client; they win.
	args string
	// apiVersion is that of the object where it is not ours.
	apiVersion string
}

// TestCompatibility holds every row of translate/compat against what is done: an
// object that has the row's field is admitted, refused or told of as the row says,
// and what a client receives differs by the field exactly where it is honoured.
func TestCompatibility(t *testing.T) {
	rows := 0
	for _, section := range compat.Table() {
		samples := samplesOf(section.Kind)
		for _, row := range section.Rows {
			s, ok := samples[row.Name()]
			t.Run(section.Kind+"/"+strings.ReplaceAll(row.Name(), "/", "|"), func(t *testing.T) {
				t.Parallel()
				if !ok {
					t.Fatal("no sample")
				}
				s.check(t, section.Kind, row)
			})
			delete(samples, row.Name())
			rows++
		}
		for name := range samples {
			t.Errorf("%s %s: a sample without a row", section.Kind, name)
		}
	}
	if rows < 100 {
		t.Errorf("only %d rows were seen", rows)
	}
}

// TestIstiosKindsAreReadAlike holds every row of a kind that Istio has too against
// the same object of Istio's: it does the same, or Istio has no such field.
func TestIstiosKindsAreReadAlike(t *testing.T) {
	rows := 0
	for _, section := range compat.Table() {
		if section.Istio != "networking.istio.io" {
			continue
		}
		samples := samplesOf(section.Kind)
		for _, row := range section.Rows {
			rows++
			t.Run(section.Kind+"/"+strings.ReplaceAll(row.Name(), "/", "|"), func(t *testing.T) {
				t.Parallel()
				s := samples[row.Name()]
				ours := s.ask(t, section.Kind, row.Field, s.value)
				s.apiVersion = section.Istio + "/v1"
				istios := s.ask(t, section.Kind, row.Field, s.value)
				if row.Own && strings.HasPrefix(row.Field, "spec.") {
					istios.tells(t, row.Field, model.Error, model.UnknownField, "Istio has no such field")
					return
				}
				if changed := changedFields(t, ours.resources, istios.resources); len(changed) > 0 {
					t.Errorf("as Istio's object it changes %s: %+v", changed, istios.problems)
				}
				if len(ours.problems) != len(istios.problems) {
					t.Errorf("as ours %+v, as Istio's %+v", ours.problems, istios.problems)
				}
			})
		}
	}
	if rows < 80 {
		t.Errorf("only %d rows were seen", rows)
	}
}

func (s sample) check(t *testing.T, kind string, row compat.Row) {
	with := s.ask(t, kind, row.Field, s.value)
	if row.Status != compat.Refused {
		for _, p := range with.problems {
			if p.Severity == model.Error {
				t.Errorf("is refused: %+v", p)
			}
		}
	}
	switch row.Status {
	case compat.Refused:
		reason, _, _ := strings.Cut(row.Notes, ": ")
		with.tells(t, row.Field, model.Error, "", reason)
		return
	case compat.NotYet:
		with.tells(t, row.Field, model.Warning, model.NotHonoured, "")
	case compat.NoEffect:
		with.tells(t, row.Field, model.Info, model.NoEffect, "")
	case compat.Honoured:
		for _, p := range with.problems {
			if p.Reason == model.NotHonoured {
				t.Errorf("is not honoured: %+v", p)
			}
		}
	}
	without := s.ask(t, kind, row.Field, s.instead)
	changed := changedFields(t, without.resources, with.resources)
	switch {
	case row.Status != compat.Honoured || row.Story != "":
		if len(changed) > 0 && row.Value == "" {
			t.Errorf("changes what a client receives: %s", changed)
		}
	case len(changed) == 0:
		t.Errorf("a client receives the same with %q as with %q", s.value, s.instead)
	}
	for _, field := range messageFields(row.Becomes) {
		if !slices.Contains(changed, field) {
			t.Errorf("does not change %s, but %s", field, strings.Join(changed, " "))
		}
	}
}

// compatAnswer is what translate says of one world.
type compatAnswer struct {
	problems  []problemJSON
	resources string
}

// ask translates the sample's world with an object of the kind whose field has
// that value, "" for none.
func (s sample) ask(t *testing.T, kind, field, value string) compatAnswer {
	t.Helper()
	args := s.commandLine(t, kind, field, value)
	_, stdout, _ := call(t.Context(), append(slices.Clone(args), "-o", "json")...)
	var said struct{ Problems []problemJSON }
	if err := json.Unmarshal([]byte(stdout), &said); err != nil {
		t.Fatal(err)
	}
	out := compatAnswer{resources: resourcesOf(t, args)}
	for _, p := range said.Problems {
		k, _, _ := strings.Cut(p.Object, " ")
		if k, _, _ := strings.Cut(k, "."); k == kind {
			out.problems = append(out.problems, p)
		}
	}
	return out
}

// commandLine writes that world, and is how to ask of it.
func (s sample) commandLine(t *testing.T, kind, field, value string) []string {
	t.Helper()
	world := readWorld(t, sampleWorld)
	world.merge(readWorld(t, s.world))
	object := world.of(kind)
	overlay(object, readObject(t, s.beside))
	if value != "" {
		var v any
		if err := yaml.Unmarshal([]byte(value), &v); err != nil {
			t.Fatal(err)
		}
		overlay(object, nest(fieldPath(field), v))
	}
	if s.apiVersion != "" {
		object["apiVersion"] = s.apiVersion
	}
	dir := t.TempDir()
	writeFile(t, dir, "world.yaml", world.yaml(t))
	return append([]string{
		"translate", "-f", dir, "--tls-dir", "../../translate/testdata/tls-other",
		"--id", "client", "--locality", "eu/eu-1", "--labels", "version=v1,rack=r1",
	}, fields(s.args)...)
}

// resourcesOf is what the client of that command line receives.
func resourcesOf(t *testing.T, args []string) string {
	t.Helper()
	code, stdout, stderr := call(t.Context(), append(slices.Clone(args), "-o", "envoy")...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	return stdout
}

// problemJSON is a Problem as it is printed.
type problemJSON struct {
	Object, Field, Message string
	Severity               model.Severity
	Reason                 model.Reason
}

// tells wants a Problem of the object at the field, one of its entries, or a block
// around it.
func (a compatAnswer) tells(t *testing.T, field string, severity model.Severity, reason model.Reason, text string) {
	t.Helper()
	at := strings.ReplaceAll(field, "[]", "[0]")
	for _, p := range a.problems {
		if p.Severity == severity && (reason == "" || p.Reason == reason) &&
			(strings.HasPrefix(at, p.Field) || strings.HasPrefix(p.Field, at)) && strings.Contains(p.Message, text) {
			return
		}
	}
	t.Errorf("there is no %s %s at %s that says %q: %+v", severity, reason, at, text, a.problems)
}

// world is objects in order.
type world []map[string]any

func readWorld(t *testing.T, text string) world {
	t.Helper()
	var out world
	for doc := range strings.SplitSeq(text, "---\n") {
		if strings.TrimSpace(doc) != "" {
			out = append(out, readObject(t, doc))
		}
	}
	return out
}

func readObject(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
}

// merge replaces the objects that others name too, and appends the rest.
func (w *world) merge(others world) {
	for _, o := range others {
		i := slices.IndexFunc(*w, func(have map[string]any) bool { return identity(have) == identity(o) })
		if i >= 0 {
			(*w)[i] = o
		} else {
			*w = append(*w, o)
		}
	}
}

func identity(object map[string]any) string {
	meta, _ := object["metadata"].(map[string]any)
	return fmt.Sprint(object["kind"], meta["namespace"], meta["name"])
}

// of is the first object of the kind, which the samples are about.
func (w *world) of(kind string) map[string]any {
	i := slices.IndexFunc(*w, func(o map[string]any) bool { return o["kind"] == kind })
	if i < 0 {
		panic("no " + kind + " in the world of samples")
	}
	return (*w)[i]
}

func (w world) yaml(t *testing.T) []byte {
	t.Helper()
	var docs []string
	for _, o := range w {
		text, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, string(text))
	}
	return []byte(strings.Join(docs, "---\n"))
}

// fieldPath cuts spec.subsets[].name into spec, subsets, [], name, and
// metadata.labels[a.b/c] into metadata, labels, a.b/c.
func fieldPath(field string) []string {
	head, key, found := strings.Cut(field, "[")
	if !found {
		return strings.Split(field, ".")
	}
	out := strings.Split(head, ".")
	key, rest, _ := strings.Cut(key, "]")
	if key != "" {
		return append(out, key)
	}
	out = append(out, "[]")
	if rest != "" {
		out = append(out, fieldPath(strings.TrimPrefix(rest, "."))...)
	}
	return out
}

// nest is the value under that path.
func nest(path []string, value any) map[string]any {
	for _, name := range slices.Backward(path[1:]) {
		if name == "[]" {
			value = []any{value}
			continue
		}
		value = map[string]any{name: value}
	}
	return map[string]any{path[0]: value}
}

// overlay writes b over a; objects are merged, and lists entry by entry.
func overlay(a, b map[string]any) {
	for name, value := range b {
		a[name] = over(a[name], value)
	}
}

func over(a, b any) any {
	switch b := b.(type) {
	case map[string]any:
		if a, ok := a.(map[string]any); ok {
			overlay(a, b)
			return a
		}
	case []any:
		a, _ := a.([]any)
		for i, v := range b {
			if i < len(a) {
				a[i] = over(a[i], v)
			} else {
				a = append(a, v)
			}
		}
		return a
	}
	return b
}

func TestOverlay(t *testing.T) {
	object := readObject(t, "spec: {a: [{b: 1, c: 2}], d: {e: 3}}")
	overlay(object, nest(fieldPath("spec.a[].b"), 4))
	overlay(object, nest(fieldPath("metadata.labels[x.y/z]"), "w"))
	want := readObject(t, "{spec: {a: [{b: 4, c: 2}], d: {e: 3}}, metadata: {labels: {x.y/z: w}}}")
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(object)); diff != "" {
		t.Error(diff)
	}
	if got := filepath.Join(fieldPath("spec.portLevelSettings[].tls")...); got != "spec/portLevelSettings/[]/tls" {
		t.Error(got)
	}
}
