package ingest

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/coastwise/coastwise/translate/model"
)

// overloadThreshold is by how much the controller lets a zone's endpoints carry more
// than the zone's share of CPU.
const overloadThreshold float64 = 0.2

// autoRefusal says why the controller wrote no hint for topology-mode: Auto, as far
// as that can be seen from Nodes and slices (reference/kubernetes.md 6.2). It decides
// nothing: hints are read from the slices alone.
func (j *joined) autoRefusal(nodes *Nodes) (string, model.Safeguard) {
	why, safeguard := j.refusal(nodes)
	return "topology-mode: Auto, but no endpoint has a hint: one flat pool; " + why, safeguard
}

func (j *joined) refusal(nodes *Nodes) (string, model.Safeguard) {
	shares, why := nodes.shares()
	if why != "" {
		return why, model.NodeInfo
	}
	ready, bare := j.readyInSlices()
	if len(shares) > ready {
		return fmt.Sprintf("%d ready endpoints are fewer than the %d zones", ready, len(shares)), model.TooFewEndpoints
	}
	least := 0
	for _, zone := range slices.Sorted(maps.Keys(shares)) {
		least += int(math.Ceil(shares[zone] * float64(ready) * (1 / (1 + overloadThreshold))))
	}
	if least > ready {
		return fmt.Sprintf("overload: %d ready endpoints cannot be split over %d zones so that none carries 20 %% more than its share of CPU; that would take %d",
			ready, len(shares), least), model.Overload
	}
	if bare != "" {
		return "the ready endpoint " + bare + " has no zone", model.EndpointWithoutZone
	}
	return "nothing here forbids it, so the controller has yet to look again: a change of the Service or of its Pods makes it", model.NoHints
}

// shares are the zones' shares of all allocatable CPU; why says what is missing.
func (n *Nodes) shares() (shares map[string]float64, why string) {
	if n == nil {
		n = &Nodes{}
	}
	byZone := map[string]int64{}
	total := int64(0)
	for _, name := range slices.Sorted(maps.Keys(n.ByName)) {
		node := n.ByName[name]
		switch {
		case !node.Counts:
		case node.Locality.Zone == "":
			return nil, "the Node " + name + " has no zone"
		case node.MilliCPU == 0:
			return nil, "the Node " + name + " has no allocatable CPU"
		default:
			byZone[node.Locality.Zone] += node.MilliCPU
			total += node.MilliCPU
		}
	}
	switch len(byZone) {
	case 0:
		return nil, "no Node that is no control plane is known to be Ready"
	case 1:
		return nil, "all ready Nodes are in one zone, and it takes two"
	}
	shares = map[string]float64{}
	for zone, cpu := range byZone {
		shares[zone] = float64(cpu) / float64(total)
	}
	return shares, ""
}

// readyInSlices counts the endpoints that the controller calls ready, an absent
// condition not among them, and names the first without a zone.
func (j *joined) readyInSlices() (ready int, bare string) {
	for _, s := range j.slices {
		for i := range s.Endpoints {
			e := &s.Endpoints[i]
			if e.Conditions.Ready == nil || !*e.Conditions.Ready {
				continue
			}
			ready++
			if bare == "" && (e.Zone == nil || *e.Zone == "") && len(e.Addresses) > 0 {
				bare = e.Addresses[0]
			}
		}
	}
	return ready, bare
}
