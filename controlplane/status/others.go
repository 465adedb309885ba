package status

import (
	"cmp"
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// kind is one whose objects have no status from us, only Events.
type kind struct {
	schema.GroupVersionResource
	name string
}

// others are these kinds, by their names in references.
var others = map[string]kind{
	"Service": {corev1.SchemeGroupVersion.WithResource("services"), "Service"},
	"Node":    {corev1.SchemeGroupVersion.WithResource("nodes"), "Node"},
	"Pod":     {corev1.SchemeGroupVersion.WithResource("pods"), "Pod"},
	// A proxy is in most cases the Pod of its id; where there is none nobody is told.
	model.KindProxy: {corev1.SchemeGroupVersion.WithResource("pods"), "Pod"},
	"Namespace":     {corev1.SchemeGroupVersion.WithResource("namespaces"), "Namespace"},
	"EndpointSlice": {discoveryv1.SchemeGroupVersion.WithResource("endpointslices"), "EndpointSlice"},

	"DestinationRule." + v1alpha1.IstioGroup: istio("destinationrules", "DestinationRule"),
	"ServiceEntry." + v1alpha1.IstioGroup:    istio("serviceentries", "ServiceEntry"),
	"WorkloadEntry." + v1alpha1.IstioGroup:   istio("workloadentries", "WorkloadEntry"),
}

func istio(resource, name string) kind {
	return kind{schema.GroupVersionResource{Group: v1alpha1.IstioGroup, Version: "v1", Resource: resource}, name}
}

// told is which Problems of others had their Event: since they have no status, this
// process remembers. One that goes and comes again is told again.
type told map[telling]bool

// telling is one Event: the Problems of one object and reason, since the API counts
// those as one series whatever they say.
type telling struct {
	object   model.ObjectRef
	reason   model.Reason
	severity model.Severity
	note     string
}

// tellings are those of Problems, sorted. What was read from a file is nobody's at the
// API server.
func tellings(problems []model.Problem) []telling {
	type key struct {
		object model.ObjectRef
		reason model.Reason
	}
	groups := map[key][]model.Problem{}
	for _, p := range problems {
		if _, ok := others[p.Object.Kind]; ok && p.File == "" {
			k := key{p.Object, p.Reason}
			groups[k] = append(groups[k], p)
		}
	}
	var out []telling
	for k, ps := range groups {
		t := telling{k.object, k.reason, model.Info, clip(list(model.SortProblems(ps)), maxNote)}
		if slices.ContainsFunc(ps, func(p model.Problem) bool { return p.Severity != model.Info }) {
			t.severity = model.Warning
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b telling) int {
		return cmp.Or(a.object.Compare(b.object), strings.Compare(string(a.reason), string(b.reason)))
	})
	return out
}

// news are the tellings that had no Event yet; the others are forgotten if they are
// none any more.
func (t told) news(now []telling) []telling {
	present := make(map[telling]bool, len(now))
	var out []telling
	for _, n := range now {
		present[n] = true
		if !t[n] {
			out = append(out, n)
		}
	}
	for old := range t {
		if !present[old] {
			delete(t, old)
		}
	}
	return out
}

// event looks up whom it is about: the store keeps no uid, and `kubectl describe`
// finds Events by it. The right to list is enough. ok is false if nobody is there.
func (n telling) event(ctx context.Context, client metadata.Interface) (_ event, ok bool, err error) {
	k := others[n.object.Kind]
	found, err := client.Resource(k.GroupVersionResource).Namespace(n.object.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, n.object.Name).String(), Limit: 1,
	})
	if err != nil || len(found.Items) == 0 {
		return event{}, false, err
	}
	e := event{
		regarding: corev1.ObjectReference{
			APIVersion: k.GroupVersion().String(), Kind: k.name, Namespace: n.object.Namespace, Name: n.object.Name, UID: found.Items[0].UID,
		},
		kind: corev1.EventTypeNormal, reason: string(n.reason), action: "Translate", note: n.note,
	}
	if n.severity != model.Info {
		e.kind = corev1.EventTypeWarning
	}
	return e, true, nil
}
