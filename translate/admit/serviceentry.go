package admit

import (
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/coastwise/coastwise/api/v1alpha1"
	"github.com/coastwise/coastwise/translate/model"
)

// What one ServiceEntry may have: each host is a service of its own, and each
// port a cluster of it.
const (
	maxHosts          = 256
	maxVirtualIPs     = 256
	maxEntryPorts     = 256
	maxEntryEndpoints = 4096
	maxAltNames       = 256
)

// What the numbers of one ServiceEntry may come to together, since each host has
// every port, and each of these every endpoint: hosts × ports are clusters, and they
// times endpoints what one client may be sent.
const (
	maxEntryClusters = 1024
	maxEntrySockets  = 128 << 10
)

// The words of spec.resolution.
const (
	resolutionNone       = "NONE"
	resolutionStatic     = "STATIC"
	resolutionDNS        = "DNS"
	resolutionRoundRobin = "DNS_ROUND_ROBIN"
	resolutionDynamic    = "DYNAMIC_DNS"
)

// serviceEntry checks a ServiceEntry (reference/destination-rule.md 2.9), then
// what is honoured of it.
func (r *report) serviceEntry(e *v1alpha1.ServiceEntry) {
	const p path = "spec"
	spec := &e.Spec
	r.oneOf(p.child("resolution"), spec.Resolution, resolutionNone, resolutionStatic, resolutionDNS, resolutionRoundRobin, resolutionDynamic)
	r.oneOf(p.child("location"), spec.Location, "MESH_EXTERNAL", "MESH_INTERNAL")
	r.entryHosts(p.child("hosts"), spec)
	r.virtualIPs(p.child("addresses"), spec)
	r.entryPorts(p.child("ports"), spec)
	r.entryEndpoints(p.child("endpoints"), spec)
	r.entryProduct(p, spec)
	if spec.WorkloadSelector != nil {
		r.entrySelector(p.child("workloadSelector"), spec)
	}
	r.exportTo(p.child("exportTo"), spec.ExportTo)
	r.atMost(p.child("subjectAltNames"), len(spec.SubjectAltNames), maxAltNames)
	if i := slices.Index(spec.SubjectAltNames, ""); i >= 0 {
		r.invalid(p.child("subjectAltNames").index(i), "is empty")
	}
	r.distributionAnnotations(e.Annotations, false)
	r.honouredEntry(spec)
}

// byName says that the hosts themselves are resolved.
func byName(spec *v1alpha1.ServiceEntrySpec) bool {
	dns := spec.Resolution == resolutionDNS || spec.Resolution == resolutionRoundRobin
	return dns && len(spec.Endpoints) == 0 && spec.WorkloadSelector == nil
}

func (r *report) entryHosts(p path, spec *v1alpha1.ServiceEntrySpec) {
	if len(spec.Hosts) == 0 {
		r.invalid(p, "is missing; write at least one host, such as api.example.com")
	}
	if !r.atMost(p, len(spec.Hosts), maxHosts) {
		return
	}
	for i, host := range spec.Hosts {
		r.entryHost(p.index(i), host)
		if strings.HasPrefix(host, "*.") && byName(spec) {
			r.invalid(p.index(i), "%q has no address of its own: with resolution %s a wildcard needs endpoints", clip(host), spec.Resolution)
		}
	}
	r.unique(p, spec.Hosts)
}

func (r *report) entryHost(p path, host string) {
	rest := strings.TrimPrefix(host, "*.")
	switch {
	case host == "*":
		r.invalid(p, "\"*\" is not allowed: it would be every host; write full names, or a wildcard such as *.example.com")
	case strings.Contains(rest, "*"):
		r.invalid(p, "%q is no host: \"*\" may only be the whole first label, as in *.example.com", clip(host))
	case len(validation.IsDNS1123Subdomain(rest)) > 0, len(host) > validation.DNS1123SubdomainMaxLength:
		r.invalid(p, "%q is no host: %s", clip(host), isSubdomain)
	case slices.ContainsFunc(strings.Split(rest, "."), func(label string) bool { return len(label) > validation.DNS1123LabelMaxLength }):
		r.invalid(p, "%q is no host: a label of it is longer than %d", clip(host), validation.DNS1123LabelMaxLength)
	case !strings.Contains(host, "."):
		r.invalid(p, "%q is no full name: a name without a dot is a Service of the client's namespace", clip(host))
	case isNumber(rest):
		r.invalid(p, "%q is no host: an IP stands in addresses or endpoints", clip(host))
	}
}

// isNumber says that the last label is a number, which is an IP or a slip in one.
func isNumber(host string) bool {
	return strings.Trim(host[strings.LastIndexByte(host, '.')+1:], "0123456789") == ""
}

// virtualIPs are addresses, and blocks of them where that makes sense.
func (r *report) virtualIPs(p path, spec *v1alpha1.ServiceEntrySpec) {
	if !r.atMost(p, len(spec.Addresses), maxVirtualIPs) {
		return
	}
	first := map[netip.Prefix]int{}
	for i, s := range spec.Addresses {
		at := p.index(i)
		block, err := parseBlock(s)
		switch {
		case err != nil, block.Addr().Is4In6():
			r.invalid(at, "%q is neither an IP nor a CIDR block", clip(s))
			continue
		case block.Addr().IsUnspecified() && block.IsSingleIP(), block.Addr().IsMulticast(), block.Addr() == broadcast():
			r.invalid(at, "%q is not allowed: it is no host's address", clip(s))
		case !block.IsSingleIP() && (spec.Resolution == resolutionDNS || spec.Resolution == resolutionRoundRobin):
			r.invalid(at, "%q: with resolution %s write single IPs; a CIDR block needs NONE or STATIC", clip(s), spec.Resolution)
		}
		if earlier, ok := first[block]; ok {
			r.invalid(at, "%q stands twice; it is already entry %d", clip(s), earlier)
			continue
		}
		first[block] = i
	}
}

// broadcast is the address of everyone, so of no host.
func broadcast() netip.Addr { return netip.AddrFrom4([4]byte{255, 255, 255, 255}) }

// parseBlock reads a single IP as the block of itself.
func parseBlock(s string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" && !ip.Is4In6() {
		return ip.Prefix(ip.BitLen())
	}
	block, err := netip.ParsePrefix(s)
	return block.Masked(), err
}

func (r *report) entryPorts(p path, spec *v1alpha1.ServiceEntrySpec) {
	if !r.atMost(p, len(spec.Ports), maxEntryPorts) {
		return
	}
	names, numbers := map[string]bool{}, map[int64]bool{}
	for i, port := range spec.Ports {
		at := p.index(i)
		between(r, at.child("number"), &port.Number, 1, 65535)
		if numbers[port.Number] {
			r.invalid(at.child("number"), "%d is an earlier port's", port.Number)
		}
		if port.Name == "" {
			r.invalid(at.child("name"), "is missing; each port has a name")
		} else {
			r.dnsLabel(at.child("name"), port.Name)
		}
		if port.Name != "" && names[port.Name] {
			r.invalid(at.child("name"), "%q names an earlier port", clip(port.Name))
		}
		names[port.Name], numbers[port.Number] = true, true
		r.oneOf(at.child("protocol"), strings.ToUpper(port.Protocol),
			"HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS", "TLS", "TCP", "MONGO", "MYSQL", "REDIS")
		if port.TargetPort != 0 {
			between(r, at.child("targetPort"), &port.TargetPort, 1, 65535)
			if isNone(spec) {
				r.invalid(at.child("targetPort"), "not with resolution NONE: the client's own destination counts")
			}
		}
	}
}

// entryProduct keeps one object from becoming a mesh.
func (r *report) entryProduct(p path, spec *v1alpha1.ServiceEntrySpec) {
	hosts, ports, endpoints := len(spec.Hosts), len(spec.Ports), len(spec.Endpoints)
	switch clusters := hosts * ports; {
	case clusters > maxEntryClusters:
		r.invalid(p.child("ports"), "%d hosts with %d ports each are %d clusters; at most %d: write several entries with the hosts that need each port",
			hosts, ports, clusters, maxEntryClusters)
	case clusters*endpoints > maxEntrySockets:
		r.invalid(p.child("endpoints"), "%d hosts with %d ports each of %d endpoints are %d; at most %d: write several entries",
			hosts, ports, endpoints, clusters*endpoints, maxEntrySockets)
	}
}

func isNone(spec *v1alpha1.ServiceEntrySpec) bool {
	return spec.Resolution == "" || spec.Resolution == resolutionNone
}

func (r *report) entrySelector(p path, spec *v1alpha1.ServiceEntrySpec) {
	r.labels(p.child("labels"), spec.WorkloadSelector.Labels)
	switch {
	case len(spec.Endpoints) > 0:
		r.invalid(p, "not together with endpoints; keep one of them")
	case isNone(spec):
		r.invalid(p, "not with resolution NONE, which has no endpoints; write STATIC or DNS")
	case spec.Resolution == resolutionRoundRobin:
		r.invalid(p, "not with resolution DNS_ROUND_ROBIN, which has one endpoint; write STATIC or DNS")
	}
}

// honouredEntry tells what acts otherwise than it reads, or not at all. That NONE and
// blocks need capture is told of each host.
func (r *report) honouredEntry(spec *v1alpha1.ServiceEntrySpec) {
	const p path = "spec"
	if spec.Resolution == resolutionDynamic {
		r.add(model.Error, model.NotHonoured, p.child("resolution"),
			"DYNAMIC_DNS is not honoured: whoever names a host would choose where the proxy connects, past all settings; the object is refused")
	}
	if spec.Location == "MESH_INTERNAL" {
		r.add(model.Info, model.NoEffect, p.child("location"), "has no effect: there is no mesh CA, so that hosts inside and outside are reached alike")
	}
	if len(spec.Ports) == 0 && !r.isCovered(p.child("ports")) {
		r.add(model.Info, model.NoEffect, p.child("ports"), "is empty: the hosts have no ports, so nothing reaches them")
	}
	if s := spec.WorkloadSelector; s != nil && len(s.Labels) == 0 && !r.isCovered(p.child("workloadSelector")) {
		r.add(model.Info, model.NoEffect, p.child("workloadSelector", "labels"), "is empty: it picks every Pod and WorkloadEntry of the namespace")
	}
	if spec.Resolution == resolutionStatic && len(spec.Endpoints) == 0 && spec.WorkloadSelector == nil {
		r.add(model.Info, model.NoEffect, p.child("endpoints"), "is empty: with resolution STATIC the hosts have no endpoints")
	}
}
