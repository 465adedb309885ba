package admit

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/coastwise/coastwise/translate/model"
)

// service checks what routing needs of a Service.
func (r *report) service(s *corev1.Service) {
	const p path = "spec"
	spec := &s.Spec
	r.oneOf(p.child("type"), string(spec.Type), "ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
	r.oneOf(p.child("sessionAffinity"), string(spec.SessionAffinity), "None", "ClientIP")
	r.oneOfPointer(p.child("internalTrafficPolicy"), (*string)(spec.InternalTrafficPolicy), "Cluster", "Local")
	r.oneOf(p.child("externalTrafficPolicy"), string(spec.ExternalTrafficPolicy), "Cluster", "Local")
	r.oneOfPointer(p.child("trafficDistribution"), spec.TrafficDistribution,
		"PreferSameZone", "PreferSameNode", "PreferClose")
	r.oneOfPointer(p.child("ipFamilyPolicy"), (*string)(spec.IPFamilyPolicy),
		"SingleStack", "PreferDualStack", "RequireDualStack")
	families := make([]string, len(spec.IPFamilies))
	for i, f := range spec.IPFamilies {
		families[i] = string(f)
		r.oneOfPointer(p.child("ipFamilies").index(i), &families[i], "IPv4", "IPv6")
	}
	r.unique(p.child("ipFamilies"), families)
	r.labels(p.child("selector"), spec.Selector)
	r.clusterIP(p.child("clusterIP"), spec.ClusterIP)
	for i, ip := range spec.ClusterIPs {
		r.clusterIP(p.child("clusterIPs").index(i), ip)
	}
	if spec.Type == corev1.ServiceTypeExternalName {
		r.dnsName(p.child("externalName"), strings.TrimSuffix(spec.ExternalName, "."))
	} else if len(spec.Ports) == 0 && spec.ClusterIP != corev1.ClusterIPNone {
		r.invalid(p.child("ports"), "is missing; write at least one port")
	}
	r.servicePorts(p.child("ports"), spec.Ports)
	for _, a := range []string{annotationExportTo, annotationIstioExportTo} {
		r.exportAnnotation(path("metadata.annotations").key(a), s.Annotations, a)
	}
	r.honouredService(s)
}

func (r *report) clusterIP(p path, s string) {
	if s != "" && s != corev1.ClusterIPNone {
		if _, err := netip.ParseAddr(s); err != nil {
			r.invalid(p, "%q is no IP address; allowed: an address or None", clip(s))
		}
	}
}

func (r *report) servicePorts(p path, ports []corev1.ServicePort) {
	names, numbers := map[string]bool{}, map[corev1.ServicePort]bool{}
	for i, port := range ports {
		at := p.index(i)
		r.port(at.child("port"), port.Port)
		r.oneOf(at.child("protocol"), string(port.Protocol), "TCP", "UDP", "SCTP")
		switch {
		case port.Name == "" && len(ports) > 1:
			r.invalid(at.child("name"), "is missing; a Service with more than one port names each")
		case port.Name != "":
			r.dnsLabel(at.child("name"), port.Name)
		}
		if port.Name != "" && names[port.Name] {
			r.invalid(at.child("name"), "%q names an earlier port", clip(port.Name))
		}
		names[port.Name] = true
		number := corev1.ServicePort{Port: port.Port, Protocol: port.Protocol}
		if number.Protocol == "" {
			number.Protocol = corev1.ProtocolTCP
		}
		if numbers[number] {
			r.invalid(at.child("port"), "%s port %d stands twice", number.Protocol, number.Port)
		}
		numbers[number] = true
		r.targetPort(at.child("targetPort"), port.TargetPort)
		between(r, at.child("nodePort"), &port.NodePort, 0, 65535)
		r.appProtocol(at.child("appProtocol"), port.AppProtocol)
	}
}

// targetPort is a number, a port's name, or absent.
func (r *report) targetPort(p path, target intstr.IntOrString) {
	if target == (intstr.IntOrString{}) {
		return
	}
	if target.Type == intstr.Int {
		r.port(p, target.IntVal)
	} else if len(validation.IsValidPortName(target.StrVal)) > 0 {
		r.invalid(p, "%q is no port name: at most 15 lower-case letters, digits and \"-\", a letter among them", clip(target.StrVal))
	}
}

func (r *report) appProtocol(p path, s *string) {
	if s != nil {
		r.labelKey(p, *s)
	}
}

// exportAnnotation is a list of namespaces, "*", "." or "~", with commas between.
func (r *report) exportAnnotation(p path, annotations map[string]string, key string) {
	value, ok := annotations[key]
	if !ok {
		return
	}
	for n := range strings.SplitSeq(value, ",") {
		n = strings.TrimSpace(n)
		if !slices.Contains([]string{"*", ".", "~"}, n) && len(validation.IsDNS1123Label(n)) > 0 {
			r.invalid(p, "%q is no namespace; write names with commas between, \"*\" for all, \".\" for its own, or \"~\" for none", clip(n))
		}
	}
}

// The API server's limits on a slice.
const (
	maxEndpoints = 1000
	maxAddresses = 100
	maxPorts     = 20000
	maxHints     = 8
)

// slice checks what routing needs of an EndpointSlice.
func (r *report) slice(s *discoveryv1.EndpointSlice) {
	if s.AddressType == "" {
		r.invalid("addressType", "is missing; allowed: IPv4, IPv6, FQDN")
	}
	r.oneOf("addressType", string(s.AddressType), "IPv4", "IPv6", "FQDN")
	if s.AddressType == discoveryv1.AddressTypeFQDN {
		r.add(model.Info, model.NoEffect, "addressType", "FQDN: such slices are not used, by kube-proxy neither; write a ServiceEntry with resolution DNS")
	}
	if len(s.Endpoints) > maxEndpoints {
		r.invalid("endpoints", "has %d entries; at most %d", len(s.Endpoints), maxEndpoints)
	}
	for i := range s.Endpoints {
		r.endpoint(path("endpoints").index(i), s.AddressType, &s.Endpoints[i])
	}
	if len(s.Ports) > maxPorts {
		r.invalid("ports", "has %d entries; at most %d", len(s.Ports), maxPorts)
	}
	names := map[string]bool{}
	for i, port := range s.Ports {
		at := path("ports").index(i)
		name := ""
		if port.Name != nil {
			name = *port.Name
		}
		if name != "" {
			r.dnsLabel(at.child("name"), name)
		}
		if names[name] {
			r.invalid(at.child("name"), "%q names an earlier port", clip(name))
		}
		names[name] = true
		between(r, at.child("port"), port.Port, 1, 65535)
		r.oneOfPointer(at.child("protocol"), (*string)(port.Protocol), "TCP", "UDP", "SCTP")
		r.appProtocol(at.child("appProtocol"), port.AppProtocol)
	}
}

func (r *report) endpoint(p path, family discoveryv1.AddressType, e *discoveryv1.Endpoint) {
	if n := len(e.Addresses); n == 0 || n > maxAddresses {
		r.invalid(p.child("addresses"), "has %d entries; write 1..%d", n, maxAddresses)
	}
	for i, a := range e.Addresses {
		r.address(p.child("addresses").index(i), family, a)
	}
	r.unique(p.child("addresses"), e.Addresses)
	if e.Hostname != nil {
		r.dnsLabel(p.child("hostname"), *e.Hostname)
	}
	if e.NodeName != nil {
		r.dnsName(p.child("nodeName"), *e.NodeName)
	}
	if e.Zone != nil {
		r.labelValue(p.child("zone"), *e.Zone)
	}
	if e.Hints != nil {
		r.hints(p.child("hints"), e.Hints)
	}
}

// address is a literal of the slice's type. Loopback addresses are allowed, other
// than at an API server: a folder of manifests may describe one machine.
func (r *report) address(p path, family discoveryv1.AddressType, s string) {
	if family == discoveryv1.AddressTypeFQDN {
		r.dnsName(p, strings.TrimSuffix(s, "."))
		return
	}
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil || a.Zone() != "":
		r.invalid(p, "%q is no IP address", clip(s))
	case family == discoveryv1.AddressTypeIPv4 && !a.Is4(), family == discoveryv1.AddressTypeIPv6 && (!a.Is6() || a.Is4In6()):
		r.invalid(p, "%q is no %s address", clip(s), family)
	case a.IsUnspecified(), a.IsMulticast():
		r.invalid(p, "%q is not allowed: an endpoint is one host's address", clip(s))
	}
}

func (r *report) hints(p path, h *discoveryv1.EndpointHints) {
	zones, nodes := make([]string, len(h.ForZones)), make([]string, len(h.ForNodes))
	for i, z := range h.ForZones {
		zones[i] = z.Name
		if z.Name == "" {
			r.invalid(p.child("forZones").index(i).child("name"), "is empty; write the name of a zone")
		}
		r.labelValue(p.child("forZones").index(i).child("name"), z.Name)
	}
	for i, n := range h.ForNodes {
		nodes[i] = n.Name
		r.dnsName(p.child("forNodes").index(i).child("name"), n.Name)
	}
	r.unique(p.child("forZones"), zones)
	r.unique(p.child("forNodes"), nodes)
	if len(zones) > maxHints {
		r.invalid(p.child("forZones"), "has %d entries; at most %d", len(zones), maxHints)
	}
	if len(nodes) > maxHints {
		r.invalid(p.child("forNodes"), "has %d entries; at most %d", len(nodes), maxHints)
	}
}
