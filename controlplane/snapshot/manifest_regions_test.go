package snapshot

import (
	"cmp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/api/v1alpha1"
)

// oracleRegions are the regions that each address may be in, by what admitted Nodes
// and slices say.
func oracleRegions(ms []manifest) map[string][]string {
	place := map[string][2]string{} // node → region, zone
	votes := map[string]map[string]bool{}
	for _, m := range ms {
		if n, ok := m.result.Object.(*corev1.Node); ok {
			region, zone := n.Labels[corev1.LabelTopologyRegion], n.Labels[corev1.LabelTopologyZone]
			place[n.Name] = [2]string{region, zone}
			if votes[zone] == nil {
				votes[zone] = map[string]bool{}
			}
			votes[zone][region] = true
		}
	}
	agreed := func(zone string) string {
		named, last := 0, ""
		for region := range votes[zone] {
			if region != "" {
				named, last = named+1, region
			}
		}
		if zone == "" || named != 1 {
			return ""
		}
		return last
	}
	out := map[string][]string{}
	for _, m := range ms {
		for a, regions := range outside(m, place) {
			out[a] = append(out[a], regions...)
		}
		s, ok := m.result.Object.(*discoveryv1.EndpointSlice)
		if !ok {
			continue
		}
		for _, e := range s.Endpoints {
			node, zone := "", ""
			if e.NodeName != nil {
				node = *e.NodeName
			}
			if e.Zone != nil {
				zone = *e.Zone
			}
			at, known := place[node]
			region := agreed(zone)
			if known {
				region = cmp.Or(at[0], agreed(at[1]))
			}
			for _, a := range e.Addresses {
				out[a] = append(out[a], region)
			}
		}
	}
	return out
}

// outside are the regions of addresses that no slice has: of workloads, where their
// locality says it, and of Pods by their Node.
func outside(m manifest, place map[string][2]string) map[string][]string {
	out := map[string][]string{}
	add := func(w v1alpha1.WorkloadEntrySpec, labels map[string]string) {
		label := cmp.Or(labels["topology.istio.io/locality"], labels["istio-locality"],
			w.Labels["topology.istio.io/locality"], w.Labels["istio-locality"])
		region, _, _ := strings.Cut(cmp.Or(w.Locality, strings.ReplaceAll(label, ".", "/")), "/")
		address := strings.ToLower(w.Address)
		out[address] = append(out[address], region)
	}
	switch o := m.result.Object.(type) {
	case *v1alpha1.ServiceEntry:
		for _, w := range o.Spec.Endpoints {
			add(w, nil)
		}
	case *v1alpha1.WorkloadEntry:
		add(o.Spec, o.Labels)
	case *corev1.Pod:
		for _, ip := range o.Status.PodIPs {
			out[ip.IP] = append(out[ip.IP], place[o.Spec.NodeName][0])
		}
		out[o.Status.PodIP] = append(out[o.Status.PodIP], place[o.Spec.NodeName][0])
	}
	return out
}
