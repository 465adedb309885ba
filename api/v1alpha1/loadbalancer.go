package v1alpha1

// LoadBalancer says how an endpoint is picked for a request. Simple and
// consistentHash exclude each other.
type LoadBalancer struct {
	// Simple is LEAST_REQUEST (the default), ROUND_ROBIN, RANDOM or PASSTHROUGH.
	// UNSPECIFIED is the default; LEAST_CONN is the old name of LEAST_REQUEST.
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
	WarmupDurationSecs *Duration `json:"warmupDurationSecs,omitempty"`
}

// ConsistentHash sends requests with an equal key to the same endpoint. Exactly
// one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName, and
// at most one of ringHash and maglev.
type ConsistentHash struct {
	// HTTPHeaderName hashes the value of this header.
	HTTPHeaderName *string `json:"httpHeaderName,omitempty"`
	// HTTPCookie hashes a cookie, which is made if it is absent and has a ttl.
	HTTPCookie *HTTPCookie `json:"httpCookie,omitempty"`
	// UseSourceIP hashes the client's address.
	UseSourceIP *bool `json:"useSourceIp,omitempty"`
	// HTTPQueryParameterName hashes the value of this query parameter.
	HTTPQueryParameterName *string `json:"httpQueryParameterName,omitempty"`
	// RingHash is the default algorithm.
	RingHash *RingHash `json:"ringHash,omitempty"`
	// Maglev is faster and moves more keys when endpoints change.
	Maglev *Maglev `json:"maglev,omitempty"`
	// MinimumRingSize is the old form of ringHash.minimumRingSize; not together
	// with ringHash or maglev.
	MinimumRingSize *int64 `json:"minimumRingSize,omitempty"`
}

// HTTPCookie is the cookie that is hashed.
type HTTPCookie struct {
	// Name of the cookie; required.
	Name string `json:"name"`
	// Path of a cookie that is made.
	Path string `json:"path,omitempty"`
	// TTL of a cookie that is made; 0s makes a session cookie.
	TTL *Duration `json:"ttl,omitempty"`
	// Attributes of a cookie that is made; names are unique.
	Attributes []HTTPCookieAttribute `json:"attributes,omitempty"`
}

// HTTPCookieAttribute is one attribute of a cookie.
type HTTPCookieAttribute struct {
	// Name such as SameSite; required.
	Name string `json:"name"`
	// Value such as Strict; may be absent.
	Value string `json:"value,omitempty"`
}

// RingHash sets the ring.
type RingHash struct {
	// MinimumRingSize is the least number of ring entries. Default 1024.
	MinimumRingSize *int64 `json:"minimumRingSize,omitempty"`
}

// Maglev sets the table.
type Maglev struct {
	// TableSize is a prime below 5000011. Default 65537.
	TableSize *int64 `json:"tableSize,omitempty"`
}

// LocalityLbSetting says which localities come first, what may take over, and
// which regions are allowed at all.
type LocalityLbSetting struct {
	// Enabled: in a rule, absent means true, and false means one flat pool. In
	// MeshConfig only true switches locality on.
	Enabled *bool `json:"enabled,omitempty"`
	// Distribute gives the localities named in it exact shares of the traffic of a
	// client locality. With failover or failoverPriority all others follow as lower
	// priorities; alone it is strict.
	// +kubebuilder:validation:MaxItems=64
	Distribute []Distribute `json:"distribute,omitempty"`
	// Failover names the region that takes over for a region. It orders, it never forbids.
	// +kubebuilder:validation:MaxItems=64
	Failover []Failover `json:"failover,omitempty"`
	// FailoverPriority orders endpoints by how many of these labels, from the
	// first, they share with the client; LABEL=VALUE compares with that value.
	// +kubebuilder:validation:MaxItems=32
	FailoverPriority []string `json:"failoverPriority,omitempty"`
	// AllowedRegions lists the only regions whose endpoints may ever be sent, also
	// with enabled: false. Absent allows all; an empty list is refused. Regions of
	// every rule for a host and of MeshConfig are intersected. New in coastwise.
	// +kubebuilder:validation:MaxItems=64
	AllowedRegions []string `json:"allowedRegions,omitempty" istio:"-"`
	// FailoverThreshold, 1..100: the percentage of healthy endpoints below which
	// traffic leaves a priority. Default: Envoy's 140 % overprovisioning, some 71.
	// New in coastwise.
	FailoverThreshold *int32 `json:"failoverThreshold,omitempty" istio:"-"`
}

// Distribute is the shares of one client locality.
type Distribute struct {
	// From is the client's locality: REGION[/ZONE[/SUBZONE]], where the last level
	// may be *. The most specific pattern counts.
	From string `json:"from"`
	// To maps destination patterns to percentages, each 1..100, together 100.
	// +kubebuilder:validation:MaxProperties=64
	To map[string]int32 `json:"to"`
}

// Failover names the region that takes over for a region.
type Failover struct {
	// From is the client's region. The first entry for it counts.
	From string `json:"from"`
	// To is the region that follows; not the same.
	To string `json:"to"`
}

// ZoneAwareLbSetting keeps traffic in its zone as far as capacity there allows.
type ZoneAwareLbSetting struct {
	// Enabled: absent means true.
	Enabled *bool `json:"enabled,omitempty"`
	// MinClusterSize is the least number of endpoints for it to act, at least 1. Default 6.
	MinClusterSize *int64 `json:"minClusterSize,omitempty"`
	// Failover names the region that takes over for a region.
	// +kubebuilder:validation:MaxItems=64
	Failover []Failover `json:"failover,omitempty"`
	// FailoverPriority orders endpoints by labels, above regions.
	// +kubebuilder:validation:MaxItems=32
	FailoverPriority []string `json:"failoverPriority,omitempty"`
}

// Warmup sends fewer requests to an endpoint that is new.
type Warmup struct {
	// Duration of the warm-up; required.
	Duration *Duration `json:"duration,omitempty"`
	// MinimumPercent of its weight that an endpoint starts with, 0..100. Default 10.
	MinimumPercent *float64 `json:"minimumPercent,omitempty"`
	// Aggression above 0 bends the curve; 1 is linear. Default 1.
	Aggression *float64 `json:"aggression,omitempty"`
}
