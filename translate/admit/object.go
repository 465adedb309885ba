package admit

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	strictjson "sigs.k8s.io/json"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// Object admits where no folder of secrets is given; see Options.Object.
func Object(raw []byte) (Result, []model.Problem) { return Options{}.Object(raw) }

// Object reads one YAML or JSON document and says whether it may be used
// (semantics 8). The Problems are all mistakes at once, sorted; one with severity
// error means that the object is refused, and then Result.Object is nil. A
// document without content gives a zero Result and no Problem; one that does not
// parse, or names no object, gives a zero Result and one Problem, Unparsable at
// "document". A kind List is foreign here: sources unpack it. An absent namespace
// is filled in with "default", and a status of our kinds and the Gateway API's is dropped;
// absent fields of the latter have their defaults.
func (o Options) Object(raw []byte) (Result, []model.Problem) {
	doc, err := parse(raw)
	if err != nil {
		return unparsable(err.Error())
	}
	if doc.root == nil {
		return Result{}, nil
	}
	h, err := readHead(doc.root)
	if err != nil {
		return unparsable(err.Error())
	}
	result := Result{Ref: h.ref}
	r := &report{object: h.ref, options: o, istio: h.kind != nil && h.kind.istio}
	switch {
	case h.foreign:
		result.Foreign = true
		r.notServed(h)
		return result, r.problems
	case h.kind == nil:
		r.notOurs(h)
	case !h.kind.serves(h.apiVersion):
		r.invalid("apiVersion", "%q is not served for kind %s; write %q", clip(h.apiVersion), h.ref.Kind, h.kind.apiVersion)
	default:
		result.Object = r.admit(doc, h)
	}
	if h.kind != nil && h.kind.ours && r.refused() {
		result.Fence = fence(h.ref, doc)
	}
	return result, model.SortProblems(r.told())
}

// told is what the user hears: of a refused object its mistakes, not what would
// not be honoured if it counted.
func (r *report) told() []model.Problem {
	if !r.refused() {
		return r.problems
	}
	return slices.DeleteFunc(r.problems, func(p model.Problem) bool {
		return p.Reason == model.NotHonoured && p.Severity == model.Warning
	})
}

func unparsable(message string) (Result, []model.Problem) {
	return Result{}, []model.Problem{{
		Field: "document", Severity: model.Error, Reason: model.Unparsable,
		Message: strings.ToValidUTF8(message, "\uFFFD"),
	}}
}

// notOurs reports what is no kind of our group.
func (r *report) notOurs(h head) {
	r.invalid("kind", "%q is no kind of %s%s", clip(h.ref.Kind), v1alpha1.GroupName, suggestion(h.ref.Kind, ownKinds()))
}

// admit decodes and checks; nil if the object is refused.
func (r *report) admit(doc document, h head) any {
	for _, k := range doc.keys {
		r.misshapen(model.Invalid, k.at, "%s", k.message)
	}
	root := doc.root
	if h.kind.ours || h.kind.versions != nil {
		delete(root, "status")
	}
	if h.kind.istio || h.kind.versions != nil {
		root["apiVersion"] = h.kind.apiVersion
	}
	object := h.kind.make()
	clean := r.shape("", reflect.TypeOf(object), root)
	if err := decode(clean, object); err != nil {
		r.add(model.Error, model.Invalid, "", "cannot be read: %v", err)
		return nil
	}
	if _, written := root["endpoints"]; h.ref.Kind == "EndpointSlice" && !written {
		// Required, as at the API server: half a save must not read as an empty slice.
		r.invalid("endpoints", "is missing; write endpoints: [] if there are none")
	}
	meta := object.(metav1.Object) // every kind of the table has ObjectMeta
	r.check(h.kind, h.ref.Kind, meta)
	if r.refused() {
		return nil
	}
	meta.SetNamespace(h.ref.Namespace)
	return object
}

// check says what is wrong with an object, its shape excepted.
func (r *report) check(k *kind, name string, object metav1.Object) {
	r.metadata(k.scope, object)
	name = strings.TrimSuffix(name, "."+v1alpha1.IstioGroup)
	r.unknownAnnotations(name, object.GetAnnotations())
	r.unknownLabels(name, object.GetLabels())
	r.waypointLabels(name, object.GetLabels())
	k.check(r, object)
}

// decode is strict once more, so that nothing that shape missed is ignored.
func decode(clean, object any) error {
	raw, err := json.Marshal(clean)
	if err != nil {
		return err
	}
	strict, err := strictjson.UnmarshalStrict(raw, object)
	if err == nil && len(strict) > 0 {
		err = strict[0]
	}
	return err
}
