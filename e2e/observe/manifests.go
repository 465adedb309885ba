package observe

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/coastwise/coastwise/e2e/manifest"
)

func (s *Site) namespace() string { return cmp.Or(s.Namespace, "default") }

// surroundings are a Node in each zone, and the Namespaces that say something.
func surroundings() string {
	var out []string
	for _, z := range zones {
		out = append(out, manifest.Node("node-"+z.Zone, z.Region, z.Zone))
	}
	return manifest.Join(append(out, `apiVersion: v1
kind: Namespace
metadata: {name: narrow, annotations: {networking.coastwise.dev/scope: default/scope-without}}
---
apiVersion: v1
kind: Namespace
metadata: {name: near, labels: {topology.istio.io/network: n1}}
---
apiVersion: v1
kind: Namespace
metadata: {name: tiers, annotations: {networking.coastwise.dev/traffic-distribution: PreferSameZone}}
---
apiVersion: v1
kind: Namespace
metadata: {name: tiers-istio, annotations: {networking.istio.io/traffic-distribution: PreferSameZone}}
`)...)
}

func meshConfig(spec string) string {
	return "apiVersion: networking.coastwise.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {" + spec + "}\n"
}

// manifests are all the documents of a site.
func (s *Site) manifests() string {
	documents := []string{fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %s, namespace: %s, labels: {%s}, annotations: {%s}}
spec: {ports: %s, %s}
`, s.name, s.namespace(), s.Labels, s.filled(s.Annotations), s.filled(cmp.Or(s.Ports, "[{name: http, port: 80, appProtocol: http}]")), s.Spec), s.slice("", s.Endpoints)}
	if s.Policy != "" || s.Rule != "" {
		documents = append(documents, s.rule())
	}
	if s.More != "" {
		documents = append(documents, s.filled(s.More))
	}
	return manifest.Join(documents...)
}

// filled puts what a site knows in place of words in capital letters: NAME,
// LISTENS, PORT and TLSPORT of the backends, IP-Z-N, an endpoint's address, and VIP,
// an address that no other site has.
func (s *Site) filled(text string) string {
	with := []string{
		"NAME", s.name, "LISTENS", fmt.Sprint(s.listens), "TLSPORT", fmt.Sprint(s.world.lab.secured), "PORT", fmt.Sprint(s.world.lab.ports.Backend),
		"VIP", fmt.Sprintf("240.0.%d.%d", s.listens/250, s.listens%250),
	}
	for zone := range zones {
		for n := range perZone {
			with = append(with, fmt.Sprintf("IP-%d-%d", zone, n), s.world.lab.address(at(zone, n)))
		}
	}
	return strings.NewReplacer(with...).Replace(text)
}

func (s *Site) rule() string {
	spec := []string{"host: " + s.filled(cmp.Or(s.RuleHost, "NAME"))}
	if s.Policy != "" {
		spec = append(spec, "trafficPolicy: "+s.Policy)
	}
	if s.Rule != "" {
		spec = append(spec, s.Rule)
	}
	return fmt.Sprintf(`apiVersion: networking.coastwise.dev/v1alpha1
kind: DestinationRule
metadata: {name: %s, namespace: %s}
spec: {%s}
`, s.name, cmp.Or(s.RuleNamespace, s.namespace()), strings.Join(spec, ", "))
}

// slice is an EndpointSlice with these endpoints.
func (s *Site) slice(suffix string, endpoints []Endpoint) string {
	if endpoints == nil {
		endpoints = inFirstZone(2)
	}
	port := s.world.lab.ports.Backend
	if s.Slice.TLS {
		port = s.world.lab.secured
	}
	var b strings.Builder
	labels := "kubernetes.io/service-name: " + cmp.Or(s.Slice.Service, s.name)
	if s.Slice.ManagedBy != "" {
		labels += ", endpointslice.kubernetes.io/managed-by: " + s.Slice.ManagedBy
	}
	fmt.Fprintf(&b, `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %s, namespace: %s, labels: {%s}}
addressType: %s
ports: [{name: %s, port: %d, protocol: %s}]
endpoints:
`, s.name+suffix, s.namespace(), labels, cmp.Or(s.Slice.Type, "IPv4"), cmp.Or(s.Slice.PortName, "http"), cmp.Or(s.Slice.Port, port), cmp.Or(s.Slice.Protocol, "TCP"))
	for _, e := range endpoints {
		more := e.More
		if more == "" {
			more = fmt.Sprintf("zone: %s, nodeName: node-%[1]s", zones[e.Zone].Zone)
		}
		fmt.Fprintf(&b, "- {addresses: [%s], %s}\n", s.world.lab.address(e), s.filled(more))
	}
	return b.String()
}
