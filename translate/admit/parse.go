package admit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	yaml "go.yaml.in/yaml/v2"
	"sigs.k8s.io/json"
)

// document is one manifest without types.
type document struct {
	// root is nil for a document without content.
	root map[string]any
	// keys are mistakes in the keys themselves.
	keys []keyMistake
	raw  []byte
}

// keyMistake is a key that stands twice, of which root holds the last value, or
// one that YAML took for a boolean.
type keyMistake struct {
	at      path
	twice   bool
	message string
}

const standsTwice = "stands twice; keep one"

// parse reads JSON, else YAML. Values are string, bool, int64, uint64, float64,
// nil, []any and map[string]any.
func parse(raw []byte) (document, error) {
	if trimmed := bytes.TrimSpace(raw); len(trimmed) > 0 && trimmed[0] == '{' {
		if doc, ok := parseJSON(trimmed); ok {
			return doc, nil
		}
	}
	return parseYAML(raw)
}

func parseJSON(raw []byte) (document, bool) {
	var root map[string]any
	strict, err := json.UnmarshalStrict(raw, &root, json.DisallowDuplicateFields)
	if err != nil {
		return document{}, false
	}
	doc := document{root: root, raw: raw}
	for _, e := range strict {
		if field, ok := errors.AsType[json.FieldError](e); ok {
			doc.keys = append(doc.keys, keyMistake{path(field.FieldPath()), true, standsTwice})
		}
	}
	return doc, true
}

// parseYAML reads twice: once as it is meant, with merge keys resolved, and once
// in order, to find mistakes in keys.
func parseYAML(raw []byte) (document, error) {
	var loose any
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	if err := decoder.Decode(&loose); err != nil && !errors.Is(err, io.EOF) {
		return document{}, err
	}
	var more any
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return document{}, errors.New("more than one document, or text after the end of it")
	}
	value, err := plain(loose)
	if err != nil || value == nil {
		return document{}, err
	}
	root, ok := value.(map[string]any)
	if !ok {
		return document{}, fmt.Errorf("must be an object, is %s", describe(value))
	}
	var ordered yaml.MapSlice
	if err := yaml.Unmarshal(raw, &ordered); err != nil {
		return document{}, err
	}
	return document{root: root, raw: raw, keys: keyMistakes("", ordered, nil)}, nil
}

// keyMistakes appends those under p to found.
func keyMistakes(p path, value any, found []keyMistake) []keyMistake {
	switch value := value.(type) {
	case yaml.MapSlice:
		seen := map[string]bool{}
		for _, item := range value {
			name, err := keyName(item.Key)
			if err != nil {
				continue
			}
			at := p.child(name)
			if seen[name] {
				found = append(found, keyMistake{at, true, standsTwice})
			} else if _, ok := item.Key.(bool); ok {
				found = append(found, keyMistake{at, false, "YAML reads this key as the boolean " + name + "; put it in quotes"})
			}
			seen[name] = true
			found = keyMistakes(at, item.Value, found)
		}
	case []any:
		for i, v := range value {
			found = keyMistakes(p.index(i), v, found)
		}
	}
	return found
}

// plain turns what the YAML decoder gives into JSON's kinds of values.
func plain(value any) (any, error) {
	switch value := value.(type) {
	case map[any]any:
		out := make(map[string]any, len(value))
		var wrong error
		for k, v := range value {
			name, err := keyName(k)
			if err == nil {
				out[name], err = plain(v)
			}
			wrong = firstOf(wrong, err)
		}
		return out, wrong
	case []any:
		out := make([]any, len(value))
		for i, v := range value {
			var err error
			if out[i], err = plain(v); err != nil {
				return nil, err
			}
		}
		return out, nil
	case int:
		return int64(value), nil
	case string, bool, int64, uint64, float64, nil:
		return value, nil
	}
	return nil, fmt.Errorf("a value of type %T cannot stand in a manifest", value)
}

// firstOf is the error whose text comes first, whatever the order in which a map
// gave them; nil if there is none.
func firstOf(a, b error) error {
	if a == nil || b != nil && b.Error() < a.Error() {
		return b
	}
	return a
}

// keyName reads a key as JSON would write it.
func keyName(key any) (string, error) {
	switch key := key.(type) {
	case string:
		return key, nil
	case int:
		return strconv.Itoa(key), nil
	case bool:
		return strconv.FormatBool(key), nil
	}
	return "", fmt.Errorf("a key must be a string, is %v", key)
}

// describe names the kind of a value for people.
func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "empty"
	case string:
		return fmt.Sprintf("the string %q", clip(value))
	case bool:
		return fmt.Sprintf("the boolean %t", value)
	case int64, uint64, float64:
		return fmt.Sprintf("the number %v", value)
	case []any:
		return "a list"
	}
	return "an object"
}

// clip keeps messages short.
func clip(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}
