package e2e

import (
	"fmt"
	"testing"

	"github.com/coastwise/coastwise/e2e/await"
	"github.com/coastwise/coastwise/e2e/coastwise"
)

// versions is Service default/a with a pod of version v1 and one of v2, and rules
// with a subset for each: v2 counts only for clients labelled app=cart.
func (s *scene) versions() string {
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: a-1, labels: {kubernetes.io/service-name: a}}
addressType: IPv4
ports: [{name: http, port: %d}]
endpoints:
- {addresses: [%s], targetRef: {kind: Pod, namespace: default, name: one}}
- {addresses: [%s], targetRef: {kind: Pod, namespace: default, name: two}}
---
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {version: v1}}
---
apiVersion: v1
kind: Pod
metadata: {name: two, labels: {version: v2}}
---
apiVersion: networking.coastwise.dev/v1alpha1
kind: DestinationRule
metadata: {name: a}
spec: {host: a, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: networking.coastwise.dev/v1alpha1
kind: DestinationRule
metadata: {name: cart}
spec: {host: a, workloadSelector: {matchLabels: {app: cart}}, subsets: [{name: v2, labels: {version: v2}}]}
`, s.ports.Backend, s.endpoint(0, 0), s.endpoint(0, 1))
}

func TestSubsetsOnARealEnvoy(t *testing.T) {
	s := newScene(t, map[string]string{"nodes.yaml": nodes()})
	s.write("a.yaml", s.versions())
	for _, c := range []struct {
		labels, subset, other, host string
	}{
		{"", "v1", "v2", s.endpoint(0, 0)},
		{"app=cart", "v2", "v1", s.endpoint(0, 1)},
	} {
		client := s.envoy(coastwise.Client{Locality: "eu/eu-1", Labels: c.labels})
		has := fmt.Sprintf("outbound|80|%s|a.default.svc.cluster.local", c.subset)
		await.Until(t, patience, func() string {
			hosts, err := client.Hosts(t.Context(), has)
			if err != nil {
				return err.Error()
			}
			if want := fmt.Sprintf("%s:%d", c.host, s.ports.Backend); len(hosts) != 1 || hosts[0].Address != want {
				return fmt.Sprintf("%s holds %v, not %s", has, hosts, want)
			}
			return ""
		})
		if hosts, _ := client.Hosts(t.Context(), fmt.Sprintf("outbound|80|%s|a.default.svc.cluster.local", c.other)); len(hosts) > 0 {
			t.Errorf("labels %q: subset %s has %v", c.labels, c.other, hosts)
		}
	}
}
