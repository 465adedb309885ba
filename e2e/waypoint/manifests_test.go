package waypoint

import (
	"fmt"
	"strings"

	"github.com/coastwise/coastwise/e2e/manifest"
)

// gateway is the Gateway default/waypoint; all services of the namespace use it.
func gateway(f form) string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: default}
spec:
  gatewayClassName: coastwise-waypoint
  listeners: [{name: mesh, port: %d, protocol: %s}]
---
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {networking.coastwise.dev/use-waypoint: waypoint}}
`, f.port, f.protocol)
}

func podName(zone, n int) string { return fmt.Sprintf("pod-%s-%d", places[zone].zone, n) }

// everywhere is a Node for each zone and its Pods: half of them version v1, the others v2.
func (m *mesh) everywhere() string {
	var out []string
	for zone, p := range places {
		out = append(out, manifest.Node("node-"+p.zone, p.region, p.zone))
		for n := range perZone {
			out = append(out, fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata:
  name: %s
  namespace: default
  labels: {version: v%d}
  annotations: {ambient.istio.io/redirection: enabled}
spec:
  nodeName: node-%s
  serviceAccountName: %s
  containers: [{name: main}]
status: {podIP: %s, podIPs: [{ip: %s}]}
`, podName(zone, n), 1+n%2, p.zone, account, m.address(zone, n), m.address(zone, n)))
		}
	}
	return manifest.Join(out...)
}

// service is a Service with a virtual IP; protocol is its appProtocol.
func service(name, vip string, port int, protocol string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %s, namespace: default}
spec:
  clusterIP: %s
  clusterIPs: [%s]
  ports: [{name: main, port: %d, appProtocol: %s}]
`, name, vip, vip, port, protocol)
}

// slice is a Service's endpoints: layout says which pods of each zone are in it, and how
// many more are not ready.
func (m *mesh) slice(name string, port int, l layout) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %s-1, namespace: default, labels: {kubernetes.io/service-name: %s}}
addressType: IPv4
ports: [{name: main, port: %d}]
endpoints:
`, name, name, port)
	for zone := range places {
		for n := range l.ready[zone] {
			fmt.Fprintf(&b, "- {addresses: [%s], conditions: {ready: true}, zone: %s, nodeName: node-%s, targetRef: {kind: Pod, name: %s, namespace: default}}\n",
				m.address(zone, n), places[zone].zone, places[zone].zone, podName(zone, n))
		}
		for n := range l.unready[zone] {
			fmt.Fprintf(&b, "- {addresses: [%s], conditions: {ready: false}, zone: %s, nodeName: node-%s}\n",
				m.block.Address(2+zone, 100+n), places[zone].zone, places[zone].zone)
		}
	}
	return b.String()
}

// entry is a ServiceEntry of the same pods, whose endpoints have weights.
func (m *mesh) entry(name, vip string, port int, protocol string, podPort int, l layout, weights []int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: networking.coastwise.dev/v1alpha1
kind: ServiceEntry
metadata: {name: %s, namespace: default}
spec:
  hosts: [%s]
  addresses: [%s]
  ports: [{number: %d, name: main, protocol: %s}]
  resolution: STATIC
  endpoints:
`, name, hostOfEntry(name), vip, port, protocol)
	tunnel := ""
	if m.form.hbone {
		tunnel = fmt.Sprintf(", serviceAccount: %s, labels: {networking.coastwise.dev/tunnel: hbone}", account)
	}
	for zone := range places {
		for n := range l.ready[zone] {
			fmt.Fprintf(&b, "  - {address: %s, locality: %s, weight: %d, ports: {main: %d}%s}\n",
				m.address(zone, n), places[zone], weights[(zone*perZone+n)%len(weights)], podPort, tunnel)
		}
	}
	return b.String()
}

func hostOfEntry(name string) string { return name + ".example" }

// splitRoute is an HTTPRoute of a Service that shares its requests among two others.
func splitRoute(parent string, port int, first, second string, firstWeight, secondWeight int) string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %s, namespace: default}
spec:
  parentRefs: [{group: "", kind: Service, name: %s, port: %d}]
  rules:
  - backendRefs:
    - {name: %s, port: 80, weight: %d}
    - {name: %s, port: 80, weight: %d}
`, parent, parent, port, first, firstWeight, second, secondWeight)
}
