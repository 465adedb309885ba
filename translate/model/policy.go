package model

import "slices"

// PolicyID indexes Service.Policies.
type PolicyID int

// PolicyKey is what Select looks up: the class of the client, the port's number
// and the subset. The class is the namespace whose rules it sees ("" for every
// namespace that no rule for this host stands in or names), whether it is a
// waypoint (only where that makes a difference), and which workloadSelectors of
// its namespace it matches, as JoinSelectors writes them.
type PolicyKey struct {
	Namespace string
	Waypoint  bool
	Selectors string
	Port      uint32
	Subset    string
}

// Class is the key without port and subset.
func (k PolicyKey) Class() PolicyKey {
	k.Port, k.Subset = 0, ""
	return k
}

// Mode is how an assignment is made.
type Mode string

// The modes; semantics 7 says what each does with unready endpoints.
const (
	// Flat is one pool without preference.
	Flat Mode = "flat"
	// Hints follows EndpointSlice hints as kube-proxy does (semantics 5).
	Hints Mode = "hints"
	// Levels orders by the default levels of semantics 2.2, and by what the
	// setting says besides (semantics 6.1, 6.2).
	Levels Mode = "levels"
)

// Algorithm picks an endpoint inside the chosen priority and locality.
type Algorithm string

// The algorithms of loadBalancer.simple that are balanced by Envoy.
const (
	LeastRequest Algorithm = "LEAST_REQUEST"
	RoundRobin   Algorithm = "ROUND_ROBIN"
	Random       Algorithm = "RANDOM"
	// RingHash and Maglev are those of loadBalancer.consistentHash.
	RingHash Algorithm = "RING_HASH"
	Maglev   Algorithm = "MAGLEV"
	// Passthrough goes to the original destination: no load assignment.
	Passthrough Algorithm = "PASSTHROUGH"
)

// Policy is the settings resolved for one port and subset.
type Policy struct {
	Mode Mode
	// Setting says which setting won, for people: "rule default/reviews",
	// "spec.trafficDistribution", "hints", "mesh", "suspended", "none".
	Setting string
	// Rule is the winning DestinationRule; zero if none.
	Rule ObjectRef
	// Local is internalTrafficPolicy: Local (semantics 4.2).
	Local bool
	// Allowed is nil if every region is allowed.
	Allowed *Allowed
	// Failover maps a client's region to the one that follows it; nil if the
	// setting has no failover.
	Failover map[string]string
	// FailoverPriority makes tiers by labels, above the levels (semantics 6.1).
	FailoverPriority []PriorityLabel
	// Distribute is sorted by From; no From stands twice. With it the cluster
	// weighs localities (semantics 6.2, 6.3).
	Distribute []Distribute
	// DistributeAt is where Problems of Distribute are reported.
	DistributeAt Place
	// OverprovisioningFactor in percent: ceil(10000/failoverThreshold), or 140.
	OverprovisioningFactor uint32
	// MinHealthPercent is the panic threshold, 0..100 (semantics 7).
	MinHealthPercent uint32
	Algorithm        Algorithm
	// Cluster is what the cluster carries beside its endpoints.
	Cluster ClusterSettings
	// SubsetLabels filters endpoints; nil keeps all.
	SubsetLabels map[string]string
	// SubsetFrom is the rule that defines the subset, and where its labels stand; zero
	// for the service as a whole.
	SubsetFrom SubsetFrom
	// At says where its blocks stand.
	At Blocks
	// HintField is where HintsDropped is reported: metadata.annotations or
	// spec.trafficDistribution.
	HintField string
}

// DefaultOverprovisioningFactor is Envoy's own, in percent.
const DefaultOverprovisioningFactor = 140

// Allowed is the intersection of every allowedRegions that holds for one client,
// port and subset: the fence of semantics 4.1.
type Allowed struct {
	// Regions is sorted; empty allows nothing.
	Regions []string
	// From are the objects that took part, sorted, each with its field.
	From []AllowedFrom
}

// AllowedFrom is one allowedRegions as written.
type AllowedFrom struct {
	Object  ObjectRef
	Field   string
	Regions []string
}

// SubsetFrom is where a subset is defined.
type SubsetFrom struct {
	Object ObjectRef
	// Field is spec.subsets[i].labels.
	Field string
}

// Has says whether an endpoint of this region may be sent; unknown ("") never is.
func (a *Allowed) Has(region string) bool {
	return a == nil || region != "" && slices.Contains(a.Regions, region)
}

// Fence is what stands in the store for an object of ours that was refused and
// was never admitted before by this process (semantics 8.1): it forbids, and
// does nothing else.
type Fence struct {
	// Object is a DestinationRule or the MeshConfig.
	Object ObjectRef
	// Host is spec.host as written; "" for the MeshConfig.
	Host string
	// Field is where the regions stand, for Problems.
	Field string
	// AllowedRegions is sorted; empty allows no region. It is nil only for a
	// MeshConfig that has no such key: then any region is allowed.
	AllowedRegions []string
	// RootNamespace is the MeshConfig's, "" if it has none that can be read: without
	// it the fences of the rules there would be lost with it.
	RootNamespace string
}

// Equal says that two fences allow the same; nil allows all.
func (a *Allowed) Equal(b *Allowed) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Regions, b.Regions)
}
