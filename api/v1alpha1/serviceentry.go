package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ServiceEntry makes hosts known that no Kubernetes Service declares: a database
// on virtual machines, or somebody else's API.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=se,categories=coastwise
// +kubebuilder:printcolumn:name="Hosts",type=string,JSONPath=`.spec.hosts`
// +kubebuilder:printcolumn:name="Resolution",type=string,JSONPath=`.spec.resolution`
// +kubebuilder:printcolumn:name="Programmed",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
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
// +kubebuilder:validation:XValidation:rule="!has(self.endpoints) || self.endpoints.size() == 0 || (has(self.resolution) && self.resolution.size() > 0 && self.resolution != 'NONE')",message="endpoints: not with resolution NONE, which goes where the client meant to go; write STATIC or DNS"
// +kubebuilder:validation:XValidation:rule="!has(self.endpoints) || self.endpoints.size() <= 1 || !has(self.resolution) || self.resolution != 'DNS_ROUND_ROBIN'",message="endpoints: with resolution DNS_ROUND_ROBIN at most 1"
// +kubebuilder:validation:XValidation:rule="!has(self.workloadSelector) || !has(self.endpoints) || self.endpoints.size() == 0",message="workloadSelector: not together with endpoints; keep one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.workloadSelector) || (has(self.resolution) && self.resolution in ['STATIC', 'DNS'])",message="workloadSelector: with resolution STATIC or DNS only"
// +kubebuilder:validation:XValidation:rule="!has(self.resolution) || !(self.resolution in ['DNS', 'DNS_ROUND_ROBIN']) || has(self.workloadSelector) || (has(self.endpoints) && self.endpoints.size() > 0) || self.hosts.all(h, !h.startsWith('*.'))",message="hosts: a wildcard has no address of its own: with resolution DNS it needs endpoints"
// +kubebuilder:validation:XValidation:rule="!has(self.resolution) || !(self.resolution in ['DNS', 'DNS_ROUND_ROBIN']) || !has(self.addresses) || self.addresses.all(a, isIP(a) || !isCIDR(a) || cidr(a).prefixLength() == (cidr(a).ip().family() == 4 ? 32 : 128))",message="addresses: with resolution DNS write single IPs; a CIDR block needs NONE or STATIC"
// +kubebuilder:validation:XValidation:rule="!has(self.resolution) || self.resolution != 'STATIC' || !has(self.endpoints) || self.endpoints.all(e, !has(e.address) || e.address.size() == 0 || isIP(e.address))",message="endpoints: with resolution STATIC write IPs, for names DNS"
// +kubebuilder:validation:XValidation:rule="(has(self.resolution) && self.resolution.size() > 0 && self.resolution != 'NONE') || !has(self.ports) || self.ports.all(p, !has(p.targetPort) || p.targetPort == 0)",message="ports: targetPort not with resolution NONE: the client's own destination counts"
// +kubebuilder:validation:XValidation:rule="!has(self.ports) || self.hosts.size() * self.ports.size() <= 1024",message="ports: hosts times ports are clusters, at most 1024: write several entries with the hosts that need each port"
// +kubebuilder:validation:XValidation:rule="!has(self.ports) || !has(self.endpoints) || self.hosts.size() * self.ports.size() * self.endpoints.size() <= 131072",message="endpoints: hosts times ports times endpoints are at most 131072: write several entries"
type ServiceEntrySpec struct {
	// Hosts are full names, each a service of its own. A wildcard may only be the
	// whole first label, never all of it.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +listType=set
	Hosts []EntryHost `json:"hosts"`
	// Addresses are virtual IPs of the hosts, or CIDR blocks where resolution is
	// NONE or STATIC.
	// +kubebuilder:validation:MaxItems=256
	// +listType=set
	Addresses []VirtualAddress `json:"addresses,omitempty"`
	// Ports of the hosts.
	// +kubebuilder:validation:MaxItems=256
	// +listType=map
	// +listMapKey=number
	// +kubebuilder:validation:XValidation:rule="self.all(p, self.exists_one(q, q.name == p.name))",message="each port has a name of its own"
	Ports []ServicePort `json:"ports,omitempty"`
	// Location is MESH_EXTERNAL (the default) or MESH_INTERNAL.
	// +kubebuilder:validation:Enum="";MESH_EXTERNAL;MESH_INTERNAL
	Location string `json:"location,omitempty"`
	// Resolution is NONE (the default): to the original destination; STATIC: to the
	// endpoints' IPs; DNS: to all IPs of the endpoints' names, or of the host where
	// there are none; DNS_ROUND_ROBIN: to the first IP of one name.
	// +kubebuilder:validation:Enum="";NONE;STATIC;DNS;DNS_ROUND_ROBIN
	Resolution string `json:"resolution,omitempty"`
	// Endpoints of the hosts. Not together with workloadSelector.
	// +kubebuilder:validation:MaxItems=4096
	Endpoints []WorkloadEntrySpec `json:"endpoints,omitempty"`
	// WorkloadSelector picks Pods and WorkloadEntries of the entry's namespace.
	WorkloadSelector *LabelSelector `json:"workloadSelector,omitempty"`
	// ExportTo lists the namespaces that see the hosts: names, "." for the entry's
	// own, or "*" alone for all. Absent: all.
	// +kubebuilder:validation:MaxItems=1024
	// +listType=set
	// +kubebuilder:validation:XValidation:rule="self.size() <= 1 || !('*' in self)",message="\"*\" stands alone; remove it or all others"
	ExportTo []NamespaceScope `json:"exportTo,omitempty"`
	// SubjectAltNames are what certificates of the endpoints must show, where a
	// rule's tls gives none.
	// +kubebuilder:validation:MaxItems=256
	SubjectAltNames []AltName `json:"subjectAltNames,omitempty"`
}

// ServicePort is one port of a ServiceEntry.
type ServicePort struct {
	// Number is the port that clients ask for, 1..65535, unique in the entry.
	Number PortNumber `json:"number"`
	// Protocol is HTTP, HTTP2, GRPC, GRPC-WEB, TCP, TLS, HTTPS, MONGO or a like word.
	// +kubebuilder:validation:Pattern=`^(?i:HTTP|HTTP2|GRPC|GRPC-WEB|HTTPS|TLS|TCP|MONGO|MYSQL|REDIS)?$`
	Protocol string `json:"protocol,omitempty"`
	// Name of the port, unique in the entry.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// TargetPort is the endpoints' port, where they give none. Default: number.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	TargetPort int64 `json:"targetPort,omitempty"`
}

// LabelSelector picks workloads by their labels.
type LabelSelector struct {
	// Labels must all be carried, with exactly these values.
	Labels map[string]LabelValue `json:"labels,omitempty"`
}

// WorkloadEntry is one workload outside Kubernetes: a virtual machine, say.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=we,categories=coastwise
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.spec.address`
// +kubebuilder:printcolumn:name="Locality",type=string,JSONPath=`.spec.locality`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
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
// +kubebuilder:validation:XValidation:rule="(has(self.address) && self.address.size() > 0) || (has(self.network) && self.network.size() > 0)",message="address is missing; write an IP, or a full name where the ServiceEntry resolves by DNS"
type WorkloadEntrySpec struct {
	// Address is an IP, or a full name where the ServiceEntry resolves by DNS.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || isIP(self) || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="neither an IP address nor a full name"
	// +kubebuilder:validation:XValidation:rule="isIP(self) || !self.matches('(^|[.])[0-9]+$')",message="neither an IP address nor a full name"
	// +kubebuilder:validation:XValidation:rule="!isIP(self) || ip(self).isGlobalUnicast() || ip(self).isLoopback() || ip(self).isLinkLocalUnicast()",message="an endpoint is one host's address"
	Address string `json:"address,omitempty"`
	// Ports gives the workload's number of a port by its name. Default: the
	// ServiceEntry's targetPort.
	Ports map[string]PortNumber `json:"ports,omitempty"`
	// Labels of the workload.
	Labels map[string]LabelValue `json:"labels,omitempty"`
	// Network that the workload is in. Default: its label topology.istio.io/network.
	Network LabelValue `json:"network,omitempty"`
	// Locality is REGION[/ZONE[/SUBZONE]]. The label topology.istio.io/locality
	// overrides it.
	// +kubebuilder:validation:MaxLength=189
	// +kubebuilder:validation:Pattern=`^([^/* \t\n]+(/[^/* \t\n]+){0,2})?$`
	Locality string `json:"locality,omitempty"`
	// Weight is the workload's share beside others, 1..1000000; 0 drains it. Default 1.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Weight *int64 `json:"weight,omitempty"`
	// ServiceAccount that the workload runs as.
	ServiceAccount string `json:"serviceAccount,omitempty"`
}
