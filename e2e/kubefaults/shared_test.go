package kubefaults_test

import (
	"sync"
	"testing"

	"github.com/coastwise/coastwise/e2e/cluster"
)

var prepare sync.Once

// prepareShared gives the shared cluster our CRDs and exactly the role of
// deploy/rbac.yaml, once.
func prepareShared(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	prepare.Do(func() {
		c.ApplyCRDs(t)
		c.Kubectl(t, "apply", "-f", deployed(t, "rbac.yaml"))
	})
}
