package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DestinationRule says how clients reach one host: how requests are balanced,
// which endpoints come first and what may take over, how connections are pooled
// and secured, and which subsets the host has.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=dr,categories=coastwise
// +kubebuilder:printcolumn:name="Host",type=string,JSONPath=`.spec.host`
// +kubebuilder:printcolumn:name="Locality",type=string,JSONPath=`.spec.trafficPolicy.loadBalancer.localityLbSetting`
// +kubebuilder:printcolumn:name="Programmed",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type DestinationRule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the rule as wished.
	Spec DestinationRuleSpec `json:"spec"`
	// Status says what became of it.
	Status Status `json:"status,omitempty"`
}

// DestinationRuleList is a list of DestinationRules.
// +kubebuilder:object:root=true
type DestinationRuleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []DestinationRule `json:"items"`
}

// DestinationRuleSpec is the rule as wished.
// +kubebuilder:validation:XValidation:rule="!has(self.workloadSelector) || !has(self.exportTo) || self.exportTo.filter(n, n != '.').size() <= 1",message="exportTo: with workloadSelector a rule acts in its own namespace only; write \".\" or remove exportTo"
// +kubebuilder:validation:XValidation:rule="!has(self.workloadSelector) || !has(self.exportTo) || !('*' in self.exportTo)",message="exportTo: with workloadSelector a rule acts in its own namespace only; write \".\" or remove exportTo"
type DestinationRuleSpec struct {
	// Host is the service that the rule is for: reviews, reviews.default or
	// reviews.default.svc.cluster.local. A name without a dot is completed with
	// the rule's own namespace. A wildcard may only be the whole first label:
	// *.default.svc.cluster.local, or * for every host.
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^(\*|(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$`
	// +kubebuilder:validation:XValidation:rule="self.size() <= 253 || self.startsWith('*.')",message="at most 253 characters"
	Host string `json:"host"`
	// TrafficPolicy holds for every port and subset that has no policy of its own.
	TrafficPolicy *TrafficPolicy `json:"trafficPolicy,omitempty"`
	// Subsets are named parts of the host's endpoints. Each is a cluster of its own.
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	Subsets []Subset `json:"subsets,omitempty"`
	// ExportTo lists the namespaces whose clients the rule is for: names, "." for
	// the rule's own, or "*" alone for all. Absent: all.
	// +kubebuilder:validation:MaxItems=1024
	// +listType=set
	// +kubebuilder:validation:XValidation:rule="self.size() <= 1 || !('*' in self)",message="\"*\" stands alone; remove it or all others"
	ExportTo []NamespaceScope `json:"exportTo,omitempty"`
	// WorkloadSelector limits the rule to clients of its own namespace that carry
	// these labels. Absent: all clients.
	WorkloadSelector *WorkloadSelector `json:"workloadSelector,omitempty"`
}

// WorkloadSelector picks clients by their labels.
type WorkloadSelector struct {
	// MatchLabels must all be carried, with exactly these values.
	MatchLabels map[string]LabelValue `json:"matchLabels,omitempty"`
}

// Subset is a named part of a host's endpoints.
type Subset struct {
	// Name is part of the cluster's name: a DNS label, unique in the rule.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Labels pick the endpoints that carry all of them. Empty picks all.
	Labels map[string]LabelValue `json:"labels,omitempty"`
	// TrafficPolicy overrides the rule's, block by block. Blocks never merge.
	TrafficPolicy *TrafficPolicy `json:"trafficPolicy,omitempty"`
}

// TrafficPolicy is the settings for one host, or one subset of it. At least one
// field must be there.
// +kubebuilder:validation:XValidation:rule="has(self.loadBalancer) || has(self.connectionPool) || has(self.outlierDetection) || has(self.tls) || (has(self.portLevelSettings) && self.portLevelSettings.size() > 0) || has(self.tunnel) || has(self.proxyProtocol) || has(self.retryBudget)",message="is empty; write at least one field or remove it"
// +kubebuilder:validation:XValidation:rule="!has(self.tunnel) || !has(self.proxyProtocol)",message="proxyProtocol: not together with tunnel; keep one of them"
type TrafficPolicy struct {
	// LoadBalancer says how an endpoint is picked.
	LoadBalancer *LoadBalancer `json:"loadBalancer,omitempty"`
	// ConnectionPool limits connections and requests.
	ConnectionPool *ConnectionPool `json:"connectionPool,omitempty"`
	// OutlierDetection ejects endpoints that answer with errors.
	OutlierDetection *OutlierDetection `json:"outlierDetection,omitempty"`
	// TLS secures connections to the endpoints.
	TLS *TLS `json:"tls,omitempty"`
	// PortLevelSettings replace loadBalancer, connectionPool, outlierDetection and
	// tls wholesale for single ports.
	// +kubebuilder:validation:MaxItems=16
	PortLevelSettings []PortTrafficPolicy `json:"portLevelSettings,omitempty"`
	// Tunnel carries connections inside HTTP CONNECT or POST. Not together with
	// proxyProtocol.
	Tunnel *Tunnel `json:"tunnel,omitempty"`
	// ProxyProtocol puts a PROXY header before each connection.
	ProxyProtocol *ProxyProtocol `json:"proxyProtocol,omitempty"`
	// RetryBudget limits retries in proportion to requests.
	RetryBudget *RetryBudget `json:"retryBudget,omitempty"`
}

// PortTrafficPolicy is the settings for one port. At least one field beside port
// must be there.
// +kubebuilder:validation:XValidation:rule="has(self.loadBalancer) || has(self.connectionPool) || has(self.outlierDetection) || has(self.tls)",message="has no settings; write at least one of loadBalancer, connectionPool, outlierDetection, tls"
type PortTrafficPolicy struct {
	// Port is the service's port.
	// +kubebuilder:validation:Required
	Port *PortSelector `json:"port,omitempty"`
	// LoadBalancer says how an endpoint is picked.
	LoadBalancer *LoadBalancer `json:"loadBalancer,omitempty"`
	// ConnectionPool limits connections and requests.
	ConnectionPool *ConnectionPool `json:"connectionPool,omitempty"`
	// OutlierDetection ejects endpoints that answer with errors.
	OutlierDetection *OutlierDetection `json:"outlierDetection,omitempty"`
	// TLS secures connections to the endpoints.
	TLS *TLS `json:"tls,omitempty"`
}

// PortSelector names a port by its number.
type PortSelector struct {
	// Number is the service's port, 1..65535.
	// +kubebuilder:validation:Required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Number int32 `json:"number,omitempty"`
}

// Tunnel carries connections inside HTTP.
type Tunnel struct {
	// Protocol is CONNECT (the default) or POST.
	// +kubebuilder:validation:Enum="";CONNECT;POST
	Protocol string `json:"protocol,omitempty"`
	// TargetHost is where the tunnel ends: a full host name or an IP.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="isIP(self) || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="write a full host name or an IP"
	TargetHost string `json:"targetHost"`
	// TargetPort is the port there, 1..65535.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	TargetPort int32 `json:"targetPort"`
}

// ProxyProtocol puts a PROXY header before each connection.
type ProxyProtocol struct {
	// Version is V1 (the default) or V2.
	// +kubebuilder:validation:Enum="";V1;V2
	Version string `json:"version,omitempty"`
}

// RetryBudget limits retries in proportion to requests.
type RetryBudget struct {
	// Percent of active requests that may be retries, 0..100. Default 20.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percent *float64 `json:"percent,omitempty"`
	// MinRetryConcurrency is how many retries are always allowed. Default 3.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	MinRetryConcurrency *int64 `json:"minRetryConcurrency,omitempty"`
	// BudgetInterval is the window over which requests count. Default 0: only
	// those that are active.
	BudgetInterval *Duration `json:"budgetInterval,omitempty"`
}
