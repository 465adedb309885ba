package admit

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// shape compares value with the Go type that it is to be decoded into, reports
// every unknown field and mistyped value under p, and returns value without
// them: what comes back decodes.
func (r *report) shape(p path, t reflect.Type, value any) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if value == nil {
		return nil
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return r.ownShape(p, t, value)
	}
	switch t.Kind() {
	case reflect.Struct:
		return r.structShape(p, t, value)
	case reflect.Map:
		return r.mapShape(p, t, value)
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return r.listShape(p, t, value)
		}
		return r.ownShape(p, t, value)
	}
	if r.istio {
		value = protoNumber(t, value)
	}
	if want := scalarMismatch(t, value); want != "" {
		r.misshapen(model.Invalid, p, "must be %s, is %s%s", want, describe(value), quoteHint(t, value))
		return nil
	}
	return value
}

func (r *report) structShape(p path, t reflect.Type, value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		r.misshapen(model.Invalid, p, "must be an object, is %s", describe(value))
		return nil
	}
	known, ours := fields(t), map[string]bool(nil)
	if r.istio {
		known, ours = istioFields(t)
	}
	out := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := p.child(name)
		field, ok := known[name]
		switch {
		case ours[name]:
			r.misshapen(model.UnknownField, at, "Istio has no such field; it is one of %s, under which the rest may stay as it is", v1alpha1.APIVersion)
			continue
		case !ok:
			r.unknownField(p, name, known)
			continue
		}
		if name == "allowedRegions" && object[name] == nil {
			r.misshapen(model.Invalid, at, "is empty; list at least one region, or remove the field to allow all")
			continue
		}
		if v := r.shape(at, field, object[name]); v != nil {
			out[name] = v
		}
	}
	return out
}

// unknownField reports a field that t does not have. The field that was meant is
// covered too, so that nothing says that it is missing.
func (r *report) unknownField(p path, name string, known map[string]reflect.Type) {
	names := slices.Sorted(maps.Keys(known))
	at := p.child(name)
	if near := nearest(name, names); near != "" {
		r.misshapen(model.UnknownField, at, "unknown field; did you mean %q?", near)
		r.covered = append(r.covered, p.child(near))
		return
	}
	if len(names) > 16 {
		r.misshapen(model.UnknownField, at, "unknown field")
		return
	}
	r.misshapen(model.UnknownField, at, "unknown field; allowed here: %s", strings.Join(names, ", "))
}

func (r *report) mapShape(p path, t reflect.Type, value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		r.misshapen(model.Invalid, p, "must be an object, is %s", describe(value))
		return nil
	}
	out := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if v := r.entryShape(p.key(name), t.Elem(), object[name]); v != nil {
			out[name] = v
		}
	}
	return out
}

// listShape keeps the index of each entry: a wrong one becomes an empty one.
func (r *report) listShape(p path, t reflect.Type, value any) any {
	list, ok := value.([]any)
	if !ok {
		r.misshapen(model.Invalid, p, "must be a list, is %s", describe(value))
		return nil
	}
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = r.entryShape(p.index(i), t.Elem(), v)
	}
	return out
}

// entryShape is shape for an entry of a list or map, which cannot be absent.
func (r *report) entryShape(p path, t reflect.Type, value any) any {
	if value == nil {
		r.misshapen(model.Invalid, p, "is empty; write a value or remove the entry")
	}
	return r.shape(p, t, value)
}

// ownShape is for types that decode themselves: times, quantities, int-or-string.
func (r *report) ownShape(p path, t reflect.Type, value any) any {
	raw, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(raw, reflect.New(t).Interface())
	}
	if err == nil {
		return value
	}
	switch t {
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime]():
		r.misshapen(model.Invalid, p, "must be a time such as 2026-01-31T15:04:05Z, is %s", describe(value))
	case reflect.TypeFor[intstr.IntOrString]():
		r.misshapen(model.Invalid, p, "must be a number or a string, is %s", describe(value))
	default:
		r.misshapen(model.Invalid, p, "cannot be read: %v", err)
	}
	return nil
}

// scalarMismatch says what t wants if value is not that, else "".
func scalarMismatch(t reflect.Type, value any) string {
	switch t.Kind() {
	case reflect.String:
		if _, ok := value.(string); !ok {
			return "a string"
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			return "true or false"
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		switch n := value.(type) {
		case int64:
			if reflect.Zero(t).OverflowInt(n) {
				return "a smaller number"
			}
		case uint64:
			return "a smaller number"
		default:
			return "a whole number"
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		switch n := value.(type) {
		case int64:
			if n < 0 || reflect.Zero(t).OverflowUint(uint64(n)) {
				return "a whole number that fits"
			}
		case uint64:
			if reflect.Zero(t).OverflowUint(n) {
				return "a whole number that fits"
			}
		default:
			return "a whole number"
		}
	case reflect.Float32, reflect.Float64:
		switch n := value.(type) {
		case int64, uint64:
		case float64:
			if math.IsInf(n, 0) || math.IsNaN(n) {
				return "a number"
			}
		default:
			return "a number"
		}
	}
	return ""
}

// quoteHint helps where quotes, or their absence, made something else of a word.
func quoteHint(t reflect.Type, value any) string {
	switch value := value.(type) {
	case bool, int64, uint64, float64:
		if t.Kind() == reflect.String {
			return "; put it in quotes"
		}
	case string:
		_, err := strconv.ParseFloat(value, 64)
		if t.Kind() != reflect.String && (err == nil || value == "true" || value == "false") {
			return "; write it without quotes"
		}
	}
	return ""
}

// fields lists the JSON names of a struct with their types.
func fields(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			maps.Copy(out, fields(f.Type))
		case name != "" && name != "-":
			out[name] = f.Type
		}
	}
	return out
}
