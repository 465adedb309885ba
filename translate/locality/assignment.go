package locality

import (
	"strconv"

	"github.com/coastwise/coastwise/translate/model"
)

// Assignment is a ClusterLoadAssignment before encoding.
type Assignment struct {
	// OverprovisioningFactor in percent; Envoy's own is 140.
	OverprovisioningFactor uint32
	// Weighted switches Envoy's locality weighting on: weights carry meaning
	// (semantics 6.3).
	Weighted bool
	// Algorithm is what the clients balance by, which says what an endpoint's weight
	// means to them, and what a locality's does where endpoints are not healthy.
	Algorithm model.Algorithm
	// Groups are sorted by priority, then locality. Priorities are dense from
	// 0, a locality stands once in a priority, no group is empty.
	Groups []Group
	// LeftOut says which endpoints are not sent, and why; sorted by address.
	LeftOut []LeftOut
	// Notes become Problems on the objects that the policy names.
	Notes []Note
}

// Group is one LocalityLbEndpoints.
type Group struct {
	Priority uint32
	Locality model.Locality
	// Weight is the decision: the share of 10,000 where the reason is Listed, 0 if
	// it rounds to that; else the sum of the endpoints' weights. The wire carries at
	// least 1.
	Weight    uint32
	Endpoints []Endpoint
	Reason    Reason
}

// Endpoint is one LbEndpoint.
type Endpoint struct {
	Address    string
	Additional []string
	Port       uint32
	// Weight is at least 1.
	Weight  uint32
	Healthy bool
	// HBONE and Identity are those of the model.Endpoint.
	HBONE    bool
	Identity string
}

// Reason says why a group stands at its priority; a contract of `translate -o json`.
type Reason string

// LabelTier is the reason of a class by failoverPriority; with failover the
// level inside it follows after a comma.
func LabelTier(n int) Reason { return Reason("label tier " + strconv.Itoa(n)) }

// The other reasons of a group.
const (
	SameSubZone     Reason = "same sub-zone"
	SameZone        Reason = "same zone"
	SameRegion      Reason = "same region"
	FailoverRegion  Reason = "failover region"
	OtherRegion     Reason = "other region"
	LocalityUnknown Reason = "locality unknown"
	SameNode        Reason = "same node"
	Hinted          Reason = "hinted"
	Listed          Reason = "listed"
	FlatPool        Reason = "flat"
)

// LeftOut is an endpoint that is not sent.
type LeftOut struct {
	Address string
	Port    uint32
	Reason  string
}

// The reasons for leaving an endpoint out.
const (
	RegionNotAllowed = "region not allowed"
	RegionUnknown    = "region unknown, and only listed regions are allowed"
	OtherNode        = "on another node"
	OtherSubset      = "not in the subset"
	NotReady         = "not ready"
	IsTerminating    = "terminating"
	WasNeverReady    = "never ready"
	SliceBehind      = "not ready by its slice, ready by its pod"
	Drained          = "drained: weight 0"
	NotListed        = "in no locality that distribute lists"
)

// Note is something that the user should hear about this assignment. Reason is
// NothingAllowed, EmptySubset, NoNode, HintsDropped, NoLocality, NothingListed or
// ClientCannot: of weights that the clients do not look at.
type Note struct {
	Reason  model.Reason
	Message string
	// Safeguard is given with HintsDropped.
	Safeguard model.Safeguard
}
