package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ServiceEntry makes hosts known that no Kubernetes Service declares: a database
// on virtual machines, or somebody else's API.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=se
type ServiceEntry struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the entry as wished.
	Spec ServiceEntrySpec `json:"spec"`
	// Status says what became of it.
	Status Status `json:"status,omitempty"`
}

// ServiceEntryList is a list of ServiceEntries.
// +kubebuilder:object:root=true
type ServiceEntryList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ServiceEntry `json:"items"`
}

// ServiceEntrySpec is the entry as wished.
type ServiceEntrySpec struct {
	// Hosts are full names, each a service of its own. A wildcard may only be the
	// whole first label, never all of it.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Hosts []string `json:"hosts"`
	// Addresses are virtual IPs of the hosts, or CIDR blocks where resolution is
	// NONE or STATIC.
	// +kubebuilder:validation:MaxItems=256
	Addresses []string `json:"addresses,omitempty"`
	// Ports of the hosts.
	// +kubebuilder:validation:MaxItems=256
	Ports []ServicePort `json:"ports,omitempty"`
	// Location is MESH_EXTERNAL (the default) or MESH_INTERNAL.
	Location string `json:"location,omitempty"`
	// Resolution is NONE (the default): to the original destination; STATIC: to the
	// endpoints' IPs; DNS: to all IPs of the endpoints' names, or of the host where
	// there are none; DNS_ROUND_ROBIN: to the first IP of one name.
	Resolution string `json:"resolution,omitempty"`
	// Endpoints of the hosts. Not together with workloadSelector.
	// +kubebuilder:validation:MaxItems=4096
	Endpoints []WorkloadEntrySpec `json:"endpoints,omitempty"`
	// WorkloadSelector picks Pods and WorkloadEntries of the entry's namespace.
	WorkloadSelector *LabelSelector `json:"workloadSelector,omitempty"`
	// ExportTo lists the namespaces that see the hosts: names, "." for the entry's
	// own, or "*" alone for all. Absent: all.
	// +kubebuilder:validation:MaxItems=1024
	ExportTo []string `json:"exportTo,omitempty"`
	// SubjectAltNames are what certificates of the endpoints must show, where a
	// rule's tls gives none.
	// +kubebuilder:validation:MaxItems=256
	SubjectAltNames []string `json:"subjectAltNames,omitempty"`
}

// ServicePort is one port of a ServiceEntry.
type ServicePort struct {
	// Number is the port that clients ask for, 1..65535, unique in the entry.
	Number int64 `json:"number"`
	// Protocol is HTTP, HTTP2, GRPC, GRPC-WEB, TCP, TLS, HTTPS, MONGO or a like word.
	Protocol string `json:"protocol,omitempty"`
	// Name of the port, unique in the entry.
	Name string `json:"name"`
	// TargetPort is the endpoints' port, where they give none. Default: number.
	TargetPort int64 `json:"targetPort,omitempty"`
}

// LabelSelector picks workloads by their labels.
type LabelSelector struct {
	// Labels must all be carried, with exactly these values.
	Labels map[string]string `json:"labels,omitempty"`
}

// WorkloadEntry is one workload outside Kubernetes: a virtual machine, say.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=we
type WorkloadEntry struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the workload.
	Spec WorkloadEntrySpec `json:"spec"`
	// Status says what became of it.
	Status Status `json:"status,omitempty"`
}

// WorkloadEntryList is a list of WorkloadEntries.
// +kubebuilder:object:root=true
type WorkloadEntryList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WorkloadEntry `json:"items"`
}

// WorkloadEntrySpec is one workload: an object of its own, or an endpoint of a
// ServiceEntry.
type WorkloadEntrySpec struct {
	// Address is an IP, or a full name where the ServiceEntry resolves by DNS.
	Address string `json:"address,omitempty"`
	// Ports gives the workload's number of a port by its name. Default: the
	// ServiceEntry's targetPort.
	Ports map[string]int64 `json:"ports,omitempty"`
	// Labels of the workload.
	Labels map[string]string `json:"labels,omitempty"`
	// Network that the workload is in. Default: its label topology.istio.io/network.
	Network string `json:"network,omitempty"`
	// Locality is REGION[/ZONE[/SUBZONE]]. The label topology.istio.io/locality
	// overrides it.
	Locality string `json:"locality,omitempty"`
	// Weight is the workload's share beside others, 1..1000000; 0 drains it. Default 1.
	Weight *int64 `json:"weight,omitempty"`
	// ServiceAccount that the workload runs as.
	ServiceAccount string `json:"serviceAccount,omitempty"`
}
