package ingest

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// reader reads the slices of one family into candidates.
type reader struct {
	Objects
	other    map[PodName][]string
	cut      []candidate
	problems []model.Problem
	gaps     []gap
}

// gap counts the endpoints of a slice or entry whose region is unknown.
type gap struct {
	object   model.ObjectRef
	field    string
	why      string
	unknown  int    // for ordering
	unfenced int    // for the fence
	first    string // address of the first of either
}

func (r *reader) read(slice int, s *discoveryv1.EndpointSlice) {
	g := gap{object: sliceRef(s), field: "endpoints", why: "neither their Node nor the Nodes of their zone say one"}
	for i := range s.Endpoints {
		ep := &s.Endpoints[i]
		address, ok := literal(s, ep)
		if !ok {
			r.problems = append(r.problems, badAddress(s, i))
			continue
		}
		e := r.endpoint(s, ep)
		e.Address = address
		g.count(e)
		r.cut = append(r.cut, candidate{
			Endpoint: e, terminating: terminating(ep.Conditions), slice: slice, index: i,
		})
	}
	if g.first != "" {
		r.gaps = append(r.gaps, g)
	}
}

// endpoint is all but address and port.
func (r *reader) endpoint(s *discoveryv1.EndpointSlice, ep *discoveryv1.Endpoint) model.Endpoint {
	name, named := podOf(s, ep)
	e := model.Endpoint{Workload: model.WorkloadName{Kind: model.SliceWorkload, Namespace: s.Namespace, Name: s.Name}}
	c := claims{}
	if named {
		e.Workload = podWorkload(name)
		c.pod = r.Pods[name]
		e.Additional = r.other[name]
	}
	if c.pod != nil {
		c.node = c.pod.Spec.NodeName
		e.Labels = c.pod.Labels
	}
	if ep.NodeName != nil && *ep.NodeName != "" {
		c.node = *ep.NodeName
	}
	c.node = plain(c.node)
	if ep.Zone != nil {
		c.zone = plain(*ep.Zone)
	}
	var badLabel bool
	e.Locality, badLabel = r.Nodes.locality(c)
	if badLabel {
		r.problems = append(r.problems, unreadableLabel(c.pod))
	}
	e.Region = r.Nodes.fenceRegion(c)
	e.Weight = 1
	e.State = state(ep.Conditions, c.pod)
	e.Node = c.node
	e.Network = network(c.pod, r.Namespace)
	r.Mesh.podTunnel(&e, c.pod)
	if ep.Hints != nil {
		e.ZoneHints = hinted(ep.Hints.ForZones, func(h discoveryv1.ForZone) string { return h.Name })
		e.NodeHints = hinted(ep.Hints.ForNodes, func(h discoveryv1.ForNode) string { return h.Name })
	}
	return e
}

// hinted is the names of hints, sorted, each once; nil if there is none.
func hinted[H any](hints []H, name func(H) string) []string {
	if len(hints) == 0 {
		return nil
	}
	out := make([]string, 0, len(hints))
	for _, h := range hints {
		if n := plain(name(h)); n != "" {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (g *gap) count(e model.Endpoint) {
	if e.Locality.Region == "" {
		g.unknown++
	}
	if e.Region == "" {
		g.unfenced++
	}
	if g.first == "" && (e.Locality.Region == "" || e.Region == "") {
		g.first = e.Address
	}
}

// problem is NoRegion: a warning where a fence drops what has no region.
func (g *gap) problem(fenced bool) (model.Problem, bool) {
	p := model.Problem{
		Object: g.object, Field: g.field, Severity: model.Info, Reason: model.NoRegion,
	}
	switch {
	case fenced && g.unfenced > 0:
		p.Severity = model.Warning
		p.Message = fmt.Sprintf("the region of %d endpoints (such as %s) is unknown: %s; they are not sent where only listed regions are allowed",
			g.unfenced, g.first, g.why)
	case g.unknown > 0:
		p.Message = fmt.Sprintf("the region of %d endpoints (such as %s) is unknown: %s", g.unknown, g.first, g.why)
	default:
		return model.Problem{}, false
	}
	return p, true
}

func badAddress(s *discoveryv1.EndpointSlice, i int) model.Problem {
	address := ""
	if all := s.Endpoints[i].Addresses; len(all) > 0 {
		address = all[0]
	}
	return model.Problem{
		Object: sliceRef(s), Field: fmt.Sprintf("endpoints[%d].addresses", i),
		Severity: model.Error, Reason: model.Invalid,
		Message: fmt.Sprintf("%q is no %s address; the endpoint is not sent", address, s.AddressType),
	}
}

func unreadableLabel(pod *corev1.Pod) model.Problem {
	return model.Problem{
		Object: model.ObjectRef{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name},
		Field:  "metadata.labels", Severity: model.Info, Reason: model.NoEffect,
		Message: fmt.Sprintf("locality label %q is not REGION[.ZONE[.SUBZONE]]; the pod's place is read elsewhere", localityLabel(pod)),
	}
}

func sliceRef(s *discoveryv1.EndpointSlice) model.ObjectRef {
	return model.ObjectRef{Kind: "EndpointSlice", Namespace: s.Namespace, Name: s.Name}
}
