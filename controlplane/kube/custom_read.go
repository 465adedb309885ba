package kube

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/admit"
	"github.com/coastwise/coastwise/translate/model"
)

// ref is what an object of this kind is called here.
func (k crd) ref(u *unstructured.Unstructured) model.ObjectRef {
	ref := model.ObjectRef{Kind: k.refKind(), Name: u.GetName()}
	if k.namespaced() {
		ref.Namespace = cmp.Or(u.GetNamespace(), corev1.NamespaceDefault) // as admission has it
	}
	return ref
}

// observe reads one object and admits it. What is wrong in it is a Problem; the
// error is that it has no name, so that nothing can be said of it.
func (c *custom) observe(k crd, version string, object any) (observed, error) {
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return observed{}, fmt.Errorf("%T is no object", object)
	}
	o := observed{ref: k.ref(u), uid: u.GetUID(), generation: u.GetGeneration(), resourceVersion: u.GetResourceVersion()}
	if o.ref.Name == "" {
		return observed{}, fmt.Errorf("%s in namespace %q: the object has no name", k, o.ref.Namespace)
	}
	if k.ours() {
		o.status = statusOf(u)
	}
	if k.ofGateway() && k.hasStatus() {
		o.whole = wholeOf(k, u)
	}
	o.result, o.problems = c.admit(o.ref, asWritten(k, version, u))
	for i := range o.problems {
		if o.problems[i].Object == (model.ObjectRef{}) {
			o.problems[i].Object = o.ref
		}
	}
	return o, nil
}

// asWritten is what a user wrote of an object, and what is needed of the rest: names,
// labels, annotations, and when, as which and in which generation it is there.
func asWritten(k crd, version string, u *unstructured.Unstructured) map[string]any {
	out := maps.Clone(u.Object)
	delete(out, "status")
	out["apiVersion"], out["kind"] = k.group+"/"+version, k.kind
	meta, ok := out["metadata"].(map[string]any)
	if !ok {
		return out
	}
	kept := map[string]any{}
	for _, field := range []string{"name", "namespace", "labels", "annotations", "creationTimestamp", "uid", "generation"} {
		if value, has := meta[field]; has {
			kept[field] = value
		}
	}
	if annotations, ok := kept["annotations"].(map[string]any); ok {
		annotations = maps.Clone(annotations)
		delete(annotations, corev1.LastAppliedConfigAnnotation)
		kept["annotations"] = annotations
	}
	out["metadata"] = kept
	return out
}

// statusOf is the status as it is on the server; what cannot be read is as none.
func statusOf(u *unstructured.Unstructured) v1alpha1.Status {
	var status v1alpha1.Status
	raw, err := json.Marshal(u.Object["status"])
	if err != nil || json.Unmarshal(raw, &status) != nil {
		return v1alpha1.Status{}
	}
	return status
}

// admit contains a panic to the object that it is about: it is refused, and if it
// may hold a fence allows no region, as one that cannot be read.
func (c *custom) admit(ref model.ObjectRef, object map[string]any) (result admit.Result, problems []model.Problem) {
	var raw []byte
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("reading an object failed by a mistake of ours; it is refused", "object", ref.String(), "panic", p, "stack", string(debug.Stack()))
			result, problems = admit.Result{Ref: ref, Fence: narrowest(ref, object, raw)}, refusal(ref, model.BuildFailed, "cannot be read, by a mistake of coastwise's own; its log says more")
		}
	}()
	raw, err := json.Marshal(object)
	if err != nil {
		return admit.Result{Ref: ref}, refusal(ref, model.Invalid, "cannot be written as JSON: "+err.Error())
	}
	return c.options.Object(raw)
}

func refusal(ref model.ObjectRef, reason model.Reason, message string) []model.Problem {
	return []model.Problem{{Object: ref, Field: "spec", Severity: model.Error, Reason: reason, Message: message}}
}

// narrowest is the fence of an object that could not be read, nil if it has none.
func narrowest(ref model.ObjectRef, object map[string]any, raw []byte) *model.Fence {
	if !bytes.Contains(raw, []byte(`"allowedRegions"`)) {
		return nil
	}
	f := &model.Fence{Object: ref, Field: "spec", AllowedRegions: []string{}}
	spec, _ := object["spec"].(map[string]any)
	switch ref.Kind {
	case v1alpha1.KindMeshConfig:
		f.RootNamespace, _ = spec["rootNamespace"].(string)
		return f
	case v1alpha1.KindDestinationRule, v1alpha1.KindOf(v1alpha1.IstioAPIVersion, v1alpha1.KindDestinationRule):
		if f.Host, _ = spec["host"].(string); f.Host != "" {
			return f
		}
	}
	return nil
}
