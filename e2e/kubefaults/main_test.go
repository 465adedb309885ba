package kubefaults_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/coastwise/coastwise/e2e/checkout"
	"github.com/coastwise/coastwise/e2e/cluster"
	"github.com/coastwise/coastwise/e2e/kube"
)

// tools are the programs of all scenes, shared the cluster of those that do it no harm.
var (
	tools  kube.Tools
	shared cluster.Shared
)

func TestMain(m *testing.M) { os.Exit(kube.Main(m, &tools, &shared)) }

// deployed is the path of a file of deploy/.
func deployed(t *testing.T, name string) string {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "deploy", name)
}

// own is a cluster of the test's own with our CRDs and exactly the role of
// deploy/rbac.yaml.
func own(t *testing.T) *cluster.Cluster {
	t.Helper()
	c := cluster.Start(t, cluster.Options{})
	c.ApplyCRDs(t)
	c.Kubectl(t, "apply", "-f", deployed(t, "rbac.yaml"))
	return c
}
