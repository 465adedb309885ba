package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Endpoint is one entry of an EndpointSlice. Empty fields are not written.
type Endpoint struct {
	Address, Zone, Node string
	Unready             bool
	// ZoneHint is hints.forZones with this one zone.
	ZoneHint string
	// Pod is targetRef.
	Pod string
}

// Node is a Node with the labels of its place.
func Node(name, region, zone string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Node
metadata:
  name: %s
  labels:
    topology.kubernetes.io/region: %s
    topology.kubernetes.io/zone: %s
`, name, region, zone)
}

// Namespace is a Namespace without labels.
func Namespace(name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n", name)
}

// Pod is a Pod on a Node; labels are in flow style, such as "{version: v1}".
func Pod(namespace, name, node, labels string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata:
  name: %s
  namespace: %s
  labels: %s
spec:
  nodeName: %s
  containers: [{name: main}]
`, name, namespace, labels, node)
}

// Service has one port, named http: 80, or the number given. extra is appended
// to spec and has to be indented by two.
func Service(namespace, name string, port int, extra string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata:
  name: %s
  namespace: %s
spec:
  ports:
  - name: http
    port: %d
    appProtocol: http
%s`, name, namespace, port, extra)
}

// Slice is an EndpointSlice of a Service, for its port http.
func Slice(namespace, service, name string, port int, endpoints []Endpoint) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: %s
  namespace: %s
  labels:
    kubernetes.io/service-name: %s
addressType: IPv4
ports:
- name: http
  port: %d
`, name, namespace, service, port)
	if len(endpoints) == 0 {
		b.WriteString("endpoints: []\n")
		return b.String()
	}
	b.WriteString("endpoints:\n")
	for _, e := range endpoints {
		fmt.Fprintf(&b, "- addresses: [%s]\n  conditions: {ready: %v}\n", e.Address, !e.Unready)
		for _, f := range []struct{ key, value string }{{"nodeName", e.Node}, {"zone", e.Zone}} {
			if f.value != "" {
				fmt.Fprintf(&b, "  %s: %s\n", f.key, f.value)
			}
		}
		if e.Pod != "" {
			fmt.Fprintf(&b, "  targetRef: {kind: Pod, name: %s, namespace: %s}\n", e.Pod, namespace)
		}
		if e.ZoneHint != "" {
			fmt.Fprintf(&b, "  hints: {forZones: [{name: %s}]}\n", e.ZoneHint)
		}
	}
	return b.String()
}

// Rule is a DestinationRule; policy is its trafficPolicy in flow style, such as
// "{loadBalancer: {simple: RANDOM}}".
func Rule(namespace, name, host, policy string) string {
	return fmt.Sprintf(`apiVersion: networking.coastwise.dev/v1alpha1
kind: DestinationRule
metadata:
  name: %s
  namespace: %s
spec:
  host: %s
  trafficPolicy: %s
`, name, namespace, host, policy)
}

// Mesh is the MeshConfig; setting is its localityLbSetting in flow style.
func Mesh(setting string) string {
	return fmt.Sprintf(`apiVersion: networking.coastwise.dev/v1alpha1
kind: MeshConfig
metadata:
  name: default
spec:
  localityLbSetting: %s
`, setting)
}

// Deployment is a Deployment shop, whose Pods are labelled app: shop.
func Deployment(namespace string, replicas int) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: %s}
spec:
  replicas: %d
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: main, image: "example.com/shop:1"}]
`, namespace, replicas)
}

// Join puts several documents into one file.
func Join(documents ...string) string { return strings.Join(documents, "---\n") }

// Folder is a folder of manifests.
type Folder string

// Write replaces one file of the folder, or makes it. Nobody ever sees half of it.
func (f Folder) Write(name, content string) error {
	temporary := filepath.Join(string(f), "."+name+".new")
	if err := os.WriteFile(temporary, []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(string(f), name))
}
