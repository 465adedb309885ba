package translate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/coastwise/coastwise/translate/ingest"
	"github.com/coastwise/coastwise/translate/model"
)

// The claims of a client that can be checked against Nodes and Pods: what
// Client reports when they differ.
const (
	NodeClaim     = "node"
	LocalityClaim = "locality"
	LabelsClaim   = "labels"
)

// Client is the proxy behind a client's claims (semantics 1.2). Its Node is
// that of pod, the Pod that its id names (nil if there is none), else the one
// that it claims; a Node that is known decides the locality, else the claim
// counts. The region on which the Nodes of a zone agree completes a locality
// that has none (semantics 2.2). A verified client has the labels of its Pod, if that is
// known. differs lists the claims that say something else than what is known, in the
// order of the constants.
func Client(claims model.Proxy, nodes *ingest.Nodes, pod *corev1.Pod) (p model.Proxy, differs []string) {
	p = claims
	if pod != nil && pod.Spec.NodeName != "" {
		p.Node = pod.Spec.NodeName
		if claims.Node != "" && claims.Node != p.Node {
			differs = append(differs, NodeClaim)
		}
	}
	if nodes != nil {
		p.Locality = whereabouts(p, nodes)
		if contradicts(claims.Locality, p.Locality) {
			differs = append(differs, LocalityClaim)
		}
	}
	if claims.Verified && pod != nil {
		p.Labels = pod.Labels
		if !agree(claims.Labels, p.Labels) {
			differs = append(differs, LabelsClaim)
		}
	}
	return p, differs
}

// whereabouts is where a client is whose Node is as good as known.
func whereabouts(p model.Proxy, nodes *ingest.Nodes) model.Locality {
	l := p.Locality
	if n, ok := nodes.ByName[p.Node]; ok {
		l = n.Locality
	}
	if l.Region == "" && l.Zone != "" {
		l.Region = nodes.Regions[l.Zone]
	}
	return l
}

// agree says whether every label that the claim gives is true.
func agree(claim, truth map[string]string) bool {
	for key, value := range claim {
		if have, ok := truth[key]; !ok || have != value {
			return false
		}
	}
	return true
}

// contradicts says whether some part that the claim gives is not what is true.
func contradicts(claim, truth model.Locality) bool {
	return claim.Region != "" && claim.Region != truth.Region ||
		claim.Zone != "" && claim.Zone != truth.Zone ||
		claim.SubZone != "" && claim.SubZone != truth.SubZone
}

// UnknownPlace says that Nodes are known, and none is in the
// region or zone: a claim that is probably misspelt (semantics 1.2).
func UnknownPlace(l model.Locality, nodes *ingest.Nodes) bool {
	if len(nodes.ByName) == 0 || l.Empty() {
		return false
	}
	region, zone := l.Region == "", l.Zone == ""
	for _, n := range nodes.ByName {
		region = region || n.Locality.Region == l.Region
		zone = zone || n.Locality.Zone == l.Zone
	}
	return !region || !zone
}
