package store

import (
	"cmp"
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// subZoneLabel is the Node label for the third part of a locality (semantics 2.1).
const subZoneLabel = "topology.istio.io/subzone"

// nodeIndex is what is known of Nodes: where each is, and how many Nodes of each
// zone name each region.
type nodeIndex struct {
	byName  map[string]model.Locality
	regions map[string]map[string]int // zone → region → Nodes
	frozen  *ingest.Nodes             // what all returned last; nil after a change
}

func newNodeIndex() nodeIndex {
	return nodeIndex{byName: map[string]model.Locality{}, regions: map[string]map[string]int{}}
}

// set gives a Node its place, nil if it is gone, and returns the zones whose
// agreement changed. changed is false if the Node is where it was.
func (n *nodeIndex) set(name string, place *model.Locality) (zones []string, changed bool) {
	old, had := n.byName[name]
	if had == (place != nil) && (!had || old == *place) {
		return nil, false
	}
	n.frozen = nil
	touched := []string{old.Zone}
	var now model.Locality
	if place != nil {
		now = *place
	}
	if now.Zone != old.Zone {
		touched = append(touched, now.Zone)
	}
	before := make([]string, len(touched))
	for i, zone := range touched {
		before[i] = n.agreed(zone)
	}
	n.count(old, -1)
	n.count(now, +1)
	delete(n.byName, name)
	if place != nil {
		n.byName[name] = now
	}
	for i, zone := range touched {
		if n.agreed(zone) != before[i] {
			zones = append(zones, zone)
		}
	}
	return zones, true
}

// count adds a Node's word on its zone. One without a zone or region has none:
// it neither agrees nor disagrees.
func (n *nodeIndex) count(l model.Locality, by int) {
	if l.Zone == "" || l.Region == "" {
		return
	}
	regions := n.regions[l.Zone]
	if regions == nil {
		regions = map[string]int{}
		n.regions[l.Zone] = regions
	}
	regions[l.Region] += by
	if regions[l.Region] == 0 {
		delete(regions, l.Region)
	}
	if len(regions) == 0 {
		delete(n.regions, l.Zone)
	}
}

// agreed is the one region that the Nodes of a zone name, or "" (semantics 2.1).
func (n *nodeIndex) agreed(zone string) string {
	regions := n.regions[zone]
	if len(regions) != 1 {
		return ""
	}
	for region := range regions {
		return region
	}
	return ""
}

// all is the frozen form, made when somebody asks and kept until a change.
func (n *nodeIndex) all() *ingest.Nodes {
	if n.frozen != nil {
		return n.frozen
	}
	n.frozen = &ingest.Nodes{ByName: make(map[string]ingest.Node, len(n.byName)), Regions: map[string]string{}}
	for name, l := range n.byName {
		n.frozen.ByName[name] = ingest.Node{Locality: l}
	}
	for zone := range maps.Keys(n.regions) {
		if region := n.agreed(zone); region != "" {
			n.frozen.Regions[zone] = region
		}
	}
	return n.frozen
}

// placeOf reads a Node's labels, the old names where the new ones are absent.
func placeOf(node *corev1.Node) *model.Locality {
	if node == nil {
		return nil
	}
	l := node.Labels
	return &model.Locality{
		Region:  cmp.Or(l[corev1.LabelTopologyRegion], l[corev1.LabelFailureDomainBetaRegion]),
		Zone:    cmp.Or(l[corev1.LabelTopologyZone], l[corev1.LabelFailureDomainBetaZone]),
		SubZone: l[subZoneLabel],
	}
}
