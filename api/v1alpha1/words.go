package v1alpha1

// The words that fields share. They are aliases, so that code sees plain strings
// and numbers; their markers are rules of the CRDs, and translate/admit has the same.

// LabelValue is the value of a label: at most 63 letters, digits, "-", "_" and ".".
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`
type LabelValue = string

// NamespaceScope is a namespace, "." for the object's own, or "*" for all.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^(\.|\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$`
type NamespaceScope = string

// Region is the name of one region.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[^/*]+$`
type Region = string

// LocalityPattern is REGION[/ZONE[/SUBZONE]], where the last level may be "*".
// +kubebuilder:validation:MaxLength=191
// +kubebuilder:validation:Pattern=`^(\*|[^/*]+(/[^/*]+)?(/\*)?|[^/*]+(/[^/*]+){2})$`
type LocalityPattern = string

// PriorityLabel is LABEL or LABEL=VALUE.
// +kubebuilder:validation:MaxLength=381
// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?(=([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?)?$`
type PriorityLabel = string

// Share is a percentage of traffic, 1..100.
// +kubebuilder:validation:Minimum=1
// +kubebuilder:validation:Maximum=100
type Share = int32

// PortNumber is 1..65535.
// +kubebuilder:validation:Minimum=1
// +kubebuilder:validation:Maximum=65535
type PortNumber = int64

// EntryHost is a full name, or a wildcard whose first label is "*".
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^(\*|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+$`
// +kubebuilder:validation:XValidation:rule="!self.matches('[.][0-9]+$')",message="an IP stands in addresses or endpoints"
type EntryHost = string

// VirtualAddress is an IP or a CIDR block.
// +kubebuilder:validation:MaxLength=64
// +kubebuilder:validation:XValidation:rule="isIP(self) || isCIDR(self)",message="neither an IP nor a CIDR block"
// +kubebuilder:validation:XValidation:rule="!isIP(self) || ip(self).isGlobalUnicast() || ip(self).isLoopback() || ip(self).isLinkLocalUnicast()",message="is no host's address"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || cidr(self).masked().ip().isGlobalUnicast() || cidr(self).masked().ip().isLoopback() || cidr(self).masked().ip().isLinkLocalUnicast() || (cidr(self).masked().ip().isUnspecified() && cidr(self).prefixLength() < (cidr(self).ip().family() == 4 ? 32 : 128))",message="is no host's address"
type VirtualAddress = string

// AltName is a name in a certificate.
// +kubebuilder:validation:MinLength=1
type AltName = string
