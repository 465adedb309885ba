package conformance

import (
	"testing"

	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
)

// newLab is a cluster that the suite can be run against, with coastwise in it, until the
// test ends.
func newLab(t testing.TB) *cluster.Cluster {
	t.Helper()
	tools, err := kube.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := cluster.Start(t, cluster.Options{})
	c.ApplyGatewayAPI(t, cluster.GatewayExperimental)
	kube.Prepare(t, c)
	certificates := t.TempDir()
	mountCertificates(t, c, certificates)
	runPods(t, c)
	runGateways(t, kube.Start(t, c, tools, kube.Options{Args: []string{"--tls-dir", certificates}}))
	makeClass(t, c)
	return c
}
