package workload

import (
	"cmp"
	"strings"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// ID is one workload. Endpoints that are no object of their own are told apart by Address.
type ID struct {
	model.WorkloadName
	Address string
}

// Compare orders by kind, namespace, name and address.
func (id ID) Compare(o ID) int {
	return cmp.Or(id.WorkloadName.Compare(o.WorkloadName), strings.Compare(id.Address, o.Address))
}

// uid is cluster/group/kind/namespace/name[/section], with the group of Pods empty.
func (id ID) uid(cluster string) string {
	group := v1alpha1.GroupName
	if id.Istio {
		group = v1alpha1.IstioGroup
	}
	var kind string
	switch id.Kind {
	case model.PodWorkload:
		group, kind = "", "Pod"
	case model.SliceWorkload:
		group, kind = "discovery.k8s.io", "EndpointSlice"
	case model.EntryWorkload:
		kind = v1alpha1.KindServiceEntry
	case model.WorkloadEntryWorkload:
		kind = v1alpha1.KindWorkloadEntry
	}
	parts := []string{cluster, group, kind, id.Namespace, id.Name}
	if id.Address != "" {
		parts = append(parts, id.Address)
	}
	return strings.Join(parts, "/")
}

// idOf is the workload of an endpoint, false for none: a name that DNS resolves.
func idOf(e *model.Endpoint) (ID, bool) {
	id := ID{WorkloadName: e.Workload}
	switch e.Workload.Kind {
	case model.NoWorkload:
		return ID{}, false
	case model.SliceWorkload, model.EntryWorkload:
		id.Address = e.Address
	}
	return id, true
}
