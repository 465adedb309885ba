package store

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// Admitted lists the Services, EndpointSlices, Namespaces, rules, entries, the
// MeshConfig and what is of the Gateway API that are held, fences not among them; sorted by Ref.
func (s *Store) Admitted() []Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Change
	for key, service := range s.services {
		name, _, _ := strings.Cut(key.Host, ".")
		out = append(out, Change{Ref: model.ObjectRef{Kind: "Service", Namespace: key.Namespace, Name: name}, Object: service})
	}
	for name, slice := range s.sliceNames {
		out = append(out, Change{Ref: model.ObjectRef{Kind: "EndpointSlice", Namespace: name.namespace, Name: name.name}, Object: slice.slice()})
	}
	for name, namespace := range s.namespaces {
		out = append(out, Change{Ref: model.ObjectRef{Kind: "Namespace", Name: name}, Object: namespace})
	}
	for _, e := range s.entries.byName {
		out = append(out, Change{Ref: refOf(e.TypeMeta, v1alpha1.KindServiceEntry, e), Object: e})
	}
	for _, w := range s.workloads {
		for _, e := range w.entries {
			out = append(out, Change{Ref: refOf(e.TypeMeta, v1alpha1.KindWorkloadEntry, e), Object: e})
		}
	}
	for ref, e := range s.rules.byRef {
		if e.rule != nil {
			out = append(out, Change{Ref: ref, Object: e.rule})
		}
	}
	out = append(out, s.admittedGateways()...)
	if c := s.mesh.Config; c != nil {
		out = append(out, Change{Ref: model.ObjectRef{Kind: "MeshConfig", Name: c.Name}, Object: c})
	}
	slices.SortFunc(out, func(a, b Change) int { return a.Ref.Compare(b.Ref) })
	return out
}

// admittedGateways are those of the Gateway API, in no order.
func (s *Store) admittedGateways() (out []Change) {
	for name, class := range s.classes {
		out = append(out, Change{Ref: model.ObjectRef{Kind: ingest.KindGatewayClass, Name: name}, Object: class})
	}
	for name, g := range s.gateways.byName {
		out = append(out, Change{Ref: model.ObjectRef{Kind: ingest.KindGateway, Namespace: name.Namespace, Name: name.Name}, Object: g})
	}
	for ref, e := range s.routes.byRef {
		out = append(out, Change{Ref: ref, Object: e.object()})
	}
	for namespace, grants := range s.grants {
		for name, grant := range grants {
			out = append(out, Change{Ref: model.ObjectRef{Kind: ingest.KindReferenceGrant, Namespace: namespace, Name: name}, Object: grant})
		}
	}
	return out
}

func refOf(t metav1.TypeMeta, kind string, o metav1.Object) model.ObjectRef {
	return model.ObjectRef{Kind: v1alpha1.KindOf(t.APIVersion, kind), Namespace: o.GetNamespace(), Name: o.GetName()}
}

// Namespaces lists the names of the Namespaces that are known, sorted.
func (s *Store) Namespaces() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.namespaces))
}
