package v1alpha1

// LoadBalancer says how an endpoint is picked for a request. Simple and
// consistentHash exclude each other.
// +kubebuilder:validation:XValidation:rule="!has(self.consistentHash) || !has(self.simple) || self.simple.size() == 0",message="consistentHash: not together with simple; keep one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.zoneAwareLbSetting) || !has(self.localityLbSetting)",message="zoneAwareLbSetting: not together with localityLbSetting in a rule; keep one of them"
type LoadBalancer struct {
	// Simple is LEAST_REQUEST (the default), ROUND_ROBIN, RANDOM or PASSTHROUGH.
	// UNSPECIFIED is the default; LEAST_CONN is the old name of LEAST_REQUEST.
	// +kubebuilder:validation:Enum="";LEAST_REQUEST;ROUND_ROBIN;RANDOM;PASSTHROUGH;UNSPECIFIED;LEAST_CONN
	Simple string `json:"simple,omitempty"`
	// ConsistentHash sends requests with an equal key to the same endpoint.
	ConsistentHash *ConsistentHash `json:"consistentHash,omitempty"`
	// LocalityLbSetting says which localities come first and what may take over.
	LocalityLbSetting *LocalityLbSetting `json:"localityLbSetting,omitempty"`
	// ZoneAwareLbSetting keeps traffic in its zone as far as capacity there allows.
	// In a rule not together with localityLbSetting.
	ZoneAwareLbSetting *ZoneAwareLbSetting `json:"zoneAwareLbSetting,omitempty"`
	// Warmup sends fewer requests to an endpoint that is new. ROUND_ROBIN and
	// LEAST_REQUEST only.
	Warmup *Warmup `json:"warmup,omitempty"`
	// WarmupDurationSecs is the old form of warmup.duration; warmup wins.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	WarmupDurationSecs *Duration `json:"warmupDurationSecs,omitempty"`
}

// ConsistentHash sends requests with an equal key to the same endpoint. Exactly
// one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName, and
// at most one of ringHash and maglev.
// +kubebuilder:validation:XValidation:rule="[has(self.httpHeaderName), has(self.httpCookie), has(self.useSourceIp), has(self.httpQueryParameterName)].filter(k, k).size() == 1",message="write exactly one of httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName"
// +kubebuilder:validation:XValidation:rule="!has(self.minimumRingSize) || (!has(self.ringHash) && !has(self.maglev))",message="minimumRingSize: not together with ringHash or maglev; write ringHash.minimumRingSize"
// +kubebuilder:validation:XValidation:rule="!has(self.maglev) || !has(self.ringHash)",message="maglev: not together with ringHash; keep one of them"
type ConsistentHash struct {
	// HTTPHeaderName hashes the value of this header.
	// +kubebuilder:validation:Pattern=`^:?[-!#$%&'*+.^_|~0-9A-Za-z\x60]{1,256}$`
	HTTPHeaderName *string `json:"httpHeaderName,omitempty"`
	// HTTPCookie hashes a cookie, which is made if it is absent and has a ttl.
	HTTPCookie *HTTPCookie `json:"httpCookie,omitempty"`
	// UseSourceIP hashes the client's address.
	// +kubebuilder:validation:XValidation:rule="self",message="false is no hash key; write true or remove it"
	UseSourceIP *bool `json:"useSourceIp,omitempty"`
	// HTTPQueryParameterName hashes the value of this query parameter.
	// +kubebuilder:validation:Pattern=`^[ -~]{1,256}$`
	HTTPQueryParameterName *string `json:"httpQueryParameterName,omitempty"`
	// RingHash is the default algorithm.
	RingHash *RingHash `json:"ringHash,omitempty"`
	// Maglev is faster and moves more keys when endpoints change.
	Maglev *Maglev `json:"maglev,omitempty"`
	// MinimumRingSize is the old form of ringHash.minimumRingSize; not together
	// with ringHash or maglev.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8388608
	MinimumRingSize *int64 `json:"minimumRingSize,omitempty"`
}

// HTTPCookie is the cookie that is hashed.
type HTTPCookie struct {
	// Name of the cookie; required.
	// +kubebuilder:validation:Pattern=`^[-!#$%&'*+.^_|~0-9A-Za-z\x60]{1,256}$`
	Name string `json:"name"`
	// Path of a cookie that is made.
	// +kubebuilder:validation:Pattern=`^[ -:<-~]{0,256}$`
	Path string `json:"path,omitempty"`
	// TTL of a cookie that is made; 0s makes a session cookie.
	TTL *Duration `json:"ttl,omitempty"`
	// Attributes of a cookie that is made; names are unique.
	// +listType=map
	// +listMapKey=name
	Attributes []HTTPCookieAttribute `json:"attributes,omitempty"`
}

// HTTPCookieAttribute is one attribute of a cookie.
type HTTPCookieAttribute struct {
	// Name such as SameSite; required.
	// +kubebuilder:validation:Pattern=`^[-!#$%&'*+.^_|~0-9A-Za-z\x60]{1,256}$`
	Name string `json:"name"`
	// Value such as Strict; may be absent.
	// +kubebuilder:validation:Pattern=`^[ -:<-~]{0,256}$`
	Value string `json:"value,omitempty"`
}

// RingHash sets the ring.
type RingHash struct {
	// MinimumRingSize is the least number of ring entries. Default 1024.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8388608
	MinimumRingSize *int64 `json:"minimumRingSize,omitempty"`
}

// Maglev sets the table.
type Maglev struct {
	// TableSize is a prime below 5000011. Default 65537.
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=5000010
	// +kubebuilder:validation:XValidation:rule="[2, 3, 5, 7, 11, 13].all(p, self == p || self % p != 0)",message="must be a prime, such as 65537"
	TableSize *int64 `json:"tableSize,omitempty"`
}

// LocalityLbSetting says which localities come first, what may take over, and
// which regions are allowed at all.
// +kubebuilder:validation:XValidation:rule="!has(self.failover) || self.failover.size() == 0 || !has(self.failoverPriority) || self.failoverPriority.all(l, !(l in ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone']) && !l.startsWith('topology.kubernetes.io/region=') && !l.startsWith('topology.kubernetes.io/zone=') && !l.startsWith('topology.istio.io/subzone='))",message="failoverPriority: labels of places are not allowed together with failover"
type LocalityLbSetting struct {
	// Enabled: in a rule, absent means true, and false means one flat pool. In
	// MeshConfig only true switches locality on.
	Enabled *bool `json:"enabled,omitempty"`
	// Distribute gives the localities named in it exact shares of the traffic of a
	// client locality. With failover or failoverPriority all others follow as lower
	// priorities; alone it is strict.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=from
	Distribute []Distribute `json:"distribute,omitempty"`
	// Failover names the region that takes over for a region. It orders, it never forbids.
	// +kubebuilder:validation:MaxItems=64
	Failover []Failover `json:"failover,omitempty"`
	// FailoverPriority orders endpoints by how many of these labels, from the
	// first, they share with the client; LABEL=VALUE compares with that value.
	// +kubebuilder:validation:MaxItems=32
	FailoverPriority []PriorityLabel `json:"failoverPriority,omitempty"`
	// AllowedRegions lists the only regions whose endpoints may ever be sent, also
	// with enabled: false. Absent allows all; an empty list is refused. Regions of
	// every rule for a host and of MeshConfig are intersected. New in coastwise.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:MinItems=1
	// +listType=set
	AllowedRegions []Region `json:"allowedRegions,omitempty" istio:"-"`
	// FailoverThreshold, 1..100: the percentage of healthy endpoints below which
	// traffic leaves a priority. Default: Envoy's 140 % overprovisioning, some 71.
	// New in coastwise.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	FailoverThreshold *int32 `json:"failoverThreshold,omitempty" istio:"-"`
}

// Distribute is the shares of one client locality.
type Distribute struct {
	// From is the client's locality: REGION[/ZONE[/SUBZONE]], where the last level
	// may be *. The most specific pattern counts.
	From LocalityPattern `json:"from"`
	// To maps destination patterns to percentages, each 1..100, together 100.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:XValidation:rule="self.map(k, self[k]).sum() == 100",message="the weights must be 100 together"
	To map[string]Share `json:"to"`
}

// Failover names the region that takes over for a region.
// +kubebuilder:validation:XValidation:rule="self.from != self.to",message="to is the same as from; name another region"
type Failover struct {
	// From is the client's region. The first entry for it counts.
	From Region `json:"from"`
	// To is the region that follows; not the same.
	To Region `json:"to"`
}

// ZoneAwareLbSetting keeps traffic in its zone as far as capacity there allows.
// +kubebuilder:validation:XValidation:rule="!has(self.failoverPriority) || self.failoverPriority.all(l, !(l in ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone']) && !l.startsWith('topology.kubernetes.io/region=') && !l.startsWith('topology.kubernetes.io/zone=') && !l.startsWith('topology.istio.io/subzone='))",message="failoverPriority: labels of places are not allowed in zoneAwareLbSetting, which orders regions itself"
type ZoneAwareLbSetting struct {
	// Enabled: absent means true.
	Enabled *bool `json:"enabled,omitempty"`
	// MinClusterSize is the least number of endpoints for it to act, at least 1. Default 6.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4294967295
	MinClusterSize *int64 `json:"minClusterSize,omitempty"`
	// Failover names the region that takes over for a region.
	// +kubebuilder:validation:MaxItems=64
	Failover []Failover `json:"failover,omitempty"`
	// FailoverPriority orders endpoints by labels, above regions.
	// +kubebuilder:validation:MaxItems=32
	FailoverPriority []PriorityLabel `json:"failoverPriority,omitempty"`
}

// Warmup sends fewer requests to an endpoint that is new.
type Warmup struct {
	// Duration of the warm-up; required.
	// +kubebuilder:validation:Required
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms')",message="at least 1ms"
	Duration *Duration `json:"duration,omitempty"`
	// MinimumPercent of its weight that an endpoint starts with, 0..100. Default 10.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MinimumPercent *float64 `json:"minimumPercent,omitempty"`
	// Aggression above 0 bends the curve; 1 is linear. Default 1.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:ExclusiveMinimum=true
	Aggression *float64 `json:"aggression,omitempty"`
}
