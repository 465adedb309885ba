package ingest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/coastwise/coastwise/translate/model"
)

// candidate is one endpoint of one slice, before it is joined to a port.
type candidate struct {
	model.Endpoint
	terminating bool
	slice       int // index in joined.slices; with the index in the slice it breaks ties
	index       int
}

// joined is every endpoint of the Service's first family (semantics 2.5).
type joined struct {
	slices []*discoveryv1.EndpointSlice // of the family, by name
	// order is by address; of one address the preferred endpoint first
	// (reference/kubernetes.md 2, join).
	order    []*candidate
	problems []model.Problem
	gaps     []gap
}

// join reads all slices of the first family.
func join(o Objects) joined {
	all := slices.Clone(o.Slices)
	slices.SortFunc(all, func(a, b *discoveryv1.EndpointSlice) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	family := firstFamily(o.Service, all)
	var j joined
	total := 0
	for _, s := range all {
		if s.AddressType == family {
			j.slices = append(j.slices, s)
			total += len(s.Endpoints)
		}
	}
	r := reader{Objects: o, other: otherAddresses(all, family), cut: make([]candidate, 0, total)}
	for i, s := range j.slices {
		r.read(i, s)
	}
	j.problems, j.gaps = r.problems, r.gaps
	j.order = make([]*candidate, len(r.cut))
	for i := range r.cut {
		j.order[i] = &r.cut[i]
	}
	slices.SortFunc(j.order, preferred)
	return j
}

// firstFamily is ipFamilies[0], else IPv4 if a slice has it, else IPv6.
func firstFamily(svc *corev1.Service, all []*discoveryv1.EndpointSlice) discoveryv1.AddressType {
	if len(svc.Spec.IPFamilies) > 0 {
		return discoveryv1.AddressType(svc.Spec.IPFamilies[0])
	}
	for _, s := range all {
		if s.AddressType == discoveryv1.AddressTypeIPv4 {
			return discoveryv1.AddressTypeIPv4
		}
	}
	return discoveryv1.AddressTypeIPv6
}

// preferred orders by address; endpoints with one address by not terminating
// first, then slice, then index.
func preferred(a, b *candidate) int {
	if c := strings.Compare(a.Address, b.Address); c != 0 {
		return c
	}
	return cmp.Or(compareBool(a.terminating, b.terminating), cmp.Compare(a.slice, b.slice), cmp.Compare(a.index, b.index))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// endpoints are those behind one port of the Service: slices match by the
// port's name and give the number.
func (j *joined) endpoints(port corev1.ServicePort) []model.Endpoint {
	numbers := make([]uint32, len(j.slices))
	for i, s := range j.slices {
		numbers[i] = slicePort(s, port.Name)
	}
	out := make([]model.Endpoint, 0, len(j.order))
	sorted := true
	for _, c := range j.order {
		number := numbers[c.slice]
		if number == 0 || stands(out, c.Address, number) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Address == c.Address {
			sorted = false // one address behind several numbers
		}
		out = append(out, c.Endpoint)
		out[len(out)-1].Port = number
	}
	if !sorted {
		slices.SortFunc(out, byAddress)
	}
	return out
}

// unmatched tells of TCP ports that have no endpoints because no slice has a port
// of their name: a name that differs between Service and slice is easily written.
func (j *joined) unmatched(svc *corev1.Service) []model.Problem {
	var out []model.Problem
	for i, port := range svc.Spec.Ports {
		matches := func(s *discoveryv1.EndpointSlice) bool { return slicePort(s, port.Name) != 0 }
		if len(j.order) == 0 || !isTCP(port) || slices.ContainsFunc(j.slices, matches) {
			continue
		}
		out = append(out, model.Problem{
			Object: serviceRef(svc), Field: fmt.Sprintf("spec.ports[%d].name", i), Severity: model.Info, Reason: model.NoEffect,
			Message: fmt.Sprintf("no EndpointSlice has a TCP port named %q, so port %d has no endpoints; they have %s", port.Name, port.Port, j.portNames()),
		})
	}
	return out
}

func (j *joined) portNames() string {
	var names []string
	for _, s := range j.slices {
		for _, p := range s.Ports {
			name := ""
			if p.Name != nil {
				name = *p.Name
			}
			names = append(names, strconv.Quote(name))
		}
	}
	slices.Sort(names)
	return cmp.Or(strings.Join(slices.Compact(names), ", "), "no ports")
}

// slicePort is the number of the slice's TCP port of that name, 0 if it has none.
func slicePort(s *discoveryv1.EndpointSlice, name string) uint32 {
	for _, p := range s.Ports {
		tcp := p.Protocol == nil || *p.Protocol == corev1.ProtocolTCP || *p.Protocol == ""
		named := p.Name == nil && name == "" || p.Name != nil && *p.Name == name
		if tcp && named && p.Port != nil && *p.Port > 0 && *p.Port <= 65535 {
			return uint32(*p.Port)
		}
	}
	return 0
}

// stands says whether out, in the order of addresses, ends with this address and port.
func stands(out []model.Endpoint, address string, port uint32) bool {
	for i := len(out) - 1; i >= 0 && out[i].Address == address; i-- {
		if out[i].Port == port {
			return true
		}
	}
	return false
}

func byAddress(a, b model.Endpoint) int {
	return cmp.Or(strings.Compare(a.Address, b.Address), cmp.Compare(a.Port, b.Port))
}

// otherAddresses is the address that each pod has in the family that is not
// judged; nil if there is none.
func otherAddresses(all []*discoveryv1.EndpointSlice, family discoveryv1.AddressType) map[PodName][]string {
	var out map[PodName][]string
	leaving := map[PodName]bool{}
	for _, s := range all { // by name, so that the first of equals stays
		if s.AddressType == family || s.AddressType == discoveryv1.AddressTypeFQDN {
			continue
		}
		for i := range s.Endpoints {
			ep := &s.Endpoints[i]
			pod, named := podOf(s, ep)
			address, ok := literal(s, ep)
			if !ok || !named || out[pod] != nil && (!leaving[pod] || terminating(ep.Conditions)) {
				continue
			}
			if out == nil {
				out = map[PodName][]string{}
			}
			out[pod] = []string{address}
			leaving[pod] = terminating(ep.Conditions)
		}
	}
	return out
}

// podOf is the pod that the endpoint's targetRef names.
func podOf(s *discoveryv1.EndpointSlice, ep *discoveryv1.Endpoint) (PodName, bool) {
	ref := ep.TargetRef
	if ref == nil || ref.Kind != "Pod" || ref.Name == "" {
		return PodName{}, false
	}
	return PodName{Namespace: cmp.Or(ref.Namespace, s.Namespace), Name: ref.Name}, true
}

// literal is the endpoint's first address in its canonical form, if it is a
// literal address of the slice's family.
func literal(s *discoveryv1.EndpointSlice, ep *discoveryv1.Endpoint) (string, bool) {
	if len(ep.Addresses) == 0 {
		return "", false
	}
	a, err := netip.ParseAddr(ep.Addresses[0])
	switch {
	case err != nil || a.Zone() != "" || a.Is4In6():
		return "", false
	case s.AddressType == discoveryv1.AddressTypeIPv4:
		return ep.Addresses[0], a.Is4()
	case s.AddressType == discoveryv1.AddressTypeIPv6:
		return a.String(), a.Is6()
	}
	return "", false
}
