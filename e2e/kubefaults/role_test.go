package kubefaults_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// istioKinds are the kinds of Istio that are read, KIND by plural.
var istioKinds = map[string]string{
	"destinationrules": "DestinationRule", "serviceentries": "ServiceEntry", "workloadentries": "WorkloadEntry",
}

// istioCRDs are the least that makes Istio's kinds objects.
func istioCRDs() string {
	var out []string
	for plural, kind := range istioKinds {
		out = append(out, fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %s.networking.istio.io}
spec:
  group: networking.istio.io
  scope: Namespaced
  names: {kind: %s, listKind: %sList, plural: %s, singular: %s}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`, plural, kind, kind, plural, strings.ToLower(kind)))
	}
	return manifest.Join(out...)
}

// gatewayKinds are the kinds of the Gateway API that are read, by plural.
var gatewayKinds = []string{"gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants"}

// beside says that something is of a kind that needs a role beside deploy/rbac.yaml.
func beside(resource string) bool {
	return strings.HasSuffix(resource, ".networking.istio.io") || strings.HasSuffix(resource, ".gateway.networking.k8s.io")
}

// Under exactly the role of deploy/rbac.yaml nothing is forbidden but Istio's kinds and
// the Gateway API's where their CRDs are: that is told once for each, and all else works.
// With deploy/rbac-istio.yaml and deploy/rbac-gateway-api.yaml they are read, without a
// restart. Every verb that is granted is used: list by a coastwise that cannot stream
// lists, and whose clients show tokens.
func TestRole(t *testing.T) {
	t.Parallel()
	c := own(t)
	c.Apply(t, istioCRDs())
	for plural := range istioKinds {
		c.Kubectl(t, "wait", "--for=condition=Established", "--timeout=30s", "crd/"+plural+".networking.istio.io")
	}
	c.ApplyGatewayAPI(t, cluster.GatewayStandard)
	s := kube.New(t, c, tools)
	z := newShop(s, "role")
	client := z.client()
	c.Apply(t, z.turn())
	client.Holds(z.cluster(), z.lists()...)
	rule := "apiVersion: networking.istio.io/v1\n" + strings.SplitN(manifest.Rule(z.namespace, "istio", "beside", allThere), "\n", 2)[1]
	c.Apply(t, manifest.Join(z.service("beside"), rule))
	outbound := kube.Outbound(z.namespace, "beside")
	client.Holds(outbound, append(z.pods[0], z.pods[1]...))
	warned(z)
	c.Kubectl(t, "apply", "-f", deployed(t, "rbac-istio.yaml"), "-f", deployed(t, "rbac-gateway-api.yaml"))
	began := time.Now()
	d := took(t, began, 40*time.Second, func() error { return client.Lacks(outbound, z.pods[1]) })
	t.Logf("Istio's rule acts %v after deploy/rbac-istio.yaml", d)
	cluster.Eventually(t, kube.Patience, func() error {
		if left := series(s, "coastwise_input_forbidden", ""); len(left) > 0 {
			return fmt.Errorf("still forbidden: %v", left)
		}
		return nil
	})

	z.verifying()
	rights := granted(t, "rbac.yaml", "rbac-istio.yaml", "rbac-gateway-api.yaml")
	z.exercise(rights)
	requests := c.AuditOf(t, "coastwise-system", "coastwise")
	for r := range forbidden(requests) {
		if !beside(string(r)) { // which it was, until it was granted
			t.Errorf("forbidden: %s", r)
		}
	}
	table(t, rights, used(requests))
}

// exercise makes an object of each of our kinds, and edits the rule until every right
// has been used: its status is written, and Events tell of it, the second of one text
// by a patch.
func (z *shop) exercise(rights map[right]bool) {
	z.Helper()
	z.Cluster.Apply(z, manifest.Join(fmt.Sprintf(`apiVersion: networking.coastwise.dev/v1alpha1
kind: ServiceEntry
metadata: {name: outside, namespace: %[1]s}
spec:
  hosts: [outside.example.com]
  resolution: DNS
  ports: [{number: 80, name: http, protocol: HTTP}]
`, z.namespace), fmt.Sprintf(`apiVersion: networking.coastwise.dev/v1alpha1
kind: WorkloadEntry
metadata: {name: machine, namespace: %[1]s}
spec: {address: 10.9.9.9}
`, z.namespace), manifest.Mesh("{enabled: true}"), gatewayObjects(z.namespace)))
	cluster.Eventually(z, 2*kube.Patience, func() error {
		z.Cluster.Apply(z, z.turn())
		time.Sleep(time.Second)
		requests := z.Cluster.AuditOf(z, "coastwise-system", "coastwise")
		has := used(requests)
		for _, r := range sorted(rights) {
			if !has[r] {
				return fmt.Errorf("%s is granted and not used; forbidden was %v", r, sorted(forbidden(requests)))
			}
		}
		return nil
	})
}

// gatewayObjects are one of each kind of the Gateway API whose status is written.
func gatewayObjects(namespace string) string {
	const head = "apiVersion: gateway.networking.k8s.io/v1\nkind: "
	parent := fmt.Sprintf("metadata: {name: shop, namespace: %s}\nspec:\n  parentRefs: [{group: '', kind: Service, name: beside}]\n", namespace)
	return manifest.Join(
		head+"GatewayClass\nmetadata: {name: coastwise-waypoint}\nspec: {controllerName: networking.coastwise.dev/gateway-controller}\n",
		head+fmt.Sprintf("Gateway\nmetadata: {name: way, namespace: %s}\nspec:\n  gatewayClassName: coastwise-waypoint\n  listeners: [{name: mesh, port: 15088, protocol: PROXY}]\n", namespace),
		head+"HTTPRoute\n"+parent+"  rules: [{backendRefs: [{name: beside, port: 80}]}]\n",
		head+"GRPCRoute\n"+parent+"  rules: [{backendRefs: [{name: beside, port: 80}]}]\n",
	)
}

// warned waits until it has been said of each kind of Istio and of the Gateway API that
// it is forbidden, and checks that this is the only thing that is warned of, once for each.
func warned(z *shop) {
	z.Helper()
	all := len(istioKinds) + len(gatewayKinds)
	cluster.Eventually(z, kube.Patience, func() error {
		if told := series(z.Scene, "coastwise_input_forbidden", ""); len(told) != all {
			return fmt.Errorf("forbidden is %v, not Istio's %d kinds and the Gateway API's %d", told, len(istioKinds), len(gatewayKinds))
		}
		return nil
	})
	warnings := 0
	for line := range strings.Lines(z.Logged()) {
		if !strings.Contains(line, "level=WARN") && !strings.Contains(line, "level=ERROR") {
			continue
		}
		warnings++
		if !strings.Contains(line, "deploy/rbac-istio.yaml") && !strings.Contains(line, "deploy/rbac-gateway-api.yaml") || !strings.Contains(line, "kind=") {
			z.Errorf("warned of something else: %s", line)
		}
	}
	if warnings != all {
		z.Errorf("%d warnings, not one for each of %d kinds:\n%s", warnings, all, z.Logged())
	}
}
