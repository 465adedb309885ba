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

// Under exactly the role of deploy/rbac.yaml nothing is forbidden but Istio's kinds
// where their CRDs are: that is told once for each, and all else works. With
// deploy/rbac-istio.yaml they are read, without a restart. Every verb that is granted
// is used: list by a coastwise that cannot stream lists, and whose clients show tokens.
func TestRole(t *testing.T) {
	t.Parallel()
	c := own(t)
	c.Apply(t, istioCRDs())
	for plural := range istioKinds {
		c.Kubectl(t, "wait", "--for=condition=Established", "--timeout=30s", "crd/"+plural+".networking.istio.io")
	}
	s := kube.New(t, c, tools)
	z := newShop(s, "role")
	client := z.client()
	c.Apply(t, z.turn())
	client.Holds(z.cluster(), z.lists()...)
	rule := "apiVersion: networking.istio.io/v1\n" + strings.SplitN(manifest.Rule(z.namespace, "istio", "beside", allThere), "\n", 2)[1]
	c.Apply(t, manifest.Join(z.service("beside"), rule))
	beside := kube.Outbound(z.namespace, "beside")
	client.Holds(beside, append(z.pods[0], z.pods[1]...))
	warned(z)
	c.Kubectl(t, "apply", "-f", deployed(t, "rbac-istio.yaml"))
	began := time.Now()
	d := took(t, began, 40*time.Second, func() error { return client.Lacks(beside, z.pods[1]) })
	t.Logf("Istio's rule acts %v after deploy/rbac-istio.yaml", d)
	cluster.Eventually(t, kube.Patience, func() error {
		if left := series(s, "coastwise_input_forbidden", ""); len(left) > 0 {
			return fmt.Errorf("still forbidden: %v", left)
		}
		return nil
	})

	z.verifying()
	rights := granted(t, "rbac.yaml", "rbac-istio.yaml")
	z.exercise(rights)
	requests := c.AuditOf(t, "coastwise-system", "coastwise")
	for r := range forbidden(requests) {
		if !strings.HasSuffix(string(r), ".networking.istio.io") { // which it was, until it was granted
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
`, z.namespace), manifest.Mesh("{enabled: true}")))
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

// warned waits until it has been said of each of Istio's kinds that it is forbidden,
// and checks that this is the only thing that is warned of, once for each.
func warned(z *shop) {
	z.Helper()
	cluster.Eventually(z, kube.Patience, func() error {
		if told := series(z.Scene, "coastwise_input_forbidden", "networking.istio.io"); len(told) != len(istioKinds) {
			return fmt.Errorf("forbidden is %v, not Istio's %d kinds", told, len(istioKinds))
		}
		return nil
	})
	warnings := 0
	for line := range strings.Lines(z.Logged()) {
		if !strings.Contains(line, "level=WARN") && !strings.Contains(line, "level=ERROR") {
			continue
		}
		warnings++
		if !strings.Contains(line, "deploy/rbac-istio.yaml") || !strings.Contains(line, "kind=") {
			z.Errorf("warned of something else: %s", line)
		}
	}
	if warnings != len(istioKinds) {
		z.Errorf("%d warnings, not one for each of Istio's kinds:\n%s", warnings, z.Logged())
	}
}
