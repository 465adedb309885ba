package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The group and version of every kind in this package.
const (
	GroupName = "networking.coastwise.dev"
	Version   = "v1alpha1"
	// APIVersion is what stands in a manifest.
	APIVersion = GroupName + "/" + Version
)

// The kinds of this group.
const (
	KindDestinationRule = "DestinationRule"
	KindMeshConfig      = "MeshConfig"
	KindServiceEntry    = "ServiceEntry"
	KindWorkloadEntry   = "WorkloadEntry"
)

// MeshConfigName is the only name that a MeshConfig may have.
const MeshConfigName = "default"

// GroupVersion is networking.coastwise.dev/v1alpha1.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: GroupName, Version: Version}
}

// Duration is a length of time as Go writes it, such as "10s", "1m30s" or
// "250ms": whole milliseconds, at least one of them.
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="int(duration(self)) % 1000000 == 0 && duration(self) >= duration('0s')",message="write whole milliseconds with units, such as 10s, 250ms or 1m30s"
type Duration string

// Status says what became of an object. Only the controller writes it; a status
// in a manifest means nothing.
type Status struct {
	// ObservedGeneration is the metadata.generation that the conditions are about.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions are Accepted, ResolvedRefs and Programmed.
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
