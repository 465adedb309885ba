package main

import (
	"fmt"
	"strings"

	"github.com/coastwise/coastwise/e2e/manifest"
)

// What fits into the addresses and ports that are drawn here.
const (
	maxServices  = 10000
	maxPorts     = 20
	maxEndpoints = 60
)

// perFile is how many services share a file.
const perFile = 100

// mesh is a folder of services that all go through one waypoint.
type mesh struct {
	manifest.Folder
	ports, endpoints int
}

// write fills the folder.
func (m mesh) write(n int, protocol string, port int) error {
	var places strings.Builder
	for zone := range 3 {
		places.WriteString("---\n" + manifest.Node(fmt.Sprint("node-", zone), "eu", fmt.Sprint("eu-", zone)))
	}
	if err := m.Write("places.yaml", places.String()); err != nil {
		return err
	}
	if err := m.Write("gateway.yaml", fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: default}
spec:
  gatewayClassName: coastwise-waypoint
  listeners: [{name: mesh, protocol: %s, port: %d}]
`, protocol, port)); err != nil {
		return err
	}
	if err := m.Write("service-0.yaml", m.service(0, 0)); err != nil {
		return err
	}
	for first := 1; first < n; first += perFile {
		var b strings.Builder
		for i := first; i < min(n, first+perFile); i++ {
			b.WriteString(m.service(i, 0))
		}
		if err := m.Write(fmt.Sprintf("services-%d.yaml", first/perFile), b.String()); err != nil {
			return err
		}
	}
	return nil
}

// serviceName is that of the i-th.
func serviceName(i int) string { return fmt.Sprintf("service-%d", i) }

// service is the i-th with its endpoints, of which the last has another address with
// each turn.
func (m mesh) service(i, turn int) string {
	var b, ports, slicePorts strings.Builder
	for p := range m.ports {
		fmt.Fprintf(&ports, "  - {name: http-%d, port: %d}\n", p, 80+p)
		fmt.Fprintf(&slicePorts, "- {name: http-%d, port: %d}\n", p, 8080+p)
	}
	fmt.Fprintf(&b, `---
apiVersion: v1
kind: Service
metadata:
  name: %[1]s
  namespace: default
  labels: {networking.coastwise.dev/use-waypoint: waypoint}
spec:
  clusterIP: 10.96.%[2]d.%[3]d
  ports:
%[4]s---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: %[1]s-a
  namespace: default
  labels: {kubernetes.io/service-name: %[1]s}
addressType: IPv4
ports:
%[5]sendpoints:
`, serviceName(i), i>>8, i&255, ports.String(), slicePorts.String())
	for e := range m.endpoints {
		last := e
		if e == m.endpoints-1 {
			last += 100 * (turn % 2)
		}
		fmt.Fprintf(&b, "- {addresses: [10.%d.%d.%d], nodeName: node-%d, zone: eu-%d}\n", 100+i>>8, i&255, 1+last, e%3, e%3)
	}
	return b.String()
}

// route gives the first service's first port a time that changes with each turn.
func route(turn int) string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route, namespace: default}
spec:
  parentRefs: [{group: "", kind: Service, name: %[1]s, port: 80}]
  rules:
  - timeouts: {request: %[2]ds}
    backendRefs: [{name: %[1]s, port: 80}]
`, serviceName(0), 10+turn%2)
}
