package admit

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// maxWeight bounds the share of one endpoint (semantics 6.5).
const maxWeight = 1_000_000

// workloadEntry checks a WorkloadEntry (reference/destination-rule.md 2.9). Whether
// a name can be its address hangs on the ServiceEntries that select it.
func (r *report) workloadEntry(e *v1alpha1.WorkloadEntry) {
	r.workload("spec", &e.Spec)
}

// entryEndpoints checks the endpoints that stand in a ServiceEntry.
func (r *report) entryEndpoints(p path, spec *v1alpha1.ServiceEntrySpec) {
	if !r.atMost(p, len(spec.Endpoints), maxEntryEndpoints) || len(spec.Endpoints) == 0 {
		return
	}
	switch {
	case isNone(spec):
		r.invalid(p, "not with resolution NONE, which goes where the client meant to go; write STATIC or DNS")
	case spec.Resolution == resolutionRoundRobin && len(spec.Endpoints) > 1:
		r.invalid(p, "has %d entries; with resolution DNS_ROUND_ROBIN at most 1", len(spec.Endpoints))
	}
	names := make([]string, 0, len(spec.Ports))
	for _, port := range spec.Ports {
		names = append(names, port.Name)
	}
	for i := range spec.Endpoints {
		e := &spec.Endpoints[i]
		at := p.index(i)
		r.workload(at, e)
		if spec.Resolution == resolutionStatic && isName(e.Address) && !r.isWrong(at.child("address")) {
			r.invalid(at.child("address"), "%q is no IP address; with resolution STATIC write IPs, for names DNS", clip(e.Address))
		}
		for _, name := range slices.Sorted(maps.Keys(e.Ports)) {
			if !slices.Contains(names, name) && !r.isCovered("spec.ports") {
				r.add(model.Info, model.NoEffect, at.child("ports").key(name), "the entry has no port of this name%s", suggestion(name, names))
			}
		}
	}
	r.sockets(p, spec)
}

// sockets are refused where they stand twice behind one port.
func (r *report) sockets(p path, spec *v1alpha1.ServiceEntrySpec) {
	type socket struct {
		port    int
		address string
		number  int64
	}
	first := map[socket]int{}
	for i := range spec.Endpoints {
		e := &spec.Endpoints[i]
		if e.Address == "" {
			continue
		}
		for k, port := range spec.Ports {
			s := socket{k, e.Address, e.TargetOf(port)}
			if ip, err := netip.ParseAddr(e.Address); err == nil {
				s.address = ip.String()
			}
			if earlier, ok := first[s]; ok {
				r.invalid(p.index(i).child("address"), "%s port %d stands twice; it is already endpoint %d", clip(e.Address), s.number, earlier)
				break
			}
			first[s] = i
		}
	}
}

// isName says that an address is not meant to be an IP.
func isName(address string) bool {
	_, err := netip.ParseAddr(address)
	return address != "" && err != nil
}

// unixScheme begins the address of a socket in the file system of the proxy.
const unixScheme = "unix:"

// workload checks what an endpoint and a WorkloadEntry have in common.
func (r *report) workload(p path, w *v1alpha1.WorkloadEntrySpec) {
	r.workloadAddress(p.child("address"), w)
	for _, name := range slices.Sorted(maps.Keys(w.Ports)) {
		at := p.child("ports").key(name)
		r.dnsLabel(at, name)
		number := w.Ports[name]
		between(r, at, &number, 1, 65535)
	}
	r.labels(p.child("labels"), w.Labels)
	r.labelValue(p.child("network"), w.Network)
	if w.Locality != "" {
		r.place(p.child("locality"), w.Locality)
	}
	between(r, p.child("weight"), w.Weight, 0, maxWeight)
	if w.ServiceAccount != "" && w.Labels["networking.coastwise.dev/tunnel"] == "" && w.Labels["networking.istio.io/tunnel"] == "" {
		r.notHonoured(p.child("serviceAccount"), "is not honoured: there is no mesh CA whose certificates would name it; write subjectAltNames")
	}
}

func (r *report) workloadAddress(p path, w *v1alpha1.WorkloadEntrySpec) {
	ip, err := netip.ParseAddr(w.Address)
	switch {
	case w.Address == "" && w.Network == "":
		r.invalid(p, "is missing; write an IP, or a full name where the ServiceEntry resolves by DNS")
	case w.Address == "":
		r.notHonoured(p, "is empty, which means the gateway of network %s, and none is declared; the endpoint is left out", clip(w.Network))
	case strings.HasPrefix(w.Address, unixScheme):
		r.invalid(p, "%q is not allowed: a path in the proxy's file system cannot be named; write an IP or a full name", clip(w.Address))
	case err != nil && (len(validation.IsDNS1123Subdomain(w.Address)) > 0 || isNumber(w.Address)):
		r.invalid(p, "%q is neither an IP address nor a full name", clip(w.Address))
	case err != nil:
	case ip.Zone() != "" || ip.Is4In6():
		r.invalid(p, "%q is no IP address", clip(w.Address))
	case ip.IsUnspecified(), ip.IsMulticast(), ip == broadcast():
		r.invalid(p, "%q is not allowed: an endpoint is one host's address", clip(w.Address))
	}
}

// place checks REGION[/ZONE[/SUBZONE]] of one place.
func (r *report) place(p path, s string) {
	if _, ok := model.ParseLocality(s); !ok || strings.ContainsAny(s, "* \t\n") || len(s) > 3*validation.LabelValueMaxLength {
		r.invalid(p, "%q is no place: write REGION[/ZONE[/SUBZONE]], without \"*\"", clip(s))
	}
}
