package store

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// subZoneLabel is the Node label for the third part of a locality (semantics 2.1).
const subZoneLabel = "topology.istio.io/subzone"

// nodeIndex is what is known of Nodes, and how many Nodes of each zone name each region.
type nodeIndex struct {
	byName  map[string]ingest.Node
	regions map[string]map[string]int // zone → region → Nodes
	frozen  *ingest.Nodes             // what all returned last; nil after a change
}

func newNodeIndex() nodeIndex {
	return nodeIndex{byName: map[string]ingest.Node{}, regions: map[string]map[string]int{}}
}

// set says what a Node is, nil if it is gone, and returns the zones whose agreement
// changed. changed is false if the Node is what it was, moved if it is where it was.
func (n *nodeIndex) set(name string, node *ingest.Node) (zones []string, changed, moved bool) {
	before, had := n.byName[name]
	if had == (node != nil) && (!had || before == *node) {
		return nil, false, false
	}
	n.frozen = nil
	delete(n.byName, name)
	var now model.Locality
	if node != nil {
		n.byName[name] = *node
		now = node.Locality
	}
	if had == (node != nil) && before.Locality == now {
		return nil, true, false
	}
	return n.move(before.Locality, now), true, true
}

// move takes a Node's word from one place to another, and returns the zones whose
// agreement changed.
func (n *nodeIndex) move(old, now model.Locality) (zones []string) {
	touched := []string{old.Zone}
	if now.Zone != old.Zone {
		touched = append(touched, now.Zone)
	}
	before := make([]string, len(touched))
	for i, zone := range touched {
		before[i] = n.agreed(zone)
	}
	n.count(old, -1)
	n.count(now, +1)
	for i, zone := range touched {
		if n.agreed(zone) != before[i] {
			zones = append(zones, zone)
		}
	}
	return zones
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
	maps.Copy(n.frozen.ByName, n.byName)
	for zone := range maps.Keys(n.regions) {
		if region := n.agreed(zone); region != "" {
			n.frozen.Regions[zone] = region
		}
	}
	return n.frozen
}

// nodeOf reads a Node: its place by its labels, the old names where the new ones are
// absent.
func nodeOf(node *corev1.Node) *ingest.Node {
	if node == nil {
		return nil
	}
	l := node.Labels
	_, controlPlane := l["node-role.kubernetes.io/control-plane"]
	_, master := l["node-role.kubernetes.io/master"]
	return &ingest.Node{
		Locality: model.Locality{
			Region:  cmp.Or(l[corev1.LabelTopologyRegion], l[corev1.LabelFailureDomainBetaRegion]),
			Zone:    cmp.Or(l[corev1.LabelTopologyZone], l[corev1.LabelFailureDomainBetaZone]),
			SubZone: l[subZoneLabel],
		},
		MilliCPU: node.Status.Allocatable.Cpu().MilliValue(),
		Counts: !controlPlane && !master && slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		}),
	}
}
