package kube_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// runCoastwise runs the program, and gives what it printed.
func runCoastwise(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, string(tools.Coastwise), args...).CombinedOutput()
	return string(out), err
}

// An ingress by kubectl: programmed once its Envoy runs, with locality to its backends;
// a backend of another namespace answers 500 until a ReferenceGrant lets it be named.
func TestEdgeByKubectl(t *testing.T) {
	const port = 18000
	s := newScene(t)
	s.Cluster.ApplyGatewayAPI(t, cluster.GatewayStandard)
	g, backends := gatewayScene{s, s.Cluster.Namespace(t, "edge")}, s.Cluster.Namespace(t, "backends")
	n := s.Zones(g.namespace, "eu/here", "eu/there")
	ips, far := s.Pods(g.namespace, "shop", n...), s.Pods(backends, "far", n[1])
	route := func(name, backend string) string {
		return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  parentRefs: [{name: edge}]
  hostnames: [%[1]s.example]
  rules: [{backendRefs: [{%[3]s, port: 80}]}]
`, name, g.namespace, backend)
	}
	s.Cluster.Apply(t, manifest.Join(
		service(g.namespace, "shop", ""), manifest.Rule(g.namespace, "shop", "shop", ownZone), service(backends, "far", ""),
		strings.Replace(g.gateway("edge", "coastwise", port), "PROXY", "HTTP", 1),
		route("shop", "name: shop"), route("far", "name: far, namespace: "+backends),
	))
	e := s.Edge(g.namespace, "edge", n[0])
	s.Cluster.Kubectl(t, "wait", "-n", g.namespace, "--timeout=30s", "--for=condition=Programmed", "gateway/edge")
	g.says("gateway/edge", "{.status.listeners[0].name} {.status.listeners[0].attachedRoutes}", "mesh 2")
	address := fmt.Sprintf("%s:%d", e.Flags.Bind, port)
	stream := s.Through(new(net.Dialer).DialContext, address, "shop.example")
	s.Only(stream.End(), ips[0])

	g.says("httproute/far", `{range .status.parents[0].conditions[?(@.type=="ResolvedRefs")]}{.status} {.reason}{end}`, "False RefNotPermitted")
	stream = s.Through(new(net.Dialer).DialContext, address, "far.example")
	cluster.Eventually(t, kube.Patience, func() error {
		if tally := stream.Skip(); len(tally.Failures) == 0 || !strings.Contains(tally.Failures[0].What, "500") {
			return fmt.Errorf("without a grant: %+v", tally)
		}
		return nil
	})
	s.Cluster.Apply(t, fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {namespace: %s, name: routes}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: %s}], to: [{group: "", kind: Service}]}
`, backends, g.namespace))
	g.says("httproute/far", `{range .status.parents[0].conditions[?(@.type=="ResolvedRefs")]}{.status} {.reason}{end}`, "True ResolvedRefs")
	cluster.Eventually(t, kube.Patience, func() error {
		if tally := stream.Skip(); len(tally.Failures) > 0 || tally.Requests == 0 {
			return fmt.Errorf("with a grant: %d of %d failed", len(tally.Failures), tally.Requests)
		}
		return nil
	})
	s.Only(stream.End(), far...)
	for _, what := range []string{"gateway/edge", "httproute/shop", "httproute/far"} {
		if out, err := runCoastwise(t.Context(), "wait", what, "-n", g.namespace, "--kubeconfig", s.Cluster.Kubeconfig()); err != nil {
			t.Errorf("coastwise wait %s: %v: %s", what, err, out)
		}
	}
}
