package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MeshConfig says what holds for all services. There is one, named default.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=mc,categories=coastwise
// +kubebuilder:printcolumn:name="Locality",type=boolean,JSONPath=`.spec.localityLbSetting.enabled`
// +kubebuilder:printcolumn:name="Suspended",type=boolean,JSONPath=`.spec.suspend`
// +kubebuilder:printcolumn:name="Programmed",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name == 'default'",message="the only MeshConfig is named default"
type MeshConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the mesh as wished.
	Spec MeshConfigSpec `json:"spec,omitempty"`
	// Status says what became of it.
	Status Status `json:"status,omitempty"`
}

// MeshConfigList is a list of MeshConfigs.
// +kubebuilder:object:root=true
type MeshConfigList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []MeshConfig `json:"items"`
}

// MeshConfigSpec is the mesh as wished.
type MeshConfigSpec struct {
	// RootNamespace is where rules for all namespaces stand. Default coastwise-system.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$`
	RootNamespace string `json:"rootNamespace,omitempty"`
	// Suspend makes every service one flat pool, whatever rules say; allowedRegions
	// and internalTrafficPolicy still hold. Default false.
	Suspend bool `json:"suspend,omitempty"`
	// LocalityLbSetting holds where neither a rule nor the service says anything.
	// Only enabled: true switches it on.
	LocalityLbSetting *LocalityLbSetting `json:"localityLbSetting,omitempty"`
	// ZoneAwareLbSetting beats localityLbSetting. Default: none.
	ZoneAwareLbSetting *ZoneAwareLbSetting `json:"zoneAwareLbSetting,omitempty"`
	// DefaultTrafficPolicy fills blocks that a service's policy lacks.
	DefaultTrafficPolicy *DefaultTrafficPolicy `json:"defaultTrafficPolicy,omitempty"`
	// ConnectTimeout of every cluster. Default 10s.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	ConnectTimeout *Duration `json:"connectTimeout,omitempty"`
	// TCPKeepalive of every cluster. Default: none.
	TCPKeepalive *TCPKeepalive `json:"tcpKeepalive,omitempty"`
	// H2UpgradePolicy is DO_NOT_UPGRADE (the default) or UPGRADE.
	// +kubebuilder:validation:Enum="";DO_NOT_UPGRADE;UPGRADE
	H2UpgradePolicy string `json:"h2UpgradePolicy,omitempty"`
	// DNSRefreshRate of hosts that are resolved by DNS. Default 60s.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('2ms')",message="at least 2ms"
	DNSRefreshRate *Duration `json:"dnsRefreshRate,omitempty"`
	// OutboundTrafficPolicy says what happens to traffic for unknown hosts.
	OutboundTrafficPolicy *OutboundTrafficPolicy `json:"outboundTrafficPolicy,omitempty"`
}

// DefaultTrafficPolicy fills blocks that a service's policy lacks.
type DefaultTrafficPolicy struct {
	// ConnectionPool where no rule gives one.
	ConnectionPool *ConnectionPool `json:"connectionPool,omitempty"`
	// OutlierDetection where no rule gives one.
	OutlierDetection *OutlierDetection `json:"outlierDetection,omitempty"`
}

// OutboundTrafficPolicy says what happens to traffic for unknown hosts.
type OutboundTrafficPolicy struct {
	// Mode is ALLOW_ANY (the default) or REGISTRY_ONLY.
	// +kubebuilder:validation:Enum="";ALLOW_ANY;REGISTRY_ONLY
	Mode string `json:"mode,omitempty"`
}
