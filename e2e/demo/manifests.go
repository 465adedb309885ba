package main

import (
	"fmt"
	"strings"

	"github.com/coastwise/coastwise/e2e/manifest"
)

// The service that is asked for, and its host in rules.
const (
	serviceName = "reviews"
	serviceHost = serviceName + "." + serviceNamespace + ".svc.cluster.local"
)

// Files are the manifests of a layout that do not change, by file name: Nodes
// (one is missing), the Service, and the fence of the clients in the fenced
// namespace.
func Files(l Layout) map[string]string {
	var nodes []string
	for _, z := range l.Zones {
		for _, e := range z.Endpoints {
			if e.Node != l.Missing {
				nodes = append(nodes, manifest.Node(e.Node, e.Region, e.Zone))
			}
		}
	}
	allowed := strings.Join(l.Regions(Home, Failover), ", ")
	return map[string]string{
		"nodes.yaml": manifest.Join(nodes...),
		"service.yaml": manifest.Join(
			manifest.Namespace(serviceNamespace), manifest.Namespace(fencedNamespace), manifest.Namespace(freeNamespace),
			manifest.Service(serviceNamespace, serviceName, 80, "")),
		"fence.yaml": "# Clients in the namespace " + fencedNamespace + " may reach these regions and no other, whatever happens.\n" +
			manifest.Rule(fencedNamespace, serviceName, serviceHost,
				fmt.Sprintf("{loadBalancer: {localityLbSetting: {allowedRegions: [%s]}}}", allowed)),
	}
}

// MeshFile is mesh.yaml: locality on or off for everybody, and who takes over
// for whom.
func MeshFile(l Layout, on bool) string {
	home, failover := l.Region(Home), l.Region(Failover)
	return manifest.Mesh(fmt.Sprintf("{enabled: %v, failover: [{from: %s, to: %s}, {from: %s, to: %s}]}",
		on, home, failover, failover, home))
}

// SliceFile is the name and content of the EndpointSlice of one zone.
// addresses are IPs by Node.
func SliceFile(z Zone, dead map[string]bool, addresses map[string]string, port int) (name, content string) {
	var endpoints []manifest.Endpoint
	for _, e := range z.Endpoints {
		endpoints = append(endpoints, manifest.Endpoint{
			Address: addresses[e.Node], Zone: e.Zone, Node: e.Node, Unready: dead[e.Node],
		})
	}
	slice := fmt.Sprintf("%s-%s-%s", serviceName, z.Region, z.Name)
	return fmt.Sprintf("endpoints-%s-%s.yaml", z.Region, z.Name),
		manifest.Slice(serviceNamespace, serviceName, slice, port, endpoints)
}
