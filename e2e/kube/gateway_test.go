package kube_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// routeOf is an HTTPRoute on Service shop, with one rule.
func routeOf(namespace, rule string) string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: %s, name: shop}
spec:
  parentRefs: [{group: "", kind: Service, name: shop, port: 80}]
  rules: [%s]
`, namespace, rule)
}

// The Gateway API that comes while coastwise runs is read without a restart: what kubectl
// applies is judged, a backend in another namespace waits for its Service and its grant,
// and once the CRDs go nothing is left of it.
func TestGatewayAPI(t *testing.T) {
	s := newScene(t)
	ns, other := s.Cluster.Namespace(t, "routes"), s.Cluster.Namespace(t, "backends")
	s.Cluster.Apply(t, manifest.Join(service(ns, "shop", ""), service(other, "back", "")))
	s.Cluster.ApplyGatewayAPI(t, cluster.GatewayStandard)
	t.Cleanup(func() { s.Cluster.DeleteGatewayAPI(t) })
	route := func(rule string) { s.Cluster.Apply(t, routeOf(ns, rule)) }
	told := func(field, reason string) {
		t.Helper()
		s.Told(ns, reason+" at "+field, func(p kube.Problem) bool {
			return p.Object == "HTTPRoute "+ns+"/shop" && p.Field == field && p.Reason == reason
		})
	}
	route(fmt.Sprintf("{backendRefs: [{namespace: %s, name: back, port: 80}]}", other))
	told("spec.rules[0].backendRefs[0]", "RefNotPermitted")
	grant := fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {namespace: %s, name: routes}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: %s}], to: [{group: "", kind: Service}]}
`, other, ns)
	s.Cluster.Apply(t, grant)
	silent(t, s, ns)
	s.Cluster.Kubectl(t, "delete", "service", "back", "-n", other)
	told("spec.rules[0].backendRefs[0]", "BackendNotFound")
	s.Cluster.Apply(t, service(other, "back", ""))
	silent(t, s, ns)
	s.Cluster.Delete(t, grant)
	told("spec.rules[0].backendRefs[0]", "RefNotPermitted")

	s.Cluster.ApplyGatewayAPI(t, cluster.GatewayExperimental)
	route("{retry: {attempts: 2, codes: [503]}, sessionPersistence: {sessionName: a}, backendRefs: [{name: shop, port: 80}]}")
	told("spec.rules[0].sessionPersistence", "NotHonoured")
	route("{retry: {attempts: 2, codes: [503]}, backendRefs: [{name: shop, port: 80}]}")
	silent(t, s, ns)
	s.Cluster.Kubectl(t, "delete", "service", "shop", "-n", ns)
	told("spec.parentRefs[0]", "NoMatchingParent")
	s.Cluster.DeleteGatewayAPI(t)
	silent(t, s, ns)
	if !s.Server.Running() {
		t.Error("coastwise ended")
	}
}

// silent waits until nothing is told of the routes of a namespace.
func silent(t *testing.T, s *kube.Scene, namespace string) {
	t.Helper()
	cluster.Eventually(t, kube.Patience, func() error {
		problems, err := s.Problems(namespace)
		if i := slices.IndexFunc(problems, func(p kube.Problem) bool { return p.Object == "HTTPRoute "+namespace+"/shop" }); err == nil && i >= 0 {
			err = fmt.Errorf("%+v", problems[i])
		}
		return err
	})
}
