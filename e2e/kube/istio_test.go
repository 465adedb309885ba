package kube_test

import (
	"fmt"
	"testing"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
	"github.com/coastwise/coastwise/e2e/manifest"
)

// istioCRD is the least that makes Istio's DestinationRules objects.
const istioCRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: destinationrules.networking.istio.io}
spec:
  group: networking.istio.io
  scope: Namespaced
  names: {kind: DestinationRule, listKind: DestinationRuleList, plural: destinationrules, singular: destinationrule}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// A CRD of Istio's that comes while coastwise runs makes its rules act without a
// restart; once it is deleted they do not, and no request fails.
func TestIstioCRD(t *testing.T) {
	z := newTwoZones(t, "istio")
	z.Cluster.Delete(t, z.rule(ownZone))
	name := kube.Outbound(z.namespace, "shop")
	z.client.Holds(name, []string{z.here, z.there})
	stream := z.client.Stream(z.host)
	pid := z.Server.Pid()
	for range 2 {
		z.Cluster.Apply(t, istioCRD)
		z.Cluster.Kubectl(t, "wait", "--for=condition=Established", "--timeout=30s", "crd/destinationrules.networking.istio.io")
		applyIstio(t, z, ownZone)
		z.client.Holds(name, []string{z.here}, []string{z.there})
		applyIstio(t, z, allTo("eu/here/*", "eu/there/*"))
		z.client.Holds(name, []string{z.there})
		stream.Next()
		z.Cluster.Delete(t, istioCRD)
		z.client.Holds(name, []string{z.here, z.there})
	}
	if !z.Server.Running() || z.Server.Pid() != pid {
		t.Error("coastwise was restarted")
	}
	z.Only(stream.End(), z.here, z.there)
}

// applyIstio applies Istio's form of the rule; kubectl may not know the kind yet.
func applyIstio(t *testing.T, z twoZones, policy string) {
	t.Helper()
	rule := manifest.Rule(z.namespace, "shop", "shop", policy)
	rule = "apiVersion: networking.istio.io/v1\n" + rule[len("apiVersion: networking.coastwise.dev/v1alpha1\n"):]
	cluster.Eventually(t, kube.Patience, func() error {
		if r := z.Cluster.TryKubectl(t, rule, "apply", "-f", "-"); r.Code != 0 {
			return fmt.Errorf("kubectl apply: %s", r.Stderr)
		}
		return nil
	})
}
