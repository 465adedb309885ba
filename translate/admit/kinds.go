package admit

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// kind is one kind that is read.
type kind struct {
	apiVersion string
	scope      scope
	ours       bool
	// istio says that it is a kind of Istio's own group, which is admitted as ours are.
	istio bool
	// versions are those of the Gateway API's group under which a kind of it is read, for
	// which there are no fences; nil for all others.
	versions []string
	make     func() any
	check    func(*report, any)
}

// scope says what names and namespaces the objects of a kind may have.
type scope struct {
	namespaced bool
	// label wants a DNS label as name, not any DNS name.
	label bool
}

func kindOf[T any](apiVersion string, s scope, check func(*report, *T)) *kind {
	return &kind{
		apiVersion: apiVersion, scope: s, ours: apiVersion == v1alpha1.APIVersion,
		make:  func() any { return new(T) },
		check: func(r *report, object any) { check(r, object.(*T)) },
	}
}

// served is the table of the kinds that are read; nil for all others.
func served(name string) *kind {
	switch name {
	case "Service":
		return kindOf("v1", scope{namespaced: true, label: true}, (*report).service)
	case "EndpointSlice":
		return kindOf("discovery.k8s.io/v1", scope{namespaced: true}, (*report).slice)
	case "Node":
		return kindOf("v1", scope{}, func(*report, *corev1.Node) {})
	case "Pod":
		return kindOf("v1", scope{namespaced: true}, func(*report, *corev1.Pod) {})
	case "Namespace":
		return kindOf("v1", scope{label: true}, (*report).namespace)
	case v1alpha1.KindDestinationRule:
		return kindOf(v1alpha1.APIVersion, scope{namespaced: true}, (*report).rule)
	case v1alpha1.KindMeshConfig:
		return kindOf(v1alpha1.APIVersion, scope{}, (*report).mesh)
	case v1alpha1.KindServiceEntry:
		return kindOf(v1alpha1.APIVersion, scope{namespaced: true}, (*report).serviceEntry)
	case v1alpha1.KindWorkloadEntry:
		return kindOf(v1alpha1.APIVersion, scope{namespaced: true}, (*report).workloadEntry)
	}
	return nil
}

// ownKinds are those of our group, all of which are served.
func ownKinds() []string {
	return []string{v1alpha1.KindDestinationRule, v1alpha1.KindMeshConfig, v1alpha1.KindServiceEntry, v1alpha1.KindWorkloadEntry}
}

// head is what a document says that it is.
type head struct {
	apiVersion string
	ref        model.ObjectRef
	// kind is nil for a kind of ours that is not served, and for foreign ones.
	kind    *kind
	foreign bool
}

// readHead finds out which object a document is; an error if it names none.
func readHead(root map[string]any) (head, error) {
	var h head
	var err error
	if h.apiVersion, err = word(root, "apiVersion", ""); err == nil {
		h.ref.Kind, err = word(root, "kind", "")
	}
	if err != nil {
		return head{}, err
	}
	if h.apiVersion == "" || h.ref.Kind == "" {
		return head{}, errors.New("names no object: apiVersion or kind is missing")
	}
	kind := h.ref.Kind
	h.kind, h.ref.Kind = served(kind), v1alpha1.KindOf(h.apiVersion, kind)
	group := schema.FromAPIVersionAndKind(h.apiVersion, kind).Group
	switch {
	case group == v1alpha1.GroupName: // served or not, it is ours
	case group == v1alpha1.IstioGroup:
		h.kind = servedOfIstio(kind)
		h.foreign = h.kind == nil
	case group == gatewayv1.GroupName:
		h.kind = servedOfGateway(kind)
		h.foreign = h.kind == nil
	case h.kind == nil || group != "" && group != discoveryv1.GroupName:
		h.kind, h.foreign = nil, true
	}
	meta, _ := root["metadata"].(map[string]any)
	name, nameErr := word(meta, "name", "metadata.")
	namespace, namespaceErr := word(meta, "namespace", "metadata.")
	if err := errors.Join(nameErr, namespaceErr); err != nil && !h.foreign {
		return head{}, err
	}
	if name == "" && !h.foreign {
		return head{}, fmt.Errorf("names no object: metadata.name of this %s is missing", clip(h.ref.Kind))
	}
	h.ref.Name, h.ref.Namespace = name, namespace
	h.fillNamespace()
	return h, nil
}

// fillNamespace makes the reference what the object will be stored under.
func (h *head) fillNamespace() {
	switch {
	case h.foreign:
	case h.kind != nil && !h.kind.scope.namespaced:
		h.ref.Namespace = ""
	case h.ref.Namespace == "":
		h.ref.Namespace = corev1.NamespaceDefault
	}
}

// word reads a string; "" if it is absent.
func word(object map[string]any, name, prefix string) (string, error) {
	switch value := object[name].(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	default:
		return "", fmt.Errorf("names no object: %s%s must be a string, is %s", prefix, name, describe(value))
	}
}
