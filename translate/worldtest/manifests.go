package worldtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// DrawManifests draws a world as text, one document each: objects as they are,
// rules and meshes with fields of every block, and some of it spoilt.
func DrawManifests(t *rapid.T) []string {
	var docs []string
	for _, w := range []World{Draw(t), DrawFocused(t)} {
		for _, e := range w.Events() {
			if e.Object != nil {
				docs = append(docs, spoilt(t, documentOf(e), 12))
			}
		}
	}
	for range rapid.IntRange(0, 4).Draw(t, "rules of all blocks") {
		docs = append(docs, spoilt(t, shapedRule(t), 3))
	}
	if rapid.IntRange(0, 2).Draw(t, "mesh of all blocks") == 0 {
		docs = append(docs, spoilt(t, shapedMesh(t), 3))
	}
	return docs
}

// documentOf is an object as a user would write it.
func documentOf(e Event) map[string]any {
	raw, err := json.Marshal(e.Object)
	if err != nil {
		panic(err)
	}
	doc := map[string]any{}
	if err := json.Unmarshal(raw, &doc); err != nil {
		panic(err)
	}
	doc["apiVersion"], doc["kind"] = "v1", e.Ref.Kind
	switch e.Ref.Kind {
	case "EndpointSlice":
		doc["apiVersion"] = "discovery.k8s.io/v1"
		if doc["endpoints"] == nil {
			doc["endpoints"] = []any{}
		}
	case model.KindGateway, model.KindHTTPRoute:
		doc["apiVersion"] = gatewayv1.GroupVersion.String()
	case v1alpha1.KindDestinationRule, v1alpha1.KindMeshConfig:
		doc["apiVersion"] = v1alpha1.APIVersion
	}
	return doc
}

func shapedRule(t *rapid.T) map[string]any {
	spec := &v1alpha1.DestinationRuleSpec{}
	shape(t, spec)
	r := &v1alpha1.DestinationRule{Spec: *spec}
	r.Name = rapid.SampledFrom([]string{"d1", "d3", "d4"}).Draw(t, "name")
	r.Namespace = rapid.SampledFrom([]string{"a", "b", "coastwise-system"}).Draw(t, "of")
	return documentOf(Event{Ref: model.ObjectRef{Kind: v1alpha1.KindDestinationRule}, Object: r})
}

func shapedMesh(t *rapid.T) map[string]any {
	m := &v1alpha1.MeshConfig{}
	m.Name = v1alpha1.MeshConfigName
	shape(t, &m.Spec)
	return documentOf(Event{Ref: model.ObjectRef{Kind: v1alpha1.KindMeshConfig}, Object: m})
}

// spoilt writes a document, and in one of n does something to it first, or to its
// text, that a slip of the hand or half a save could do.
func spoilt(t *rapid.T, doc map[string]any, n int) string {
	how := rapid.IntRange(0, 2*n-1).Draw(t, "spoilt")
	if how == 0 {
		spoil(t, doc)
	}
	text, err := yaml.Marshal(doc)
	if err != nil {
		panic(err)
	}
	if how != 1 {
		return string(text)
	}
	lines := strings.SplitAfter(string(text), "\n")
	at := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
	switch rapid.SampledFrom([]string{"cut", "twice", "gone", "indented", "bytes"}).Draw(t, "slip") {
	case "cut":
		lines = lines[:at]
	case "twice":
		lines = slices.Insert(lines, at, lines[at])
	case "gone":
		lines = slices.Delete(lines, at, at+1)
	case "indented":
		lines[at] = "  " + lines[at]
	case "bytes":
		lines[at] = string(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "bytes")) + "\n"
	}
	return strings.Join(lines, "")
}

// spoil changes one thing somewhere in a document.
func spoil(t *rapid.T, in any) {
	switch in := in.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(in))
		if len(keys) == 0 {
			return
		}
		key := rapid.SampledFrom(keys).Draw(t, "key")
		if deeper(t, in[key]) {
			spoil(t, in[key])
			return
		}
		switch rapid.SampledFrom([]string{"without", "misspelt", "other", "added"}).Draw(t, "change") {
		case "without":
			delete(in, key)
		case "misspelt":
			in[key[:len(key)-1]] = in[key]
			delete(in, key)
		case "other":
			in[key] = otherValue(t)
		case "added":
			in[rapid.SampledFrom(words("")).Draw(t, "new key")] = in[key]
		}
	case []any:
		if len(in) == 0 {
			return
		}
		i := rapid.IntRange(0, len(in)-1).Draw(t, "index")
		if deeper(t, in[i]) {
			spoil(t, in[i])
			return
		}
		in[i] = otherValue(t)
	}
}

// deeper says whether to go on into a value.
func deeper(t *rapid.T, value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return rapid.IntRange(0, 9).Draw(t, "deeper") > 0
	}
	return false
}

func otherValue(t *rapid.T) any {
	return rapid.SampledFrom([]any{
		nil, "", "x", "*", "10s", true, 0, -1, 101, 1 << 40, 0.5,
		[]any{},
		[]any{"r1"},
		[]any{nil},
		map[string]any{},
		map[string]any{"r1": 100},
		strings.Repeat("x", 300), "..", "%REQ(x)%", "/etc/passwd", "(a+)+$", "\x00",
	}).Draw(t, "value")
}
